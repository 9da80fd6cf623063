"""A tuning job: its request as AWS would echo it, and what has become of it."""

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
    """The metric that is tuned, and which end of it is good."""

    metric: str
    goal: Goal


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One TrainingJobDefinition; `document` is what the requests of its training jobs are made of, `training` the same parsed."""

    name: str | None
    objective: Objective
    space: Space
    training: TrainingSpec
    document: Document = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a tuning job may do: the request in domain terms. Times are in seconds."""

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
        """Names of the definitions whose objective is the first one's: only their training jobs can be compared."""
        first = self.definitions[0].objective
        return frozenset(one.name for one in self.definitions if one.objective == first)


@dataclass(frozen=True, kw_only=True)
class TuningJob:
    """A tuning job.

    `request` is shown by Describe; only `local_emulator.documents` reads its members, for everybody else there is `plan`, which is
    made of it and not stored. `seed` is the request's, or one drawn at creation. `version` counts the stored changes.
    `consumed` are the seconds that it has run, as counted every few seconds; None for a job of an earlier version.
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
        """What events tell of."""
        return (self.status,)

    @property
    def scope(self) -> AwsScope:
        """Its region and account."""
        return scope_of(self.arn)
