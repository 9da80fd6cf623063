"""What the lifecycle of runs has to know of each kind of job."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from local_emulator.domain.jobs import Job, Phase, RunJob, Status
from local_emulator.engine import endings
from local_emulator.engine.endings import Ending
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Exit, Run
from local_emulator.store.base import Table

W = TypeVar("W", bound=Job)
R = TypeVar("R", bound=RunJob)


class Work(Generic[W]):
    """Jobs of one kind: the records that they become, what their runs do, what becomes of the results.

    Called in the loop's thread, but for what `preparation` returns and for `collect`.
    """

    table: Table[W]

    def placed(self, job: W) -> W | Ending:
        """The job whose turn it is, in the phase PREPARING, or how it ends for want of what it needs."""
        raise NotImplementedError

    def after_placing(self, job: W) -> None:
        """Called when that is stored."""

    def immediate(self, _job: W, _folder: Path) -> Run | None:
        """Its run if that is prepared in no time; None if `preparation` has to."""
        return None

    def preparation(self, job: W) -> Callable[[Path], Run]:
        """What lays out a run's folder, which may take long; raises RunError with the FailureReason."""
        raise NotImplementedError

    def begun(self, job: W, run: Run) -> W | Ending:
        """The job in the phase RUNNING, or how it ends instead."""
        raise NotImplementedError

    def waited_too_long(self, _job: W) -> Ending | None:
        """How a job ends that has waited for a slot as long as it may."""
        return None

    def stopping(self, job: W) -> W:
        """A job that is asked to stop, as that is shown; stored if it is another."""
        return job

    def follow(self, job: W) -> None:
        """Take what is new of a run that has begun."""

    def interrupted(self, _job: W) -> bool:
        """Whether the run is to be interrupted, to begin anew."""
        return False

    def collecting(self, job: W, ended: Exit | None) -> W:
        """The job in the phase COLLECTING; stored if it is another."""
        raise NotImplementedError

    def nothing_to_collect(self, _job: W, _ended: Exit) -> bool:
        """Whether `collect` takes no time."""
        return False

    def collect(self, job: W, folder: RunFolder, ended: Exit | None) -> Ending:
        """Bring results to where they belong, and say how the job ends; `ended` None if the run was lost. May be repeated."""
        raise NotImplementedError

    def over(self, job: W, ending: Ending) -> None:
        """Store how a job has ended, or let another run of it wait."""
        raise NotImplementedError

    def end(self, job: W, ending: Ending) -> None:
        """Store how a job has ended."""
        raise NotImplementedError


class RunWork(Work[R]):
    """Jobs that have one run and nothing beside it; `now` is the time of day."""

    def __init__(self, table: Table[R], now: Callable[[], datetime]) -> None:
        self.table = table
        self._now = now

    def placed(self, job: R) -> R | Ending:
        """There is always an instance."""
        return job.moved(Phase.PREPARING, self._now())

    def begun(self, job: R, _run: Run) -> R | Ending:
        """Its program begins."""
        return job.moved(Phase.RUNNING, self._now())

    def collecting(self, job: R, _ended: Exit | None) -> R:
        """Its program has ended."""
        return job if job.phase is Phase.COLLECTING else job.moved(Phase.COLLECTING, self._now())

    def over(self, job: R, ending: Ending) -> None:
        """A job has one run."""
        self.end(job, ending)

    def end(self, job: R, ending: Ending) -> None:
        """With its reason, and what its program wrote as its exit message."""
        if ending.status is Status.COMPLETED and job.status is Status.STOPPING:  # while its program ended by itself
            ending = replace(endings.STOPPED, exit_message=ending.exit_message)
        now = max(self._now(), job.modified)
        moved = replace(job, status=ending.status, ended=now, modified=now)
        self.table.put(replace(moved, failure_reason=ending.reason, exit_message=ending.exit_message))
