"""A tuning job: its request and its state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from local_emulator.domain.history import Goal
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import Arn, AwsScope, scope_of
from local_emulator.domain.space import Space
from local_emulator.domain.spec import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The metric to optimize and its direction."""

    metric: str
    goal: Goal


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A TrainingJobDefinition. The requests of training jobs are made from `document`; `spec` is the parsed form."""

    name: str | None
    objective: Objective
    space: Space
    spec: TrainingSpec
    document: Document = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parsed request of a tuning job. Times are in seconds."""

    strategy: str
    definitions: tuple[Definition, ...]
    max_parallel: int
    max_jobs: int | None = None
    max_runtime: int | None = None
    early_stopping: bool = False
    target: float | None = None
    not_improving: int | None = None
    complete_on_convergence: bool = False
    seed: int | None = None
    min_resource: int | None = None
    max_resource: int | None = None
    parents: tuple[str, ...] = ()
    transfer: bool = False

    @property
    def ranked(self) -> frozenset[str | None]:
        """Names of the definitions with the first definition's objective: only their training jobs can be compared."""
        first = self.definitions[0].objective
        return frozenset(definition.name for definition in self.definitions if definition.objective == first)


@dataclass(frozen=True, kw_only=True)
class TuningJob:
    """A tuning job.

    `request` is CreateHyperParameterTuningJob with AWS's defaults, as Describe shows it. Only `local_emulator.documents` reads its
    members; `plan` is the parsed form, not stored. `seed` is the request's, or drawn at creation. `version` counts the stored changes.
    `consumed` is the run time in seconds, updated every few seconds; None for a job of an earlier version of this program.
    """

    name: str
    arn: Arn
    region: str
    request: Document
    plan: Plan = field(repr=False)
    status: Status
    created: datetime
    modified: datetime
    seed: int
    ended: datetime | None = None
    failure_reason: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    consumed: int | None = None
    version: int = 0

    @property
    def state(self) -> tuple[Status, ...]:
        """The state whose changes are sent as events."""
        return (self.status,)

    @property
    def scope(self) -> AwsScope:
        """Region and account of the job."""
        return scope_of(self.arn)
