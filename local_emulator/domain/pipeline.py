"""Pipelines, their executions and the steps of an execution.

An execution goes Executing -> Succeeded | Failed, or through Stopping to Stopped; RetryPipelineExecution makes one that failed or was
stopped Executing again. A step goes Starting -> Executing -> Succeeded | Failed, or through Stopping to Stopped. A step that has not
begun has no record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from local_emulator.domain.jobs import Document, RecordStatus, Resource
from local_emulator.domain.names import Arn

MOST_PARALLEL_STEPS = 50
"""Steps of an execution that run at a time where nothing else is said."""

Scalar = str | int | float | bool
"""Value of a parameter."""


class ExecutionStatus(RecordStatus):
    """PipelineExecutionStatus."""

    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"

    @property
    def may_follow(self) -> frozenset["ExecutionStatus"]:
        """The statuses to which an execution may go from this one."""
        return _MAY_FOLLOW[self]

    @property
    def terminal(self) -> bool:
        """Whether it is over unless somebody retries it."""
        return self not in {ExecutionStatus.EXECUTING, ExecutionStatus.STOPPING}


_MAY_FOLLOW: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    ExecutionStatus.EXECUTING: frozenset({ExecutionStatus.STOPPING, ExecutionStatus.FAILED, ExecutionStatus.SUCCEEDED}),
    ExecutionStatus.STOPPING: frozenset({ExecutionStatus.STOPPED, ExecutionStatus.FAILED}),
    ExecutionStatus.STOPPED: frozenset({ExecutionStatus.EXECUTING}),
    ExecutionStatus.FAILED: frozenset({ExecutionStatus.EXECUTING}),
    ExecutionStatus.SUCCEEDED: frozenset(),
}


class PipelineStatus(RecordStatus):
    """PipelineStatus; a pipeline is deleted at once."""

    ACTIVE = "Active"

    @property
    def may_follow(self) -> frozenset["PipelineStatus"]:
        """None: a pipeline does nothing by itself."""
        return frozenset()


class StepStatus(StrEnum):
    """StepStatus."""

    STARTING = "Starting"
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"

    @property
    def terminal(self) -> bool:
        """Whether the step has ended."""
        return self in {StepStatus.STOPPED, StepStatus.FAILED, StepStatus.SUCCEEDED}


class StepKind(StrEnum):
    """The types of steps that run here, as a definition names them."""

    TRAINING = "Training"
    TUNING = "Tuning"
    PROCESSING = "Processing"
    TRANSFORM = "Transform"
    MODEL = "Model"
    REGISTER_MODEL = "RegisterModel"
    CONDITION = "Condition"
    FAIL = "Fail"
    LAMBDA = "Lambda"


class StepException(StrEnum):
    """The exception types to which retry policies apply."""

    SERVICE_FAULT = "Step.SERVICE_FAULT"
    THROTTLING = "Step.THROTTLING"
    JOB_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
    CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
    RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"


# --- a definition -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a pipeline; `kind` is String, Integer, Float or Boolean. Without a default executions have to name its value."""

    name: str
    kind: str
    default: Scalar | None = None
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When a step is tried again after exceptions of some types; `max_attempts` counts the retries."""

    exceptions: frozenset[StepException]
    interval: timedelta = timedelta(seconds=1)
    backoff: float = 2.0
    max_attempts: int = 5
    expire_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class PropertyFile:
    """A JSON file in an output of a processing step."""

    name: str
    output: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Branch:
    """The outcome of a condition step that a step of one of its branches waits for."""

    condition: str
    outcome: bool


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a definition.

    `arguments` are as they were sent, with their functions (`Get`, `Std:Join`, `Std:JsonGet`). `depends_on` are the steps of DependsOn
    and those that the arguments refer to; `cache` is the age to which earlier results are taken instead of running the step.
    """

    name: str
    kind: StepKind
    arguments: Document
    depends_on: frozenset[str] = frozenset()
    branch: Branch | None = None
    display_name: str | None = None
    description: str | None = None
    retry_policies: tuple[RetryPolicy, ...] = ()
    cache: timedelta | None = None
    property_files: tuple[PropertyFile, ...] = ()
    function_arn: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PipelineDefinition:
    """A parsed definition: the steps of all branches in the order in which they are written."""

    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    experiment: Document = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)


# --- records ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Pipeline(Resource):
    """A pipeline; `request` is CreatePipeline with the changes of UpdatePipeline, its definition as text."""

    status: PipelineStatus = PipelineStatus.ACTIVE
    last_run: datetime | None = None

    @property
    def shown_arn(self) -> str:
        """The ARN with the name as it was written."""
        return f"{self.arn.partition('/')[0]}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class StepExecution:
    """What became of a step in an execution.

    `job` is the ARN of the job, model or model package that its last attempt has made. `properties` is what `Get` finds of the step
    once it has succeeded. A step is Starting before its job is made and between attempts: then `retry_at` is the time of the next,
    `failed_at` that of the first failure and `retried` the exception types of the attempts after which policies had it tried again.
    `key` is the digest of what results are cached by; `cached_from` and `reused_from` are the executions whose results were taken.
    """

    name: str
    status: StepStatus
    started: datetime
    attempts: int = 1
    ended: datetime | None = None
    failure_reason: str | None = None
    job: Arn | None = None
    properties: Document = field(default_factory=dict, repr=False)
    retry_at: datetime | None = None
    failed_at: datetime | None = None
    retried: tuple[StepException, ...] = ()
    key: str | None = None
    cached_from: Arn | None = None
    reused_from: Arn | None = None


@dataclass(frozen=True, kw_only=True)
class PipelineExecution(Resource):
    """An execution of a pipeline; its name is `PIPELINE/execution/ID`.

    `request` is StartPipelineExecution with what it had of the pipeline then: its definition as text, of which `plan` is the parsed
    form, not stored. `parameters` are the values of all parameters. `selected` are the steps of a selective execution, empty for all.
    `retry_token` and `stop_token` are the ClientRequestTokens of the last calls that retried and stopped it.
    """

    plan: PipelineDefinition = field(repr=False)
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    parallelism: int = MOST_PARALLEL_STEPS
    status: ExecutionStatus
    steps: tuple[StepExecution, ...] = ()
    selected: tuple[str, ...] = ()
    retry_token: str | None = None
    stop_token: str | None = None

    @property
    def state(self) -> tuple[str, ...]:
        """The state whose changes are sent as events: of the execution and of its steps."""
        return (self.status, *(f"{step.name} {step.status}" for step in self.steps))

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self.name.partition("/")[0]

    @property
    def id(self) -> str:
        """PipelineExecutionId."""
        return self.name.rpartition("/")[2]

    @property
    def shown_arn(self) -> str:
        """The ARN with the pipeline's name as it was written."""
        return f"{self.arn.partition('/')[0]}/{self.name}"

    @property
    def shown_pipeline_arn(self) -> str:
        """The pipeline's ARN with its name as it was written."""
        return f"{self.arn.partition('/')[0]}/{self.pipeline}"

    @property
    def active(self) -> tuple[StepExecution, ...]:
        """The steps that have begun and not ended."""
        return tuple(step for step in self.steps if not step.status.terminal)

    def record_of(self, name: str) -> StepExecution | None:
        """What became of a step; None if it has not begun."""
        return next((step for step in self.steps if step.name == name), None)

    def with_step(self, step: StepExecution) -> "PipelineExecution":
        """The execution with what became of a step, instead of what is noted of it."""
        if self.record_of(step.name) is None:
            return replace(self, steps=(*self.steps, step))
        return replace(self, steps=tuple(step if other.name == step.name else other for other in self.steps))
