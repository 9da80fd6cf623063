"""The interface of the store, which API and engine share."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from local_emulator.domain.history import History, Observation
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.training import TrainingJob, TrainingSummary
from local_emulator.domain.tuning import TuningJob

J = TypeVar("J", TuningJob, TrainingJob)
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
    statuses: Collection[Status] = ()
    name_contains: str | None = None
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


class Table(Protocol[J]):
    """Jobs of one kind by their ARNs."""

    def add(self, job: J) -> None:
        """Keep a new job, or raise AlreadyExists."""

    def get(self, arn: Arn) -> J:
        """The job with that ARN, or raise NotFound, or Unreadable."""

    def put(self, job: J) -> J:
        """Keep a changed job and return it with its new version.

        Raises:
            NotFound: There is no such job.
            Conflict: It was changed since it was read.
            ImpossibleTransition: Its new status may not follow the stored one (`domain/jobs.py`).
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
    """Jobs and their observations. Safe to use from several threads. Everything may raise StoreUnavailable."""

    @property
    def tunings(self) -> Table[TuningJob]:
        """Tuning jobs."""

    @property
    def trainings(self) -> Table[TrainingJob]:
        """Training jobs, children of tuning jobs or not."""

    def summaries(self, query: Query) -> Page[TrainingSummary]:
        """The page of `trainings.find`, with only the members that lists show."""

    def runs(self) -> Collection[str]:
        """The ids of all runs that training jobs have had."""

    def mark_failed(self, arn: Arn, reason: str, now: datetime) -> None:
        """End a job whose record cannot be read: lists and histories show it as failed."""

    def clear(self) -> None:
        """Delete every job."""

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
