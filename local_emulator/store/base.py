"""The interface of the store, which API and engine share."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from local_emulator.domain.endpoint import Endpoint
from local_emulator.domain.experiment import Experiment, Trial, TrialComponent
from local_emulator.domain.history import History, Observation
from local_emulator.domain.invocation import QueuedInvocation
from local_emulator.domain.jobs import Record, RecordStatus
from local_emulator.domain.model import EndpointConfig, Model
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.pipeline import Pipeline, PipelineExecution
from local_emulator.domain.processing import ProcessingJob
from local_emulator.domain.registry import ModelPackage, ModelPackageGroup
from local_emulator.domain.training import TrainingJob, TrainingSummary
from local_emulator.domain.transform import TransformJob
from local_emulator.domain.tuning import TuningJob

J = TypeVar("J", bound=Record)
Item = TypeVar("Item")


class Sort(StrEnum):
    """Sort keys of a list. Equal values are ordered by age."""

    NAME = "Name"
    CREATED = "CreationTime"
    STATUS = "Status"
    OBJECTIVE = "FinalObjectiveMetricValue"  # jobs without a final objective are left out


@dataclass(frozen=True, kw_only=True)
class Query:
    """A selection of jobs and their order; `scope` None: of all regions and accounts.

    `after` is a Page's `next`; times are exclusive bounds.
    """

    scope: AwsScope | None = None
    tuning: Arn | None = None
    statuses: Collection[RecordStatus] = ()
    name_contains: str | None = None
    name_prefix: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    sort: Sort = Sort.CREATED
    descending: bool = False
    limit: int | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item]):
    """Some jobs, and where the rest begins; `next` is None on the last page."""

    items: tuple[Item, ...]
    next: str | None = None


class Change(NamedTuple):
    """A record that was added or has changed its state, and what it was before; None if it was added."""

    record: Record
    before: Record | None


class Table(Protocol[J]):
    """Records of one kind by their ARNs."""

    def add(self, job: J) -> None:
        """Keep a new job, or raise AlreadyExists."""

    def get(self, arn: Arn) -> J:
        """The job with that ARN, or raise NotFound, or Unreadable."""

    def put(self, job: J) -> J:
        """Keep a changed job and return it with its new version.

        Raises:
            NotFound: There is no such job.
            Conflict: It was changed since it was read.
            ImpossibleTransition: Its new status may not follow the stored one (`RecordStatus.may_follow`).
        """

    def find(self, query: Query) -> Page[J]:
        """A page of jobs, those that are unreadable left out; raise ValueError if `after` is no token of this query."""

    def active(self) -> Sequence[Arn]:
        """The ARNs of the jobs whose status is not terminal, unreadable ones too, the oldest first. It is cheap."""

    def arns(self, query: Query) -> Sequence[Arn]:
        """The ARNs of what `find` returns and of what it leaves out as unreadable."""

    def delete(self, arn: Arn) -> None:
        """Delete a job, or raise NotFound."""


class Store(Protocol):
    """Records of all kinds, and observations. Safe to use from several threads. Everything may raise StoreUnavailable."""

    @property
    def tunings(self) -> Table[TuningJob]:
        """Tuning jobs."""

    @property
    def trainings(self) -> Table[TrainingJob]:
        """Training jobs, children of tuning jobs or not."""

    @property
    def processings(self) -> Table[ProcessingJob]:
        """Processing jobs."""

    @property
    def transforms(self) -> Table[TransformJob]:
        """Transform jobs."""

    @property
    def invocations(self) -> Table[QueuedInvocation]:
        """Invocations of asynchronous endpoints that are not answered yet."""

    @property
    def models(self) -> Table[Model]:
        """Models."""

    @property
    def configs(self) -> Table[EndpointConfig]:
        """Endpoint configurations."""

    @property
    def endpoints(self) -> Table[Endpoint]:
        """Endpoints."""

    @property
    def package_groups(self) -> Table[ModelPackageGroup]:
        """Groups of model packages."""

    @property
    def packages(self) -> Table[ModelPackage]:
        """Model packages."""

    @property
    def experiments(self) -> Table[Experiment]:
        """Experiments."""

    @property
    def trials(self) -> Table[Trial]:
        """Trials of experiments."""

    @property
    def components(self) -> Table[TrialComponent]:
        """Trial components."""

    @property
    def pipelines(self) -> Table[Pipeline]:
        """Pipelines."""

    @property
    def executions(self) -> Table[PipelineExecution]:
        """Executions of pipelines."""

    def table(self, arn: Arn) -> Table[Any]:
        """The table of the kind of a resource that is ours."""

    def summaries(self, query: Query) -> Page[TrainingSummary]:
        """The page of `trainings.find`, with only the members that lists show."""

    def tagged(self, scope: AwsScope) -> Sequence[tuple[Arn, Mapping[str, str]]]:
        """The records of a region of an account that have tags, with these, kind by kind and the oldest first."""

    def runs(self, *, active: bool = False) -> Collection[str]:
        """The ids of all runs that records of any kind have had; with `active` of records that are not terminal."""

    def mark_failed(self, arn: Arn, reason: str, now: datetime) -> None:
        """End a record that cannot be read: lists and histories show it as failed."""

    def clear(self) -> None:
        """Delete every record."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is written inside; transactions may be nested and only the outermost commits."""

    def record(self, training: Arn, observations: Sequence[Observation], offset: int) -> None:
        """Append observations, and store up to which byte of the run's metrics file they reach, in one step.

        Raises NotFound if there is no such training job.
        """

    def offset(self, training: Arn) -> int:
        """Up to which byte of its metrics file a training job's observations are recorded; 0 at first."""

    def observations(self, training: Arn, *, after: int = -1) -> Sequence[Observation]:
        """The observations of a training job behind a `seq`, in order."""

    def history(self, tuning: TuningJob) -> History:
        """The history of a tuning job."""
