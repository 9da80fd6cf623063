"""Transform jobs: what they send and keep, and how they end."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from local_emulator.documents import transform as documents
from local_emulator.domain.errors import RunError
from local_emulator.domain.jobs import Status
from local_emulator.domain.objects import Objects
from local_emulator.domain.transform import TransformJob
from local_emulator.engine import endings
from local_emulator.engine.endings import Ending
from local_emulator.engine.work import RunWork
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Exit, Run
from local_emulator.runs.transforming import preparation as transforming
from local_emulator.store.base import Table


class TransformPreparer(Protocol):
    """Prepares what a transform job's program needs."""

    def prepare(self, job: TransformJob, folder: Path) -> Run:
        """Lay out the run's folder; raises RunError with the FailureReason."""


class TransformJobs(RunWork[TransformJob]):
    """Transform jobs."""

    def __init__(
        self, *, table: Table[TransformJob], now: Callable[[], datetime], preparation: TransformPreparer, objects: Objects
    ) -> None:
        super().__init__(table, now)
        self._preparation = preparation
        self._objects = objects

    def preparation(self, job: TransformJob) -> Callable[[Path], Run]:
        """Model, files, plan."""
        return partial(self._preparation.prepare, job)

    def collect(self, job: TransformJob, folder: RunFolder, ended: Exit | None) -> Ending:
        """Upload the answers to all files that were transformed, of a job that failed, too, but not of one that was stopped."""
        if ended is None:
            return endings.RUN_LOST
        ending = endings.ending_of(folder, ended, documents.environment(job))
        if ending.status is Status.STOPPED:
            return ending
        if ending.status is Status.FAILED and (reason := transforming.reason(folder)) is not None:
            ending = endings.failed(reason)
        try:
            transforming.upload(job, folder, self._objects)
        except RunError as error:
            if ending.status is not Status.FAILED:
                ending = endings.failed(str(error))
        return ending
