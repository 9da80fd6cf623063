"""Sends an event for every change of a job's status, as SageMaker does to EventBridge."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import Any, Protocol

from local_emulator.documents import hosting, processing, registry, serialize, transform
from local_emulator.domain.endpoint import Endpoint
from local_emulator.domain.jobs import Document, Record
from local_emulator.domain.names import AwsScope
from local_emulator.domain.pipeline import PipelineExecution
from local_emulator.domain.processing import ProcessingJob
from local_emulator.domain.registry import ModelPackage
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.transform import TransformJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.engine import pipeline_events
from local_emulator.engine.faults import FaultLog
from local_emulator.store.base import Change, Store


def _described_tuning_job(job: TuningJob, store: Store, _: datetime) -> Document:
    return serialize.described_tuning_job(job, store.history(job), store.trainings.get)


def _described_training_job(job: TrainingJob, _: Store, now: datetime) -> Document:
    return serialize.described_training_job(job, now)


def _described_processing_job(job: ProcessingJob, _: Store, __: datetime) -> Document:
    return processing.described(job)


def _described_transform_job(job: TransformJob, _: Store, __: datetime) -> Document:
    return transform.described(job)


def _described_package(package: ModelPackage, _: Store, __: datetime) -> Document:
    return registry.package_event(package)


def _described_endpoint(endpoint: Endpoint, _: Store, _now: datetime) -> Document:
    status = endpoint.status.name  # as in AWS's example of such an event: IN_SERVICE
    return {**hosting.described_endpoint(endpoint), "EndpointStatus": status}


# By kind of record: the detail-type, and the answer of Describe. Of executions see `pipeline_events`, of others none are sent.
_EVENTS: Mapping[type, tuple[str, Callable[[Any, Store, datetime], Document]]] = {
    TuningJob: ("SageMaker HyperParameter Tuning Job State Change", _described_tuning_job),
    TrainingJob: ("SageMaker Training Job State Change", _described_training_job),
    ProcessingJob: ("SageMaker Processing Job State Change", _described_processing_job),
    TransformJob: ("SageMaker Transform Job State Change", _described_transform_job),
    Endpoint: ("SageMaker Endpoint State Change", _described_endpoint),
    ModelPackage: ("SageMaker Model Package State Change", _described_package),
}


class EventBus(Protocol):
    """Where events go."""

    def listens(self, scope: AwsScope) -> bool:
        """Whether there is a rule that an event could match; cheap."""

    def send(self, scope: AwsScope, kind: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        """Send one event: its detail-type, the ARNs that it is about, its detail."""


class EventPublisher:
    """Sends, in the loop's steps, an event for every record that was added or has changed its state.

    Events of an account and region without rules are dropped.
    """

    def __init__(
        self, *, bus: EventBus, store: Store, changed: SimpleQueue[Change], now: Callable[[], datetime], log: FaultLog
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
        """Send the events of changed records; whether there were any changes."""
        news = self._take()
        for change in news:
            try:
                self._send(change)
            except Exception as error:  # noqa: BLE001 - whatever a target of moto's raises: this event is lost, the others are sent
                self._log.report(f"sending an event: {change.record.arn}", error)
        return bool(news)

    def _send(self, change: Change) -> None:
        record, before = change
        if not self._bus.listens(record.scope):
            return
        if isinstance(record, PipelineExecution):
            assert before is None or isinstance(before, PipelineExecution)  # noqa: S101 - a change keeps the kind
            for kind, members in pipeline_events.events(record, before):
                self._bus.send(record.scope, kind, [record.shown_pipeline_arn, record.shown_arn], members)
        elif type(record) in _EVENTS:
            kind, _ = _EVENTS[type(record)]
            self._bus.send(record.scope, kind, [record.arn], detail(record, self._store, self._now()))

    def _take(self) -> Sequence[Change]:
        return [self._changed.get() for _ in range(self._changed.qsize())]


def detail(record: Record, store: Store, now: datetime) -> Document:
    """The detail of an event: the answer of Describe, and the tags."""
    _, described = _EVENTS[type(record)]
    return {**described(record, store, now), "Tags": dict(record.tags)}
