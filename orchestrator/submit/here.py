"""Grid types without a grid: local (on the schedd's own machine) and vanilla (in its own pool)."""

from orchestrator.submit import text
from orchestrator.submit.common import Commands, Glidein, sandbox


def local(glidein: Glidein) -> Commands:
    """Return what is special for the schedd's own machine: nothing is copied there."""
    made = sandbox(glidein, with_proxy=True, absolute=True)
    return {"universe": "local", "environment": text.environment(made.variables)}


def vanilla(glidein: Glidein) -> Commands:
    """Return what is special for the pool that the schedd belongs to."""
    made = sandbox(glidein, with_proxy=True)
    commands = {
        "universe": "vanilla",
        "should_transfer_files": "YES",
        "environment": text.environment(made.variables),
        "request_cpus": str(glidein.record.cores),
    }
    if made.files:
        listed = text.files("credential files", made.files)
        commands["transfer_input_files"] = commands["encrypt_input_files"] = listed
    return commands
