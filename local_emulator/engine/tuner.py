"""Decides about every active tuning job and carries the decisions out, through the store alone."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from local_emulator.decide import Action, Finish, Launch, Stop, decide
from local_emulator.documents.children import new_training_job
from local_emulator.domain.errors import INTERNAL_ERROR, AlreadyExists, Unreadable
from local_emulator.domain.jobs import ACTIVE, Secondary, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.engine.faults import FaultLog, Retries
from local_emulator.engine.mover import Mover, real_seconds_until
from local_emulator.store.base import Query, Store
from local_emulator.strategies.base import Strategy
from local_emulator.strategies.registry import make

if TYPE_CHECKING:
    from local_emulator.domain.history import Trials

_COUNTED = timedelta(seconds=4)  # LastModifiedTime and ConsumedResources follow the clock in such steps


class Tuner(Mover):
    """Turns decisions into records. It never touches a run."""

    moves = "tuning jobs"

    def __init__(
        self,
        *,
        store: Store,
        now: Callable[[], datetime],
        token: Callable[[], str],
        notify: Callable[[], None],
        log: FaultLog,
        scale: float = 1.0,
    ) -> None:
        self._store = store
        self._now = now
        self._scale = scale  # how many times as fast as real time `now` runs
        self._token = token
        self._notify = notify
        self._strategies: dict[str, Sequence[Strategy]] = {}
        self._settled: dict[str, tuple[int, Trials]] = {}  # version and trials with which `decide` had nothing to do
        self._retries = Retries(log, "moving a tuning job", notify)

    def reset(self) -> None:
        """Forget all tuning jobs. Called while the loop is paused."""
        self._strategies.clear()
        self._settled.clear()

    def step(self) -> float | None:
        """Decide about every active tuning job; real seconds until time alone may change a decision, None for never."""
        active = self._store.tunings.active()
        for arn in self._strategies.keys() - set(active):
            del self._strategies[arn]
            self._settled.pop(arn, None)
            self._retries.forget(arn)
        self._deadlines: list[datetime] = []
        for arn in active:
            self._retries.guard(arn, partial(self._advance, arn), partial(self._give_up, arn))
        return real_seconds_until(self._deadlines, self._now(), self._scale)

    def _give_up(self, arn: Arn, error: Exception) -> None:
        """Fail a tuning job that cannot be moved, with a general reason; the server's log has the details."""
        if isinstance(error, Unreadable):
            self._store.mark_failed(arn, INTERNAL_ERROR, self._now())
        else:
            self._finish(self._store.tunings.get(arn), Finish(status=Status.FAILED, reason=INTERNAL_ERROR))
        for training in self._store.trainings.find(Query(tuning=arn, statuses=ACTIVE)).items:
            self._stop(training, "The tuning job failed")

    def _strategies_of(self, job: TuningJob) -> Sequence[Strategy]:
        """One strategy for each definition of the plan."""
        if job.arn not in self._strategies:
            self._strategies[job.arn] = [
                make(job.plan, definition, job.seed + index) for index, definition in enumerate(job.plan.definitions)
            ]
        return self._strategies[job.arn]

    def _advance(self, arn: Arn) -> None:
        job, now = self._store.tunings.get(arn), self._now()
        if job.plan.max_runtime is not None and job.status is Status.IN_PROGRESS:
            self._deadlines.append(job.created + timedelta(seconds=job.plan.max_runtime))
        if now - job.modified >= _COUNTED:  # as AWS does, every few seconds
            consumed = int((now - job.created).total_seconds())
            job = self._store.tunings.put(replace(job, modified=now, consumed=consumed))
        history = self._store.history(job)
        version, trials = self._settled.get(job.arn, (None, None))
        if job.version == version and history.known is trials and job.plan.max_runtime is None:
            return
        actions = decide(job, history, self._strategies_of(job), self._now())
        if not actions:
            self._settled[job.arn] = job.version, history.known
        for action in actions:
            self._notify()
            self._carry_out(job, action)

    def _carry_out(self, job: TuningJob, action: Action) -> None:
        if isinstance(action, Launch):
            self._launch(job, action)
        elif isinstance(action, Stop):
            self._stop(self._store.trainings.get(job.scope.training_arn(action.trial)), action.why)
        else:
            self._finish(job, action)

    def _launch(self, job: TuningJob, action: Launch) -> None:
        now = self._now()
        for attempt in itertools.count():
            try:
                training = new_training_job(job, action.definition, action.point, action.index, self._token(), now, attempt)
                self._store.trainings.add(training)
            except AlreadyExists:
                continue  # the name was taken: make another
            return

    def _finish(self, job: TuningJob, action: Finish) -> None:
        now = max(self._now(), job.modified)
        ended = replace(job, status=action.status, failure_reason=action.reason, ended=now, modified=now)
        self._store.tunings.put(ended)

    def _stop(self, job: TrainingJob, why: str) -> None:
        if job.status is Status.IN_PROGRESS:
            moved = job.moved(Secondary.STOPPING, self._now(), why)
            self._store.trainings.put(replace(moved, status=Status.STOPPING))
