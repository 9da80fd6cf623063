"""Moves every job that has a run towards the evidence that the run has left.

Nothing here depends on having seen an event: each step compares the record with the evidence in the run's folder, so a restart is
no special case. Slow work (data in, archives out) is done by a few threads; records are written by the loop's thread alone.
"""

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from local_emulator.domain.errors import INTERNAL_ERROR, NotFound, RunError, Unreadable
from local_emulator.domain.jobs import Job, Phase, Status
from local_emulator.domain.names import Arn
from local_emulator.engine import endings
from local_emulator.engine.admission import admitted
from local_emulator.engine.endings import Ending
from local_emulator.engine.faults import FaultLog, Retries, result_of
from local_emulator.engine.mover import Mover, look_again
from local_emulator.engine.patience import Patience
from local_emulator.engine.starter import EvidenceGoneError, RunStarter
from local_emulator.engine.sweeping import Leftovers, sweep
from local_emulator.engine.work import Work
from local_emulator.runs.folder import RunFolder, folders_below
from local_emulator.runs.run import Run, RunState
from local_emulator.settings import Settings
from local_emulator.store.base import Store

_FULL = {errno.ENOSPC, errno.EDQUOT}
_RESET_WITHIN = 10.0  # seconds that a reset waits for slow work


class _Active(NamedTuple):
    """A job that is not terminal."""

    work: Work[Any]
    job: Job


class RunLifecycle(Mover):
    """Starts, follows and ends the runs of jobs of all kinds, at most `parallel` hosts at a time.

    `touched` is called with every job that may have changed.
    """

    moves = "jobs"

    def __init__(
        self,
        *,
        store: Store,
        works: Sequence[Work[Any]],
        starter: RunStarter,
        runs: Path,
        settings: Settings,
        now: Callable[[], datetime],
        notify: Callable[[], None],
        touched: Callable[[Arn], None],
        log: FaultLog,
    ) -> None:
        self._store = store
        self._works = works
        self._starter = starter
        self._executor = starter.executor
        self._runs = runs
        self._settings = settings
        self._now = now
        self._touched = touched
        self._look_again = look_again(settings.time_scale)
        self._patience = Patience(settings.stop_grace, scale=settings.time_scale)
        self._ending: dict[str, Future[Ending]] = {}
        self._stopped: set[str] = set()
        self._leftovers = Leftovers(lambda folder: starter.slow(folder.remove_results))
        self._log = log
        self._retries = Retries(log, "moving a job", notify)

    def begin(self) -> None:
        """Remove, in the background, what is left of runs whose record was deleted or has ended."""
        self._starter.slow(sweep, self._runs, self._store, self._executor, self._log)

    def close(self) -> None:
        """Finish slow work, but for what hangs, which the next emulator does again; runs go on."""
        self._leftovers.remove()
        self._starter.close()

    def reset(self) -> None:
        """Kill every run and remove its folders."""
        self._starter.reset()
        for future in self._ending.values():
            future.cancel()
        wait(self._ending.values(), timeout=_RESET_WITHIN)
        for folder in folders_below(self._runs):
            self._executor.kill(folder.path)
            folder.remove()
        self._ending.clear()
        self._stopped.clear()

    @property
    def unsettled(self) -> bool:
        """Whether slow work is going on, after which there is more to do."""
        return bool(self._starter.preparing or self._ending)

    def tidy(self) -> None:
        """Have the results of ended runs removed, unless other runs wait."""
        if not self.unsettled:
            self._leftovers.remove()

    def step(self) -> float | None:
        """Move every active job as far as it goes now."""
        arns = [(work, arn) for work in self._works for arn in work.table.active()]
        active = [_Active(work, job) for work, arn in arns if (job := self._read(work, arn)) is not None]
        for work, job in active:
            self._touched(job.arn)
            self._retries.guard(job.arn, partial(self._move, work, job), partial(self._give_up, job))
        self._admit(active)
        return self._look_again if arns else None

    def _read(self, work: Work[Any], arn: Arn) -> Job | None:
        read: Callable[[], Job] = partial(work.table.get, arn)
        try:
            return read()
        except NotFound:
            return None
        except Unreadable:
            self._retries.guard(arn, read, lambda _: self._store.mark_failed(arn, INTERNAL_ERROR, self._now()))
            return None

    def _give_up(self, job: Job, error: Exception) -> None:
        """End a job that cannot be moved, with a general reason; the server's log has the details."""
        full = isinstance(error, OSError) and error.errno in _FULL
        ending = endings.failed(f"{INTERNAL_ERROR} (No space left on device)" if full else INTERNAL_ERROR, retryable=True)
        self._starter.preparing.pop(job.run, None)
        self._abandon(job, ending)

    def _abandon(self, job: Job, ending: Ending) -> None:
        """Kill a run, then end its job."""
        self._ending[job.run] = self._starter.slow(self._kill, self._folder(job).path, ending)

    def _kill(self, path: Path, ending: Ending) -> Ending:
        self._executor.kill(path)
        return ending

    def _folder(self, job: Job) -> RunFolder:
        return self._starter.folder(job.run)

    # --- waiting for a slot ---------------------------------------------------------------------------------------------

    def _admit(self, active: Sequence[_Active]) -> None:
        works = {job.arn: work for work, job in active}
        for job in admitted([job for _, job in active], self._starter.preparing, self._settings, self._now()):
            self._retries.guard(job.arn, partial(self._place, works[job.arn], job), partial(self._give_up, job))

    def _place(self, work: Work[Any], job: Job) -> None:
        placed = work.placed(job)
        if isinstance(placed, Ending):
            self._end(work, job, placed)
            return
        job = work.table.put(placed)
        run = work.immediate(job, self._folder(job).path)
        if run is None:
            self._starter.prepare(job.run, work.preparation(job))
        work.after_placing(job)
        if run is not None:
            self._start(work, job, run)

    # --- one job, one step ----------------------------------------------------------------------------------------------

    def _move(self, work: Work[Any], job: Job) -> None:
        if job.run in self._ending:
            self._conclude(work, job)
            return
        if job.status is Status.STOPPING and (stopping := work.stopping(job)) is not job:
            job = work.table.put(stopping)
        state = self._starter.state(job.run)
        if state is RunState.NEW and not job.claimed:
            self._begin_run(work, job)
        elif state is RunState.RUNNING:
            self._follow(work, job)
        else:
            work.follow(job)
            self._collect(work, job)

    def _begin_run(self, work: Work[Any], job: Job) -> None:
        if job.run in self._starter.preparing:
            self._start_prepared(work, job)
        elif self._starter.started(job.run):
            if self._starter.lost(job.run):
                self._begin_again(work, job)
        elif job.status is Status.STOPPING:
            self._end_unbegun(work, job)
        elif job.phase is not Phase.WAITING:
            self._begin_again(work, job)  # the emulator died between its preparation and its start
        elif ending := work.waited_too_long(job):
            self._end(work, job, ending)

    def _start_prepared(self, work: Work[Any], job: Job) -> None:
        try:
            run = self._starter.prepared(job.run)
        except RunError as error:
            self._end(work, job, endings.failed(str(error)))
        except EvidenceGoneError:
            self._over(work, job, endings.RUN_LOST)
        else:
            if run is None:
                if self._patience.with_data(job):
                    self._starter.give_up_preparing(job.run)
                    self._end(work, job, endings.STOPPED)
            elif job.status is Status.STOPPING:
                self._end(work, job, endings.STOPPED)
            else:
                self._start(work, job, run)

    def _begin_again(self, work: Work[Any], job: Job) -> None:
        """Prepare an unclaimed run again, unless a supervisor claims it just now."""
        if self._starter.withdraw(job.run):
            self._starter.prepare(job.run, work.preparation(job), again=True)

    def _end_unbegun(self, work: Work[Any], job: Job) -> None:
        """Stop a job whose run is unclaimed, unless a supervisor claims it just now."""
        if not self._folder(job).path.exists():
            self._end(work, job, endings.STOPPED)
        elif self._starter.withdraw(job.run):
            self._abandon(job, endings.STOPPED)

    def _start(self, work: Work[Any], job: Job, run: Run) -> None:
        begun = work.begun(job, run)
        if isinstance(begun, Ending):
            self._over(work, job, begun)
            return
        work.table.put(begun)
        self._starter.start(run)

    def _follow(self, work: Work[Any], job: Job) -> None:
        if not job.claimed:
            job = work.table.put(replace(job, claimed=True))
        if job.status is Status.STOPPING and job.run not in self._stopped:
            self._executor.stop(self._folder(job).path)
            self._stopped.add(job.run)
        work.follow(job)
        ending = self._patience.with_supervisor(job, self._folder(job), self._now())
        if ending is not None:
            self._abandon(job, ending)
        elif job.run not in self._stopped and work.interrupted(job):
            self._executor.stop(self._folder(job).path, interrupt=True)
            self._stopped.add(job.run)

    # --- the end --------------------------------------------------------------------------------------------------------

    def _collect(self, work: Work[Any], job: Job) -> None:
        ended = self._folder(job).read_exit()
        if (collecting := work.collecting(job, ended)) is not job:
            job = work.table.put(collecting)
        if ended is not None and work.nothing_to_collect(job, ended):
            self._over(work, job, self._wrap_up(work, job))
        else:
            self._ending[job.run] = self._starter.slow(self._wrap_up, work, job)

    def _wrap_up(self, work: Work[Any], job: Job) -> Ending:
        folder = self._folder(job)
        ended = folder.read_exit()
        if ended is None:
            self._executor.kill(folder.path)
        return work.collect(job, folder, ended)

    def _conclude(self, work: Work[Any], job: Job) -> None:
        future = self._ending[job.run]
        if not future.done():
            if self._patience.with_upload(job):
                self._starter.abandon(self._ending.pop(job.run))
                self._over(work, job, endings.STOPPED)
            return
        try:
            ending = result_of(future)
        except Exception:  # whatever the work has raised; it is raised again
            del self._ending[job.run]  # it is tried again
            raise
        self._over(work, job, ending)
        self._ending.pop(job.run, None)

    def _over(self, work: Work[Any], job: Job, ending: Ending) -> None:
        """A run has ended: so has its job, or another run waits."""
        work.over(job, ending)
        self._forget(job)

    def _end(self, work: Work[Any], job: Job, ending: Ending) -> None:
        work.end(job, ending)
        self._forget(job)

    def _forget(self, job: Job) -> None:
        """Forget a run that has ended."""
        self._stopped.discard(job.run)
        self._starter.forget(job.run)
        self._retries.forget(job.arn)
        self._patience.forget(job.run)
        self._leftovers.add(self._folder(job))
