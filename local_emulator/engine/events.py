"""Tells the event bus how jobs change their status, as SageMaker tells EventBridge."""

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
        """Whether any rule is there to hear an event; cheap."""

    def send(self, scope: AwsScope, kind: str, resource: str, detail: Mapping[str, Any]) -> None:
        """Send one event: its detail-type, the ARN that it is about, its detail."""


class EventPublisher:
    """Sends what the store tells of jobs that were added or have changed their status, when the loop says so.

    Rules live in moto's memory, so what nobody listens to is forgotten at once.
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
        """Forget what has changed."""
        self._take()

    def step(self) -> None:
        """Send what has changed."""
        for job in self._take():
            try:
                if self._bus.listens(job.scope):
                    kind = _TRAINING if isinstance(job, TrainingJob) else _TUNING
                    self._bus.send(job.scope, kind, job.arn, detail(job, self._store, self._now()))
            except Exception as error:  # noqa: BLE001 - the event is lost, and none but it
                self._log.tell(f"sending an event: {job.arn}", error)

    def _take(self) -> Sequence[Job]:
        return [self._changed.get() for _ in range(self._changed.qsize())]


def detail(job: Job, store: Store, now: datetime) -> Document:
    """The detail of an event: what Describe would say, and the tags."""
    if isinstance(job, TuningJob):
        described = serialize.described_tuning_job(job, store.history(job), store.trainings.get)
    else:
        described = serialize.described_training_job(job, now)
    return {**described, "Tags": dict(job.tags)}
