"""Moves every training job towards the evidence that its run has left.

Nothing here depends on having seen an event: each step compares the record with the evidence in the run's folder, so a restart is
no special case. Slow work (data in, archives out) is done by a few threads; records are written by the loop's thread alone.
"""

import errno
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from local_emulator.domain import transitions
from local_emulator.domain.errors import INTERNAL_ERROR, EmulatorError, NotFound, RunError, Unreadable
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.objects import Objects
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.engine import endings, placement
from local_emulator.engine.admission import admitted
from local_emulator.engine.endings import Ending
from local_emulator.engine.faults import FaultLog, Retries, result_of
from local_emulator.engine.patience import Patience
from local_emulator.engine.sweeping import Leftovers, sweep
from local_emulator.engine.workers import Workers
from local_emulator.runs.data import artifacts
from local_emulator.runs.folder import RunFolder, folders_below, read_metrics
from local_emulator.runs.run import Cause, Executor, Run, RunState
from local_emulator.settings import Settings
from local_emulator.store.base import Query, Store

P = ParamSpec("P")
T = TypeVar("T")

_CLAIMED_WITHIN = 10.0  # seconds from the start of a run to the claim of its supervisor
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSES_WITHIN = 5.0  # seconds
_NODE_LOSSES = 3  # times that a training job survives the loss of its worker
_RESET_WITHIN = 10.0  # seconds that a reset waits for slow work
_UNDER_WAY_AFTER = timedelta(seconds=1)  # for a spot run without metrics


class RunPreparer(Protocol):
    """Prepares what a program needs before it can start."""

    def immediate(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run | None:
        """A run that is prepared in no time; None if `prepare` has to, which may take long."""

    def prepare(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run:
        """Lay out the run's folder; raises RunError with the FailureReason."""


class _EvidenceGoneError(EmulatorError):
    """A run that seemed not to have begun has left processes behind: it must not be begun again."""


class TrainingLifecycle:
    """Starts, follows and ends the runs of training jobs, at most `parallel` at a time."""

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        preparation: RunPreparer,
        objects: Objects,
        runs: Path,
        settings: Settings,
        now: Callable[[], datetime],
        notify: Callable[[], None],
        touched: Callable[[Arn], None],
        token: Callable[[], str],
        log: FaultLog,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._steady = steady
        self._executor = executor
        self._preparation = preparation
        self._objects = objects
        self._runs = runs
        self._settings = settings
        self._now = now
        self._notify = notify
        self._touched = touched
        self._token = token
        self._faults = settings.faults
        self._node_losses = _NODE_LOSSES if settings.scheduler else 0
        self._threads = Workers(max(2, settings.parallel))
        self._patience = Patience(settings.stop_grace, scale=settings.time_scale)
        self._preparing: dict[str, Future[Run]] = {}
        self._started: dict[str, float] = {}
        self._ending: dict[str, Future[Ending]] = {}
        self._stopped: set[str] = set()
        self._leftovers = Leftovers(lambda folder: self._threads.submit(folder.remove_results))
        self._log = log
        self._retries = Retries(log, "moving a training job", notify)

    def sweep(self) -> None:
        """Remove, in the background, what is left of runs whose training job was deleted or has ended."""
        self._slow(sweep, self._runs, self._store, self._executor, self._log)

    def close(self) -> None:
        """Finish slow work, but for what hangs, which the next emulator does again; runs go on."""
        self._leftovers.remove()
        self._threads.close(_CLOSES_WITHIN)

    def reset(self) -> None:
        """Kill every run and remove its folders. Called while the loop is paused."""
        slow: list[Future[Any]] = [*self._preparing.values(), *self._ending.values()]
        for future in slow:
            future.cancel()
        wait(slow, timeout=_RESET_WITHIN)
        for folder in folders_below(self._runs):
            self._executor.kill(folder.path)
            folder.remove()
        for runs in (self._preparing, self._started, self._ending, self._stopped):
            runs.clear()

    @property
    def unsettled(self) -> bool:
        """Whether slow work is going on, after which there is more to do."""
        return bool(self._preparing or self._ending)

    def tidy(self) -> None:
        """Have the results of ended runs removed, unless other runs wait; for when the loop has nothing else to do."""
        if not self.unsettled:
            self._leftovers.remove()

    def step(self) -> bool:
        """Move every active training job as far as it goes now; whether any is left that is not terminal."""
        arns = self._store.trainings.active()
        active = [job for job in map(self._read, arns) if job is not None]
        for job in active:
            self._touched(job.arn)
            self._retries.guard(job.arn, partial(self._move, job), partial(self._give_up, job))
        self._admit(active)
        return bool(arns)

    def _read(self, arn: Arn) -> TrainingJob | None:
        read = partial(self._store.trainings.get, arn)
        try:
            return read()
        except NotFound:
            return None
        except Unreadable:
            self._retries.guard(arn, read, lambda _: self._store.mark_failed(arn, INTERNAL_ERROR, self._now()))
            return None

    def _give_up(self, job: TrainingJob, error: Exception) -> None:
        """End a training job that cannot be moved, with a general reason; the server's log has the details."""
        full = isinstance(error, OSError) and error.errno in _FULL
        ending = endings.failed(f"{INTERNAL_ERROR} (No space left on device)" if full else INTERNAL_ERROR, retryable=True)
        self._preparing.pop(job.run, None)
        self._ending[job.run] = self._slow(self._abandon, job, ending)

    def _abandon(self, job: TrainingJob, ending: Ending) -> Ending:
        self._executor.kill(self._folder(job).path)
        return ending

    def _folder(self, job: TrainingJob) -> RunFolder:
        return RunFolder(self._runs / job.run)

    # --- waiting for a slot ---------------------------------------------------------------------------------------------

    def _admit(self, active: Sequence[TrainingJob]) -> None:
        for job in admitted(active, self._preparing, self._settings, self._now()):
            self._retries.guard(job.arn, partial(self._place, job), partial(self._give_up, job))

    def _place(self, job: TrainingJob) -> None:
        now = self._now()
        placed = placement.placed(job, self._store, self._faults.capacity)
        if placed is None:
            self._end(job, endings.failed(endings.NO_CAPACITY, retryable=True))
            return
        job = transitions.downloading(replace(placed, started=job.started or now), now)
        job = self._store.trainings.put(job)
        run = self._preparation.immediate(job, self._folder(job).path, job.time_budget(now))
        if run is None:
            self._prepare(job)
        self._take_over(job)
        if run is not None:
            self._start(job, run)

    def _prepare(self, job: TrainingJob, *, again: bool = False) -> None:
        self._preparing[job.run] = self._slow(self._prepare_folder, job, job.time_budget(self._now()), again=again)

    def _prepare_folder(self, job: TrainingJob, budget: TimeBudget, *, again: bool) -> Run:
        path = self._folder(job).path
        if again and self._executor.kill(path):
            raise _EvidenceGoneError(job.run)
        return self._preparation.prepare(job, path, budget)

    def _take_over(self, job: TrainingJob) -> None:
        """Show in the ended training job whose instances this one reuses that it does."""
        if job.tuning_arn is None:
            return
        newest = Query(tuning=job.tuning_arn, statuses=[Status.COMPLETED], descending=True, limit=self._settings.parallel + 1)
        idle = [other for other in self._store.trainings.find(newest).items if transitions.retained(other)]
        if idle:
            self._store.trainings.put(transitions.reused(min(idle, key=lambda other: other.ended or other.created), job.name))

    def _slow(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = self._threads.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._notify())
        return future

    # --- one job, one step ----------------------------------------------------------------------------------------------

    def _move(self, job: TrainingJob) -> None:
        if job.run in self._ending:
            self._conclude(job)
            return
        if job.status is Status.STOPPING and job.secondary not in {Secondary.STOPPING, Secondary.UPLOADING}:
            job = self._store.trainings.put(transitions.stopping(job, self._now()))
        state = self._executor.state(self._folder(job).path)
        if state is RunState.NEW and not job.claimed:
            self._begin_run(job)
        elif state is RunState.RUNNING:
            self._follow(job)
        else:
            self._ingest(job)
            self._upload(job)

    def _begin_run(self, job: TrainingJob) -> None:
        preparing = self._preparing.get(job.run)
        if preparing is not None:
            if preparing.done():
                del self._preparing[job.run]
                self._start_prepared(job, preparing)
            elif self._patience.with_data(job):
                self._threads.abandon(self._preparing.pop(job.run))
                preparing.add_done_callback(lambda _: self._folder(job).remove_results())
                self._end(job, endings.STOPPED)
        elif job.run in self._started:
            if self._steady() - self._started[job.run] > _CLAIMED_WITHIN:  # its supervisor died before it claimed the run
                self._begin_again(job)
        elif job.status is Status.STOPPING:
            self._end_unbegun(job)
        elif job.secondary is not Secondary.STARTING:
            self._begin_again(job)  # the emulator died between its preparation and its start
        elif job.time_budget(self._now()).wait == 0.0:
            self._end(job, endings.MAX_WAIT)  # it has waited for an instance as long as it may

    def _start_prepared(self, job: TrainingJob, prepared: Future[Run]) -> None:
        try:
            run = result_of(prepared)
        except RunError as error:
            self._end(job, endings.failed(str(error)))
        except _EvidenceGoneError:
            self._over(job, endings.RUN_LOST)
        else:
            if job.status is Status.STOPPING:
                self._end(job, endings.STOPPED)
            else:
                self._start(job, run)

    def _begin_again(self, job: TrainingJob) -> None:
        """Prepare an unclaimed run again, unless a supervisor claims it just now."""
        if self._folder(job).withdraw():
            self._started.pop(job.run, None)
            self._prepare(job, again=True)

    def _end_unbegun(self, job: TrainingJob) -> None:
        """Stop a job whose run is unclaimed, unless a supervisor claims it just now."""
        folder = self._folder(job)
        if not folder.path.exists():
            self._end(job, endings.STOPPED)
        elif folder.withdraw():
            self._ending[job.run] = self._slow(self._abandon, job, endings.STOPPED)

    def _start(self, job: TrainingJob, run: Run) -> None:
        if placement.strikes(self._faults.internal, "internal", job):
            self._over(job, endings.failed(INTERNAL_ERROR, retryable=True))
            return
        claimed = run.function is not None  # there is no supervisor to wait for
        self._store.trainings.put(replace(transitions.training(job, self._now()), claimed=claimed))
        self._executor.start(run)
        self._started[run.id] = self._steady()

    def _follow(self, job: TrainingJob) -> None:
        if not job.claimed:
            job = self._store.trainings.put(replace(job, claimed=True))
        if job.status is Status.STOPPING and job.run not in self._stopped:
            self._executor.stop(self._folder(job).path)
            self._stopped.add(job.run)
        self._ingest(job)
        ending = self._patience.with_supervisor(job, self._folder(job), self._now())
        if ending is not None:
            self._ending[job.run] = self._slow(self._abandon, job, ending)
            return
        if job.spot and job.run not in self._stopped and self._is_interrupted(job):
            self._executor.stop(self._folder(job).path, interrupt=True)
            self._stopped.add(job.run)

    def _is_interrupted(self, job: TrainingJob) -> bool:
        if job.interrupt:
            return True
        under_way = self._store.offset(job.arn) > 0 or self._now() - job.run_started > _UNDER_WAY_AFTER
        return under_way and placement.strikes(self._faults.interrupt, "interrupt", job)

    def _ingest(self, job: TrainingJob) -> None:
        """Record new metric values."""
        observations, offset = read_metrics(self._folder(job), self._store.offset(job.arn))
        if observations:
            numbered = [replace(observation, seq=observation.seq + job.observation_offset) for observation in observations]
            self._store.record(job.arn, numbered, offset)

    # --- the end --------------------------------------------------------------------------------------------------------

    def _upload(self, job: TrainingJob) -> None:
        ended = self._folder(job).read_exit()
        if ended is not None and ended.cause is not Cause.INTERRUPT and job.secondary is not Secondary.UPLOADING:
            job = self._store.trainings.put(job.moved(Secondary.UPLOADING, self._now(), "Uploading generated training model"))
        if ended is not None and artifacts.nothing(job, ended):
            self._over(job, self._wrap_up(job))  # nothing to upload needs no thread
        else:
            self._ending[job.run] = self._slow(self._wrap_up, job)

    def _wrap_up(self, job: TrainingJob) -> Ending:
        folder = self._folder(job)
        ended = folder.read_exit()
        ending = endings.RUN_LOST if ended is None else endings.ending_of(folder, ended, job.spec.environment)
        if ended is None:
            self._executor.kill(folder.path)
        try:
            if ended is None or ending is endings.INTERRUPTED:
                artifacts.upload_checkpoints(job, folder, self._objects)
            else:
                artifacts.upload(job, folder, ended, self._objects)
        except RunError as error:
            if ending.status is not Status.FAILED:
                ending = endings.failed(str(error))
        return ending

    def _conclude(self, job: TrainingJob) -> None:
        future = self._ending[job.run]
        if not future.done():
            if self._patience.with_upload(job):
                self._threads.abandon(self._ending.pop(job.run))
                self._over(job, endings.STOPPED)
            return
        try:
            ending = result_of(future)
        except Exception:  # whatever the work has raised; it is raised again
            del self._ending[job.run]  # it is tried again
            raise
        self._over(job, ending)
        self._ending.pop(job.run, None)

    def _over(self, job: TrainingJob, ending: Ending) -> None:
        """Begin another run after one that has ended, or end the job."""
        most = job.spec.maximum_retry_attempts
        if ending is endings.RUN_LOST:
            most = max(most, self._node_losses)
        if ending is endings.INTERRUPTED and job.status is Status.STOPPING:
            self._end(job, endings.STOPPED)
        elif ending is endings.INTERRUPTED and job.time_budget(self._now()).wait == 0.0:
            self._end(job, endings.MAX_WAIT)
        elif ending is endings.INTERRUPTED or (ending.retryable and job.retries < most and job.status is Status.IN_PROGRESS):
            self._begin_another(job, ending)
        else:
            self._end(job, ending)

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
        self._forget(job)

    def _end(self, job: TrainingJob, ending: Ending) -> None:
        self._store.trainings.put(endings.ended(job, ending, self._store.observations(job.arn), self._now()))
        self._forget(job)

    def _forget(self, job: TrainingJob) -> None:
        """Forget a run that has ended."""
        self._stopped.discard(job.run)
        self._started.pop(job.run, None)
        self._preparing.pop(job.run, None)
        self._retries.forget(job.arn)
        self._patience.forget(job.run)
        self._leftovers.add(self._folder(job))
