"""Records and their statuses: which may follow which is the table of each kind. The store keeps no record that breaks it.

A training job goes InProgress -> Completed | Failed, or through Stopping to Stopped; while InProgress the secondary
status goes Starting -> Downloading -> Training -> Uploading. A tuning job goes InProgress -> Completed | Failed, or through
Stopping to Stopped. Nothing leaves a terminal status but deletion.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, Protocol, Self

from local_emulator.domain.names import Arn, AwsScope, scope_of

Document = Mapping[str, Any]
"""A JSON object in the shape of AWS's API."""

Perform = Callable[[str, Document, AwsScope], Document]
"""Carries out an operation of the API; raises AwsError."""


class RecordStatus(StrEnum):
    """Statuses of records of one kind."""

    @property
    def may_follow(self) -> frozenset[Self]:
        """The statuses to which a record may go from this one; it may always keep it."""
        raise NotImplementedError

    @property
    def terminal(self) -> bool:
        """Whether nothing happens to the record any more by itself."""
        return not self.may_follow


class Record(Protocol):
    """A record of any kind: immutable, in one table of the store by its ARN."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str:
        """Its name, unique in its scope."""

    @property
    def arn(self) -> Arn:
        """Its ARN."""

    @property
    def status(self) -> RecordStatus:
        """Its status."""

    @property
    def created(self) -> datetime:
        """Time of the request that made it."""

    @property
    def modified(self) -> datetime:
        """Time of its last change."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags by key."""

    @property
    def version(self) -> int:
        """Number of stored changes."""

    @property
    def scope(self) -> AwsScope:
        """Its region and account."""

    @property
    def state(self) -> tuple[str, ...]:
        """The state whose changes are sent as events."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """The members that records of most kinds have; `request` is the one that made it, with AWS's defaults, as Describe shows it."""

    name: str
    arn: Arn
    request: Document = field(repr=False)
    status: RecordStatus
    created: datetime
    modified: datetime
    failure_reason: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    @property
    def scope(self) -> AwsScope:
        """Its region and account."""
        return scope_of(self.arn)

    @property
    def state(self) -> tuple[str, ...]:
        """The state whose changes are sent as events."""
        return (self.status,)

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of all its runs."""
        return ()


class Status(RecordStatus):
    """Status of a job: tuning, training, processing, transform (the enums differ only in members this emulator never needs)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def may_follow(self) -> frozenset["Status"]:
        """The statuses to which a job may go from this one."""
        return MAY_FOLLOW[self]


MAY_FOLLOW: Mapping[Status, frozenset[Status]] = {
    Status.IN_PROGRESS: frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPING, Status.STOPPED}),
    # A failure that was already under way when Stop arrived stays a failure.
    Status.STOPPING: frozenset({Status.STOPPED, Status.FAILED, Status.COMPLETED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.STOPPED: frozenset(),
}


@lru_cache(typed=True)  # `Failed` of two kinds is equal as text
def may_precede(status: RecordStatus) -> Sequence[RecordStatus]:
    """The table of its kind read backwards, with the status itself: a record may change in other ways and keep its status."""
    return [other for other in type(status) if other is status or status in other.may_follow]


ACTIVE = frozenset({Status.IN_PROGRESS, Status.STOPPING})


class Phase(StrEnum):
    """How far the run of a job is."""

    WAITING = "waiting"  # for a slot
    PREPARING = "preparing"
    RUNNING = "running"
    COLLECTING = "collecting"  # its results


class Job(Record, Protocol):
    """A record with a run that ends by itself, of whatever kind: the lifecycle of runs moves it."""

    @property
    def status(self) -> Status:
        """Its status."""

    @property
    def run(self) -> str:
        """The id of the current run, and the name of its folder."""

    @property
    def started(self) -> datetime | None:
        """The beginning of its preparation, once that has begun."""

    @property
    def failure_reason(self) -> str | None:
        """Why it failed."""

    @property
    def claimed(self) -> bool:
        """Whether a supervisor has claimed the run, which is then never started again, even if its folder is lost."""

    @property
    def gpus(self) -> tuple[str, ...]:
        """The ids of this machine's GPUs that the run uses."""

    @property
    def phase(self) -> Phase:
        """How far the run is."""

    @property
    def phase_started(self) -> datetime:
        """Since when it has been in that phase."""

    @property
    def run_started(self) -> datetime:
        """Start of the current run, or of its wait for a slot."""

    @property
    def max_runtime(self) -> float | None:
        """Seconds that its program may take; None if it has no limit."""

    @property
    def slots(self) -> int:
        """The slots that the run takes: one for each host."""

    @property
    def group(self) -> Arn:
        """Jobs of one group, such as a tuning job's, take turns with other groups in getting slots."""


@dataclass(frozen=True, kw_only=True)
class RunJob(Resource):
    """A job with one run and no other state than that.

    `started` is the beginning of its preparation, `ended` its end, `exit_message` what its program wrote to `/opt/ml/output/message`.
    """

    status: Status
    run: str
    phase: Phase = Phase.WAITING
    phase_started: datetime
    started: datetime | None = None
    ended: datetime | None = None
    claimed: bool = False
    gpus: tuple[str, ...] = ()
    exit_message: str | None = None

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of all its runs."""
        return (self.run,)

    @property
    def run_started(self) -> datetime:
        """The beginning of its wait for a slot."""
        return self.created

    @property
    def max_runtime(self) -> float | None:
        """Seconds that its program may take."""
        return None

    @property
    def slots(self) -> int:
        """Number of its hosts."""
        return 1

    @property
    def group(self) -> Arn:
        """Itself."""
        return self.arn

    def moved(self, phase: Phase, now: datetime) -> Self:
        """The job in its next phase. Times never decrease."""
        now = max(now, self.modified)
        started = now if phase is Phase.PREPARING else self.started
        return replace(self, phase=phase, phase_started=now, modified=now, started=started)


class Secondary(StrEnum):
    """SecondaryStatus of a training job."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    COMPLETED = "Completed"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One entry of SecondaryStatusTransitions; it ends when the next begins."""

    status: Secondary
    start: datetime
    end: datetime | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricDefinition:
    """A metric's name and the regular expression whose first group is its value."""

    name: str
    regex: str
