"""When a daemon that ended by accident is started again; when it is given up."""

from dataclasses import dataclass, field

from orchestrator.worktree.daemon_settings import Restarts


@dataclass
class History:
    """The accidents of one child; times are of time.monotonic()."""

    accidents: list[float] = field(default_factory=list)  # of the last interval

    def after_accident(self, now: float, settings: Restarts) -> float | None:
        """Note an accident; return in how many seconds to start again, None: never.

        Without a limit (``attempts`` 0) it is always started again.
        """
        self.accidents = [at for at in self.accidents if now - at < settings.interval_s]
        self.accidents.append(now)
        count = len(self.accidents)
        if settings.attempts and count > settings.attempts:
            return None
        return min(settings.delay_s * 2.0 ** min(count - 1, 60), settings.max_delay_s)

    def count(self, now: float, settings: Restarts) -> int:
        """Return how many accidents there were within the interval."""
        return sum(now - at < settings.interval_s for at in self.accidents)
