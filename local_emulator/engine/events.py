"""Sends an event for every change of a job's status, as SageMaker does to EventBridge."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import Any, Protocol

from local_emulator.documents import serialize
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.engine.faults import FaultLog
from local_emulator.store.base import Store

_TUNING = "SageMaker HyperParameter Tuning Job State Change"
_TRAINING = "SageMaker Training Job State Change"

Job = TuningJob | TrainingJob


class EventBus(Protocol):
    """Where events go."""

    def listens(self, scope: AwsScope) -> bool:
        """Whether there is a rule that an event could match; cheap."""

    def send(self, scope: AwsScope, kind: str, resource: str, detail: Mapping[str, Any]) -> None:
        """Send one event: its detail-type, the ARN that it is about, its detail."""


class EventPublisher:
    """Sends, in the loop's steps, an event for every job that was added or has changed its status.

    Events of an account and region without rules are dropped.
    """

    def __init__(
        self, *, bus: EventBus, store: Store, changed: SimpleQueue[Job], now: Callable[[], datetime], log: FaultLog
    ) -> None:
        self._bus = bus
        self._store = store
        self._changed = changed
        self._now = now
        self._log = log

    def reset(self) -> None:
        """Drop the changes that were not sent."""
        self._take()

    def step(self) -> bool:
        """Send the events of changed jobs; whether there were any."""
        news = self._take()
        for job in news:
            try:
                if self._bus.listens(job.scope):
                    kind = _TRAINING if isinstance(job, TrainingJob) else _TUNING
                    self._bus.send(job.scope, kind, job.arn, detail(job, self._store, self._now()))
            except Exception as error:  # noqa: BLE001 - whatever a target of moto's raises: this event is lost, the others are sent
                self._log.report(f"sending an event: {job.arn}", error)
        return bool(news)

    def _take(self) -> Sequence[Job]:
        return [self._changed.get() for _ in range(self._changed.qsize())]


def detail(job: Job, store: Store, now: datetime) -> Document:
    """The detail of an event: the answer of Describe, and the tags."""
    if isinstance(job, TuningJob):
        described = serialize.described_tuning_job(job, store.history(job), store.trainings.get)
    else:
        described = serialize.described_training_job(job, now)
    return {**described, "Tags": dict(job.tags)}
