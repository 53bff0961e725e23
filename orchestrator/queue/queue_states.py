"""Where a glidein is, by what the schedd and the grid middleware say of its job."""

from orchestrator.queue.queue_view import State

IDLE, RUNNING, HELD = 1, 2, 5  # JobStatus
TRANSFERRING_OUTPUT, SUSPENDED = 6, 7
ALIVE = (
    IDLE,
    RUNNING,
    HELD,
    TRANSFERRING_OUTPUT,
    SUSPENDED,
)  # neither removed nor completed

# GridJobStatus of an idle job, and of a running one; protocol 9.1.
_IDLE = dict.fromkeys(
    (
        *("PENDING", "INLRMS:Q", "PREPARED", "SUBMITTING", "IDLE"),
        *("SUSPENDED", "REGISTERED", "QUEUING"),
    ),
    State.PENDING,
) | dict.fromkeys(("STAGE_IN", "PREPARING", "ACCEPTING", "ACCEPTED"), State.STAGE_IN)
_RUNNING = dict.fromkeys(
    ("ACTIVE", "REALLY-RUNNING", "INLRMS:R", "RUNNING"), State.RUNNING
) | dict.fromkeys(
    (
        *("STAGE_OUT", "INLRMS:E", "EXECUTED", "FINISHING"),
        *("FINISHED", "DONE", "COMPLETED"),
    ),
    State.STAGE_OUT,
)


def state_of(job_status: int, grid_status: str | None) -> State | None:
    """Return the state of a job; None for one that was removed or has ended.

    ``grid_status`` is what the site says (GridJobStatus), None when it has said nothing.
    """
    said = grid_status.upper() if grid_status else None
    match job_status:
        case 1:
            return State.WAIT if said is None else _IDLE.get(said, State.IDLE_OTHER)
        case 2:
            return (
                State.RUNNING if said is None else _RUNNING.get(said, State.RUNNING_OTHER)
            )
        case 5:
            return State.HELD
        case 6:
            return State.STAGE_OUT
        case 7:
            return State.RUNNING
    return None
