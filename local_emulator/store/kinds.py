"""The kinds of records that the store keeps: a row of `KINDS` for each, which is a table of SQLite."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from local_emulator.documents import parse, pipelines, processing, transform
from local_emulator.domain.endpoint import Endpoint, EndpointStatus
from local_emulator.domain.experiment import Experiment, Trial, TrialComponent
from local_emulator.domain.invocation import InvocationStatus, QueuedInvocation
from local_emulator.domain.jobs import Document, RecordStatus, Resource, Secondary, Status
from local_emulator.domain.model import DefinitionStatus, EndpointConfig, Model
from local_emulator.domain.names import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    ENDPOINT_INVOCATION,
    EXPERIMENT,
    MODEL,
    MODEL_PACKAGE,
    MODEL_PACKAGE_GROUP,
    PIPELINE,
    PIPELINE_EXECUTION,
    PROCESSING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    TRIAL,
    TRIAL_COMPONENT,
    TUNING_JOB,
)
from local_emulator.domain.pipeline import ExecutionStatus, Pipeline, PipelineExecution, PipelineStatus
from local_emulator.domain.processing import ProcessingJob
from local_emulator.domain.registry import ModelPackage, ModelPackageGroup, RegistryStatus
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.transform import TransformJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.base import J
from local_emulator.store.queries import scope_key
from local_emulator.store.times import microseconds


def _columns(record: TuningJob | TrainingJob | Resource) -> Mapping[str, object]:
    return {
        "arn": record.arn,
        "scope": scope_key(record.scope),
        "name": record.name,
        "status": record.status.value,
        "created": microseconds(record.created),
        "modified": microseconds(record.modified),
    }


def _columns_with_runs(record: Resource) -> Mapping[str, object]:
    return {**_columns(record), "runs": " ".join(record.runs)}


def _training_columns(job: TrainingJob) -> Mapping[str, object]:
    return {
        **_columns(job),
        "secondary": job.secondary.value,
        "started": None if job.started is None else microseconds(job.started),
        "ended": None if job.ended is None else microseconds(job.ended),
        "failure": job.failure_reason,
        "retryable": job.retryable,
        "tuning": job.tuning_arn,
        "definition": job.definition,
        "runs": " ".join([job.run, *(previous.run for previous in job.previous_runs)]),
        "number": job.index,
        "tuned": json.dumps(job.tuned, ensure_ascii=False),
        "metric": job.objective,
        "objective": job.final_objective,
    }


def _failed(status: RecordStatus) -> Callable[[str, int], Mapping[str, object]]:
    return lambda _, time: {"status": status.value, "modified": time}


_failed_job = _failed(Status.FAILED)


def _failed_training(reason: str, time: int) -> Mapping[str, object]:
    end = {"secondary": Secondary.FAILED.value, "failure": reason, "ended": time}
    return {**_failed_job(reason, time), **end}


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[J]):
    """A kind of record.

    `table` is its table, `noun` what its records are called. `segment` is the kind of resource in their ARNs.
    `columns` are the columns that the table has beside `key`, `version` and `body`: unless others are named those that `records.sql`
    makes, which are enough to list records and to find their runs. `failed` says how a record that cannot be read is shown: columns,
    by the reason and the time. `parsed` is a member that is not stored, but made of `request` by `parse`.
    """

    record: type[J]
    statuses: type[RecordStatus]
    table: str
    noun: str
    segment: str
    columns: Callable[[Any], Mapping[str, object]] = _columns_with_runs
    failed: Callable[[str, int], Mapping[str, object]] = _failed_job
    parsed: str = ""
    parse: Callable[[Document], object] = dict

    @property
    def plain(self) -> bool:
        """Whether `records.sql` makes its table."""
        return self.columns is _columns_with_runs

    @property
    def active(self) -> frozenset[RecordStatus]:
        """The statuses that are not terminal."""
        return frozenset(status for status in self.statuses if not status.terminal)


TUNINGS = Kind(
    record=TuningJob,
    statuses=Status,
    table="tunings",
    noun="tuning jobs",
    segment=TUNING_JOB,
    columns=_columns,
    parsed="plan",
    parse=parse.tuning,
)
TRAININGS = Kind(
    record=TrainingJob,
    statuses=Status,
    table="trainings",
    noun="training jobs",
    segment=TRAINING_JOB,
    columns=_training_columns,
    failed=_failed_training,
    parsed="spec",
    parse=parse.training,
)
PROCESSINGS = Kind(
    record=ProcessingJob,
    statuses=Status,
    table="processings",
    noun="processing jobs",
    segment=PROCESSING_JOB,
    parsed="spec",
    parse=processing.parse,
)
TRANSFORMS = Kind(
    record=TransformJob,
    statuses=Status,
    table="transforms",
    noun="transform jobs",
    segment=TRANSFORM_JOB,
    parsed="spec",
    parse=transform.parse,
)
ENDPOINTS = Kind(
    record=Endpoint,
    statuses=EndpointStatus,
    table="endpoints",
    noun="endpoints",
    segment=ENDPOINT,
    failed=_failed(EndpointStatus.FAILED),
)
INVOCATIONS = Kind(
    record=QueuedInvocation,
    statuses=InvocationStatus,
    table="invocations",
    noun="queued invocations",
    segment=ENDPOINT_INVOCATION,
    failed=_failed(InvocationStatus.FAILED),
)
MODELS = Kind(
    record=Model,
    statuses=DefinitionStatus,
    table="models",
    noun="models",
    segment=MODEL,
    failed=_failed(DefinitionStatus.DEFINED),
)
CONFIGS = Kind(
    record=EndpointConfig,
    statuses=DefinitionStatus,
    table="configs",
    noun="endpoint configurations",
    segment=ENDPOINT_CONFIG,
    failed=_failed(DefinitionStatus.DEFINED),
)
PACKAGE_GROUPS = Kind(
    record=ModelPackageGroup,
    statuses=RegistryStatus,
    table="package_groups",
    noun="groups of model packages",
    segment=MODEL_PACKAGE_GROUP,
    failed=_failed(RegistryStatus.COMPLETED),
)
PACKAGES = Kind(
    record=ModelPackage,
    statuses=RegistryStatus,
    table="packages",
    noun="model packages",
    segment=MODEL_PACKAGE,
    failed=_failed(RegistryStatus.COMPLETED),
)
EXPERIMENTS = Kind(
    record=Experiment,
    statuses=DefinitionStatus,
    table="experiments",
    noun="experiments",
    segment=EXPERIMENT,
    failed=_failed(DefinitionStatus.DEFINED),
)
TRIALS = Kind(
    record=Trial,
    statuses=DefinitionStatus,
    table="trials",
    noun="trials of experiments",
    segment=TRIAL,
    failed=_failed(DefinitionStatus.DEFINED),
)
COMPONENTS = Kind(
    record=TrialComponent,
    statuses=DefinitionStatus,
    table="components",
    noun="trial components",
    segment=TRIAL_COMPONENT,
    failed=_failed(DefinitionStatus.DEFINED),
)
PIPELINES = Kind(
    record=Pipeline,
    statuses=PipelineStatus,
    table="pipelines",
    noun="pipelines",
    segment=PIPELINE,
    failed=_failed(PipelineStatus.ACTIVE),
)
EXECUTIONS = Kind(
    record=PipelineExecution,
    statuses=ExecutionStatus,
    table="executions",
    noun="executions of pipelines",
    segment=PIPELINE_EXECUTION,
    failed=_failed(ExecutionStatus.FAILED),
    parsed="plan",
    parse=pipelines.of_request,
)
KINDS: tuple[Kind[Any], ...] = (
    TUNINGS,
    TRAININGS,
    PROCESSINGS,
    TRANSFORMS,
    MODELS,
    CONFIGS,
    ENDPOINTS,
    INVOCATIONS,
    PACKAGE_GROUPS,
    PACKAGES,
    EXPERIMENTS,
    TRIALS,
    COMPONENTS,
    PIPELINES,
    EXECUTIONS,
)
WITH_RUNS = tuple(kind for kind in KINDS if kind is not TUNINGS)
