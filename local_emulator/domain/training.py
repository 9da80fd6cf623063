"""A training job: its request and its state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from local_emulator.domain.jobs import ACTIVE, Document, Phase, Secondary, Status, Transition
from local_emulator.domain.names import Arn, AwsScope, scope_of
from local_emulator.domain.space import Point
from local_emulator.domain.spec import TrainingSpec

_PHASES = {
    Secondary.STARTING: Phase.WAITING,
    Secondary.DOWNLOADING: Phase.PREPARING,
    Secondary.UPLOADING: Phase.COLLECTING,
}
_WORKING = {Secondary.DOWNLOADING, Secondary.TRAINING, Secondary.UPLOADING, Secondary.STOPPING}


@dataclass(frozen=True, kw_only=True)
class FinalMetric:
    """The last value of a metric."""

    name: str
    value: float
    time: datetime


@dataclass(frozen=True, kw_only=True)
class PreviousRun:
    """A run that was interrupted or lost, and when it began."""

    run: str
    started: datetime


@dataclass(frozen=True, kw_only=True)
class TimeBudget:
    """What a run may still take, in seconds: of MaxRuntimeInSeconds and of MaxWaitTimeInSeconds. None: as long as it likes."""

    runtime: float | None = None
    wait: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A training job.

    `request` is CreateTrainingJob with AWS's defaults, as Describe shows it. Only `local_emulator.documents` reads its members; `spec`
    is the parsed form, not stored. `run` is the id of the current run and the name of its folder. `previous_runs` are the runs before
    an interruption or an internal error: they made the first `observation_offset` observations; `retries` of them were lost.
    `interrupt` requests an interruption. `gpus` are the ids of this machine's GPUs that the run uses. `pooled`: the job has had a warm
    pool. `claimed`: a supervisor has claimed the run, which is then never started again, even if its folder is lost.
    The members from `tuning` to `index` are set for training jobs of a tuning job only. `created` is the time of the request,
    `started` of the beginning of the download, `ended` of the end of program and uploads.
    """

    name: str
    arn: Arn
    region: str
    request: Document
    spec: TrainingSpec = field(repr=False)
    run: str
    status: Status
    secondary: Secondary
    created: datetime
    modified: datetime
    transitions: tuple[Transition, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    retryable: bool = False
    final_metrics: tuple[FinalMetric, ...] = ()
    tuning: str | None = None
    tuning_arn: Arn | None = None
    definition: str | None = None
    objective: str | None = None
    tuned: Point = field(default_factory=dict)
    index: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    previous_runs: tuple[PreviousRun, ...] = field(default=(), metadata={"formerly": "earlier"})  # in records of version 0.1
    observation_offset: int = field(default=0, metadata={"formerly": "told"})
    retries: int = 0
    interrupt: bool = False
    gpus: tuple[str, ...] = ()
    claimed: bool = False
    pooled: bool = False
    version: int = 0

    @property
    def state(self) -> tuple[Status, Secondary]:
        """The state whose changes are sent as events."""
        return self.status, self.secondary

    @property
    def scope(self) -> AwsScope:
        """Region and account of the job."""
        return scope_of(self.arn)

    @property
    def spot(self) -> bool:
        """Whether the instances may be interrupted (managed spot training)."""
        return self.spec.managed_spot

    @property
    def run_started(self) -> datetime:
        """Start of the current run, or of its wait for an instance."""
        starts = [entry.start for entry in self.transitions if entry.status in {Secondary.DOWNLOADING, Secondary.STARTING}]
        return starts[-1] if starts else self.created

    @property
    def phase(self) -> Phase:
        """How far the run is, as the secondary status says."""
        return _PHASES.get(self.secondary, Phase.RUNNING)

    @property
    def phase_started(self) -> datetime:
        """Since when it has had its secondary status."""
        return self.transitions[-1].start if self.transitions else self.created

    @property
    def max_runtime(self) -> float | None:
        """MaxRuntimeInSeconds."""
        return self.spec.stopping.max_runtime

    @property
    def slots(self) -> int:
        """Number of its hosts."""
        return len(self.spec.resources.hosts)

    @property
    def group(self) -> Arn:
        """The tuning job, or the job itself."""
        return self.tuning_arn or self.arn

    def trained(self, now: datetime) -> float:
        """Seconds from the arrival of data to the end of uploads, of all runs together."""
        return sum(((entry.end or now) - entry.start).total_seconds() for entry in self.transitions if entry.status in _WORKING)

    def time_budget(self, now: datetime) -> TimeBudget:
        """What its present run may take when it starts: what previous runs have left.

        The time since the present run was asked for is no runtime: it may have waited for an emulator that was not there.
        """
        runtime, wait = self.spec.stopping.max_runtime, self.spec.stopping.max_wait_time
        previous = replace(self, transitions=tuple(entry for entry in self.transitions if entry.start < self.run_started))
        return TimeBudget(
            runtime=None if runtime is None else max(runtime - previous.trained(self.run_started), 0.0),
            wait=None if wait is None else max(wait - (now - self.created).total_seconds(), 0.0),
        )

    @property
    def final_objective(self) -> float | None:
        """The last value of the objective of a job that ended and did not fail."""
        if self.status in ACTIVE or self.status is Status.FAILED:
            return None
        return next((metric.value for metric in self.final_metrics if metric.name == self.objective), None)

    def moved(self, secondary: Secondary, now: datetime, message: str = "") -> "TrainingJob":
        """The job in its next secondary status; a repetition only changes the message. Times never decrease."""
        now = max(now, self.modified)
        if self.transitions and self.transitions[-1].status is secondary:
            last = replace(self.transitions[-1], message=message or self.transitions[-1].message)
            return replace(self, modified=now, transitions=(*self.transitions[:-1], last))
        past = self.transitions
        if past:
            past = (*past[:-1], replace(past[-1], end=now))
        return replace(
            self,
            secondary=secondary,
            modified=now,
            transitions=(*past, Transition(status=secondary, start=now, message=message)),
        )


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """The members of a training job that lists show."""

    name: str
    arn: Arn
    status: Status
    secondary: Secondary
    created: datetime
    modified: datetime
    started: datetime | None
    ended: datetime | None
    failure_reason: str | None
    definition: str | None
    objective: str | None
    final_objective: float | None
    tuned: Point
