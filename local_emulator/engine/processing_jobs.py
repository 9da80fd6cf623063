"""Processing jobs: their outputs, some of them while the program runs, and how they end."""

import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from local_emulator.domain.errors import RunError
from local_emulator.domain.jobs import Status
from local_emulator.domain.objects import Objects
from local_emulator.domain.processing import ProcessingJob
from local_emulator.engine import endings
from local_emulator.engine.endings import Ending
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.starter import RunStarter
from local_emulator.engine.work import RunWork
from local_emulator.runs.data import processing_results as results
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Exit, Run
from local_emulator.store.base import Table

if TYPE_CHECKING:
    from concurrent.futures import Future

    from local_emulator.runs.data.processing_results import Uploaded

_UPLOAD_EVERY = 2.0  # seconds between the ends of uploads of continuous outputs and the next


class ProcessingPreparer(Protocol):
    """Prepares what a processing job's program needs."""

    def prepare(self, job: ProcessingJob, folder: Path) -> Run:
        """Lay out the run's folder; raises RunError with the FailureReason."""


class ProcessingJobs(RunWork[ProcessingJob]):
    """Processing jobs."""

    def __init__(
        self,
        *,
        table: Table[ProcessingJob],
        now: Callable[[], datetime],
        preparation: ProcessingPreparer,
        objects: Objects,
        starter: RunStarter,
        log: FaultLog,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(table, now)
        self._preparation = preparation
        self._objects = objects
        self._starter = starter
        self._log = log
        self._steady = steady
        self._uploads: dict[str, Future[Uploaded]] = {}
        self._uploaded: dict[str, tuple[float, Uploaded]] = {}  # by run: when, and what

    def preparation(self, job: ProcessingJob) -> Callable[[Path], Run]:
        """Inputs, configuration, command."""
        return partial(self._preparation.prepare, job)

    def follow(self, job: ProcessingJob) -> None:
        """Upload what is new of continuous outputs, in the background."""
        if not any(output.continuous for output in job.spec.outputs):
            return
        uploading = self._uploads.get(job.run)
        if uploading is not None and uploading.done():
            self._take(job, self._uploads.pop(job.run))
        since, before = self._uploaded.get(job.run, (self._steady() - _UPLOAD_EVERY, {}))
        folder = self._starter.folder(job.run)
        due = job.run not in self._uploads and self._steady() - since >= _UPLOAD_EVERY
        if due and folder.read_exit() is None:  # after its end everything is uploaded
            self._uploads[job.run] = self._starter.slow(
                results.upload, job, folder, self._objects, completed=False, before=before
            )

    def _take(self, job: ProcessingJob, uploading: "Future[Uploaded]") -> None:
        error = uploading.exception()
        if error is not None:  # it is tried again, and at the end of the job for good
            self._log.report(f"uploading outputs: {job.arn}", error)
        _, before = self._uploaded.get(job.run, (0.0, {}))
        self._uploaded[job.run] = self._steady(), before if error is not None else uploading.result()

    def _finish_uploading(self, job: ProcessingJob) -> None:
        """Wait for an upload that goes on: what it has read is older than what is uploaded after it."""
        uploading = self._uploads.pop(job.run, None)
        if uploading is not None and not uploading.cancel():
            wait([uploading])

    def collect(self, job: ProcessingJob, folder: RunFolder, ended: Exit | None) -> Ending:
        """Upload outputs: all of a job that completes, the continuous ones of any other. Take the exit message."""
        ending = endings.RUN_LOST if ended is None else endings.ending_of(folder, ended, job.spec.environment)
        message = None
        self._finish_uploading(job)
        try:
            message = results.exit_message(folder)
            results.upload(job, folder, self._objects, completed=ending.status is Status.COMPLETED)
        except RunError as error:
            if ending.status is not Status.FAILED:
                ending = endings.failed(str(error))
        return replace(ending, exit_message=message)

    def end(self, job: ProcessingJob, ending: Ending) -> None:
        """Forget what was uploaded, too."""
        super().end(job, ending)
        self._uploads.pop(job.run, None)
        self._uploaded.pop(job.run, None)
