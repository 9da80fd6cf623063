"""Training jobs: their metrics, interruptions and further runs, and the records that they become."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from local_emulator.domain import transitions
from local_emulator.domain.errors import INTERNAL_ERROR, RunError
from local_emulator.domain.jobs import Phase, Secondary, Status
from local_emulator.domain.objects import Objects
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.engine import endings, placement
from local_emulator.engine.endings import Ending
from local_emulator.engine.work import Work
from local_emulator.runs.data import artifacts
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.run import Cause, Exit, Run
from local_emulator.settings import Settings
from local_emulator.store.base import Query, Store

_NODE_LOSSES = 3  # times that a training job survives the loss of its worker
_UNDER_WAY_AFTER = timedelta(seconds=1)  # for a spot run without metrics


class RunPreparer(Protocol):
    """Prepares what a program needs before it can start."""

    def immediate(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run | None:
        """A run that is prepared in no time; None if `prepare` has to, which may take long."""

    def prepare(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run:
        """Lay out the run's folder; raises RunError with the FailureReason."""


class TrainingJobs(Work[TrainingJob]):
    """Training jobs, children of tuning jobs or not."""

    def __init__(
        self,
        *,
        store: Store,
        preparation: RunPreparer,
        objects: Objects,
        runs: Path,
        settings: Settings,
        now: Callable[[], datetime],
        token: Callable[[], str],
    ) -> None:
        self.table = store.trainings
        self._store = store
        self._preparation = preparation
        self._objects = objects
        self._runs = runs
        self._settings = settings
        self._now = now
        self._token = token
        self._faults = settings.faults
        self._node_losses = _NODE_LOSSES if settings.scheduler else 0

    def _folder(self, job: TrainingJob) -> RunFolder:
        return RunFolder(self._runs / job.run)

    # --- its beginning --------------------------------------------------------------------------------------------------

    def placed(self, job: TrainingJob) -> TrainingJob | Ending:
        """On the first of its instance configurations that has capacity, if any has."""
        now = self._now()
        placed = placement.placed(job, self._store, self._faults.capacity)
        if placed is None:
            return endings.failed(endings.NO_CAPACITY, retryable=True)
        return transitions.downloading(replace(placed, started=job.started or now), now)

    def after_placing(self, job: TrainingJob) -> None:
        """Show in the ended training job whose instances this one reuses that it does."""
        if job.tuning_arn is None:
            return
        newest = Query(tuning=job.tuning_arn, statuses=[Status.COMPLETED], descending=True, limit=self._settings.parallel + 1)
        idle = [other for other in self._store.trainings.find(newest).items if transitions.retained(other)]
        if idle:
            self._store.trainings.put(transitions.reused(min(idle, key=lambda other: other.ended or other.created), job.name))

    def immediate(self, job: TrainingJob, folder: Path) -> Run | None:
        """The run of a function."""
        return self._preparation.immediate(job, folder, job.time_budget(self._now()))

    def preparation(self, job: TrainingJob) -> Callable[[Path], Run]:
        """Data, source, `/opt/ml`."""
        return partial(self._prepare, job, job.time_budget(self._now()))

    def _prepare(self, job: TrainingJob, budget: TimeBudget, folder: Path) -> Run:
        return self._preparation.prepare(job, folder, budget)

    def begun(self, job: TrainingJob, run: Run) -> TrainingJob | Ending:
        """Its program begins, unless a fault strikes it."""
        if placement.strikes(self._faults.internal, "internal", job):
            return endings.failed(INTERNAL_ERROR, retryable=True)
        claimed = run.function is not None  # there is no supervisor to wait for
        return replace(transitions.training(job, self._now()), claimed=claimed)

    def waited_too_long(self, job: TrainingJob) -> Ending | None:
        """Whether MaxWaitTimeInSeconds is over."""
        return endings.MAX_WAIT if job.time_budget(self._now()).wait == 0.0 else None

    # --- while it trains ------------------------------------------------------------------------------------------------

    def stopping(self, job: TrainingJob) -> TrainingJob:
        """With the secondary status Stopping, unless it uploads already."""
        shown = job.secondary is Secondary.STOPPING or job.phase is Phase.COLLECTING
        return job if shown else transitions.stopping(job, self._now())

    def follow(self, job: TrainingJob) -> None:
        """Record new metric values."""
        observations, offset = read_metrics(self._folder(job), self._store.offset(job.arn))
        if observations:
            numbered = [replace(observation, seq=observation.seq + job.observation_offset) for observation in observations]
            self._store.record(job.arn, numbered, offset)

    def interrupted(self, job: TrainingJob) -> bool:
        """Whether the spot instance is taken away."""
        if not job.spot:
            return False
        if job.interrupt:
            return True
        under_way = self._store.offset(job.arn) > 0 or self._now() - job.run_started > _UNDER_WAY_AFTER
        return under_way and placement.strikes(self._faults.interrupt, "interrupt", job)

    # --- its end --------------------------------------------------------------------------------------------------------

    def collecting(self, job: TrainingJob, ended: Exit | None) -> TrainingJob:
        """It uploads what its run has left, unless another run follows."""
        if ended is None or ended.cause is Cause.INTERRUPT or job.phase is Phase.COLLECTING:
            return job
        return job.moved(Secondary.UPLOADING, self._now(), "Uploading generated training model")

    def nothing_to_collect(self, job: TrainingJob, ended: Exit) -> bool:
        """Whether there is neither model nor output nor checkpoint."""
        return artifacts.nothing(job, ended)

    def collect(self, job: TrainingJob, folder: RunFolder, ended: Exit | None) -> Ending:
        """Upload model, output and checkpoints."""
        ending = endings.RUN_LOST if ended is None else endings.ending_of(folder, ended, job.spec.environment)
        try:
            if ended is None or ending is endings.INTERRUPTED:
                artifacts.upload_checkpoints(job, folder, self._objects)
            else:
                artifacts.upload(job, folder, ended, self._objects)
        except RunError as error:
            if ending.status is not Status.FAILED:
                ending = endings.failed(str(error))
        return ending

    def over(self, job: TrainingJob, ending: Ending) -> None:
        """Let another run wait after one that was interrupted or lost, if there may be one."""
        most = job.spec.maximum_retry_attempts
        if ending is endings.RUN_LOST:
            most = max(most, self._node_losses)
        if ending is endings.INTERRUPTED and job.status is Status.STOPPING:
            self.end(job, endings.STOPPED)
        elif ending is endings.INTERRUPTED and job.time_budget(self._now()).wait == 0.0:
            self.end(job, endings.MAX_WAIT)
        elif ending is endings.INTERRUPTED or (ending.retryable and job.retries < most and job.status is Status.IN_PROGRESS):
            self._begin_another(job, ending)
        else:
            self.end(job, ending)

    def _begin_another(self, job: TrainingJob, ending: Ending) -> None:
        observations = self._store.observations(job.arn)
        with self._store.transaction():
            self._store.record(job.arn, (), 0)  # the next run's metrics are read from their beginning
            self._store.trainings.put(
                transitions.another_run(
                    job,
                    run=self._token(),
                    observation_offset=observations[-1].seq if observations else 0,
                    now=self._now(),
                    interrupted=ending is endings.INTERRUPTED,
                )
            )

    def end(self, job: TrainingJob, ending: Ending) -> None:
        """With the last value of each metric."""
        self._store.trainings.put(endings.ended(job, ending, self._store.observations(job.arn), self._now()))
