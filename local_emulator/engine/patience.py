"""How long the end of a job may be delayed: by its data, its supervisor, its uploads."""

import time
from collections.abc import Callable
from datetime import datetime

from local_emulator.domain.jobs import Job, Phase, Status
from local_emulator.engine import endings
from local_emulator.engine.endings import Ending
from local_emulator.runs.folder import RunFolder

_SOON = 5.0  # seconds: for what has no grace period
_WORK = 60.0  # seconds that a supervisor may take beside three times the grace: for its program, what it printed, its archives


class Patience:
    """Notes since when each run has been waiting for the same thing.

    Args:
        grace: Seconds between SIGTERM and SIGKILL.
        scale: How many times as fast as `clock` the time of day runs.
        clock: Seconds of a clock that nobody can set.
    """

    def __init__(self, grace: float, *, scale: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace = grace
        self._scale = scale
        self._clock = clock
        self._since: dict[tuple[str, str], float] = {}

    def _longer(self, job: Job, what: str, seconds: float) -> bool:
        """Whether a stopping job has been waiting for something for more than `seconds`; the first call begins the wait."""
        if job.status is not Status.STOPPING:
            return False
        return self._clock() - self._since.setdefault((job.run, what), self._clock()) > seconds

    def with_data(self, job: Job) -> bool:
        """Whether to wait no more for the preparation of a stopping job."""
        return self._longer(job, "data", _SOON)

    def with_upload(self, job: Job) -> bool:
        """Whether to wait no more for the uploads of a stopping job."""
        return self._longer(job, "upload", self._grace)

    def with_supervisor(self, job: Job, folder: RunFolder, now: datetime) -> Ending | None:
        """How a job ends whose supervisor reacts neither to a stop nor to the time limit; None to go on waiting."""
        most = 3 * self._grace + _WORK
        if job.status is Status.STOPPING:  # only then is the control worth its three system calls
            patience = self._grace + _SOON if folder.has_unread_control else most
            if self._longer(job, "supervisor", patience):
                return endings.STOPPED
        if job.max_runtime is None or job.phase is not Phase.RUNNING or job.status is Status.STOPPING:
            return None
        late = ((now - job.phase_started).total_seconds() - job.max_runtime) / self._scale
        return endings.MAX_RUNTIME if late > most or (late > _SOON and self._does_not_react(job, folder)) else None

    def _does_not_react(self, job: Job, folder: RunFolder) -> bool:
        """Whether a supervisor that should have ended its run does not react to a message: it is stopped, or hangs."""
        key = (job.run, "knock")
        if key not in self._since:
            self._since[key] = self._clock()
            folder.wake_supervisor()
        return folder.has_unread_control and self._clock() - self._since[key] > self._grace + _SOON

    def forget(self, run: str) -> None:
        """Forget a run that has ended."""
        self._since = {key: since for key, since in self._since.items() if key[0] != run}
