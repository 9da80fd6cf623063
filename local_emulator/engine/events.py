"""Tells the event bus how jobs change their status, as SageMaker tells EventBridge."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_emulator.domain.jobs import Document
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.engine.faults import FaultLog

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
    """Hears of every change of status from the store, and sends it when the loop says so.

    Rules live in moto's memory, so what nobody listens to is forgotten at once.
    """

    def __init__(self, *, bus: EventBus, describe: Callable[[Job], Document], log: FaultLog) -> None:
        self._bus = bus
        self._describe = describe
        self._log = log
        self._lock = threading.Lock()
        self._news: list[Job] = []

    def changed(self, job: Job) -> None:
        """A job was added or has changed its status; called by whoever changed it."""
        with self._lock:
            self._news.append(job)

    def reset(self) -> None:
        """Forget what is new."""
        with self._lock:
            self._news.clear()

    def step(self) -> None:
        """Send what is new."""
        with self._lock:
            news, self._news = self._news, []
        for job in news:
            try:
                if self._bus.listens(job.scope):
                    kind = _TRAINING if isinstance(job, TrainingJob) else _TUNING
                    self._bus.send(job.scope, kind, job.arn, self._describe(job))
            except Exception as error:  # noqa: BLE001 - the event is lost, and none but it
                self._log.tell(f"sending an event: {job.arn}", error)
