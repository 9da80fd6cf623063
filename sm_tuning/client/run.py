"""A launched tuning job, followed and read through the public API alone: AWS and the emulator look the same."""

import difflib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError

from sm_tuning.boto import Client, Session
from sm_tuning.client import logs as cloudwatch
from sm_tuning.client import loopback
from sm_tuning.client.errors import NOT_FOUND, code_of
from sm_tuning.client.hosts import on_this_machine
from sm_tuning.errors import NotFound, WaitTimeout
from sm_tuning.spec.metrics import Metric

_ENDED = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
_REPORT = "sagemaker-training-toolkit ERROR    Reporting training FAILURE"
_OBJECTIVE = "ObjectiveMetric"
_MINUTE = 60.0
_ONE_AT_A_TIME = threading.Lock()
# What differs between training jobs that fail alike: the training toolkit's command line with its hyperparameters, addresses, numbers.
_CHANGING = re.compile(r'Command ".*"|0x[0-9a-f]+|[0-9a-f]{8,}|\d+(\.\d+)?')


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training job of a tuning job. `value` is the objective's last value, None if there is none."""

    name: str
    status: str
    hyperparameters: Mapping[str, str]
    value: float | None = None
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None

    @property
    def seconds(self) -> float | None:
        """Time from start to end; None for a training job that has not ended."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """How far a tuning job is. `counters` and `objectives` are AWS's TrainingJobStatusCounters and ObjectiveStatusCounters."""

    name: str
    status: str
    counters: Mapping[str, int]
    objectives: Mapping[str, int]
    max_jobs: int | None
    created: datetime
    ended: datetime | None
    best: Training | None
    failure_reason: str | None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _ENDED

    @property
    def launched(self) -> int:
        """Training jobs begun so far."""
        return sum(self.counters.values())

    @property
    def finished(self) -> int:
        """Training jobs ended so far."""
        return self.launched - self.running

    @property
    def running(self) -> int:
        """Training jobs that run."""
        return self.counters.get("InProgress", 0)

    @property
    def failed(self) -> int:
        """Training jobs that failed."""
        return self.counters.get("NonRetryableError", 0) + self.counters.get("RetryableError", 0)

    @property
    def stopped(self) -> int:
        """Training jobs that were stopped."""
        return self.counters.get("Stopped", 0)

    @property
    def total(self) -> int:
        """Training jobs in all, as far as it is known."""
        return self.max_jobs or max(self.launched, 1)

    @property
    def seconds(self) -> float:
        """Time since its creation; for one that has ended, until then."""
        return ((self.ended or datetime.now(UTC)) - self.created).total_seconds()

    @property
    def seconds_left(self) -> float | None:
        """Time that what is left will take at the pace so far; None where that cannot be said."""
        if self.over or not 0 < self.finished < self.total:
            return None
        return self.seconds / self.finished * (self.total - self.finished)

    def __str__(self) -> str:
        """One line."""
        best = "" if self.best is None or self.best.value is None else f", best so far {self.best.value:.6g}"
        of = "" if self.max_jobs is None else f" of {self.max_jobs}"
        jobs = f"{self.finished}{of} training jobs ended ({self.failed} failed), {self.running} running"
        return f"{self.name} {self.status}: {jobs}{best}"


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Training jobs that failed for the same reason; `log` is the end of the first one's log."""

    reason: str
    trainings: Sequence[str]
    log: Sequence[str]

    def __str__(self) -> str:
        """Reason, count, and the end of a log."""
        noun = "training job" if len(self.trainings) == 1 else "training jobs"
        return "\n".join([f"{len(self.trainings)} {noun}: {self.reason}", *(f"    {line}" for line in self.log)])


@dataclass(frozen=True, kw_only=True)
class MetricCheck:
    """How many lines of a training job's log a metric's expression has matched; if none, the nearest lines."""

    metric: str
    regex: str
    lines: int
    matches: int
    nearest: Sequence[str] = ()

    def __str__(self) -> str:
        """One sentence, and the nearest lines."""
        if self.matches:
            return f"{self.metric}: {self.matches} values in {self.lines} lines"
        said = f"{self.metric}: the regex {self.regex!r} has matched none of {self.lines} lines"
        return "\n".join([said + ("; the nearest:" if self.nearest else ""), *(f"    {line}" for line in self.nearest)])


class TuningRun:
    """A tuning job by name. Make one with `TuningJob.launch` or `attach`."""

    def __init__(self, name: str, *, session: Session | None = None, client: Client | None = None) -> None:
        self.name = name
        self._session: Session = session or boto3.Session()
        self._client = client or loopback.client(self._session, "sagemaker")
        self._region = self._client.meta.region_name
        self._others: dict[str, Client] = {}

    def _other_client(self, service: str) -> Client:
        """A client of another service, made once: it costs more than a request, and a session makes only one at a time."""
        with _ONE_AT_A_TIME:
            if service not in self._others:
                self._others[service] = loopback.client(self._session, service, region_name=self._region)
            return self._others[service]

    @classmethod
    def attach(cls, name: str, session: Session | None = None, *, client: Client | None = None) -> Self:
        """An existing tuning job; raises NotFound if there is none of that name."""
        run = cls(name, session=session, client=client)
        run.describe()
        return run

    def other(self, name: str) -> Self:
        """Another tuning job of the same account and region; raises NotFound if there is none of that name."""
        return type(self).attach(name, self._session, client=self._client)

    def describe(self) -> Mapping[str, Any]:
        """The answer of DescribeHyperParameterTuningJob."""
        try:
            answer: Mapping[str, Any] = self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.name)
        except ClientError as error:
            if code_of(error) in NOT_FOUND:
                raise NotFound(f"there is no tuning job {self.name!r} in {self._region}") from error
            raise
        return answer

    def status(self) -> RunStatus:
        """How far it is."""
        job = self.describe()
        limits = job["HyperParameterTuningJobConfig"]["ResourceLimits"]
        return RunStatus(
            name=self.name,
            status=job["HyperParameterTuningJobStatus"],
            counters=job["TrainingJobStatusCounters"],
            objectives=job["ObjectiveStatusCounters"],
            max_jobs=limits.get("MaxNumberOfTrainingJobs"),
            created=job["CreationTime"],
            ended=job.get("HyperParameterTuningEndTime"),
            best=_training(job["BestTrainingJob"]) if "BestTrainingJob" in job else None,
            failure_reason=job.get("FailureReason"),
        )

    def wait(
        self, progress: Callable[[RunStatus], object] | None = None, *, poll: float | None = None, timeout: float | None = None
    ) -> RunStatus:
        """Wait until it has ended; `progress` is called with every change.

        Args:
            progress: A function of a RunStatus, `print` for one.
            poll: Seconds between looks; None for 10 in AWS and half a second on this machine.
            timeout: Seconds after which WaitTimeout is raised; the tuning job goes on.
        """
        poll = poll if poll is not None else (0.5 if self.local else 10.0)
        deadline = None if timeout is None else time.monotonic() + timeout
        last: RunStatus | None = None
        while True:
            status = self.status()
            if progress is not None and status != last:
                progress(status)
            last = status
            if status.over:
                return status
            left = poll if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"the tuning job {self.name} is still {status.status} after {timeout:g} seconds; it goes on")
            time.sleep(min(poll, left))

    @property
    def local(self) -> bool:
        """Whether it runs on an emulator on this machine."""
        return on_this_machine(self._client.meta.endpoint_url)

    def trainings(self) -> list[Training]:
        """Its training jobs in launch order."""
        pages = self._client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=self.name,
            SortBy="CreationTime",
            SortOrder="Ascending",
            PaginationConfig={"PageSize": 100},
        )
        return [_training(summary) for page in pages for summary in page["TrainingJobSummaries"]]

    def best(self) -> Training | None:
        """The training job with the best objective so far."""
        return self.status().best

    def model_uri(self, training: str) -> str:
        """Where a training job's model lies; raises NotFound if it has none (yet)."""
        job = self._client.describe_training_job(TrainingJobName=training)
        if "ModelArtifacts" not in job:
            raise NotFound(f"the training job {training} is {job['TrainingJobStatus']} and has no model")
        uri: str = job["ModelArtifacts"]["S3ModelArtifacts"]
        return uri

    def stop(self) -> None:
        """Stop it and its running training jobs; nothing happens if it has ended."""
        try:
            self._client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.name)
        except ClientError as error:
            code = code_of(error)
            if code in NOT_FOUND:
                raise NotFound(f"there is no tuning job {self.name!r} in {self._region}") from error
            if code != "ValidationException":  # it has ended already
                raise

    # --- logs -----------------------------------------------------------------------------------------------------------

    def logs(self, training: str, *, follow: bool = False, poll: float | None = None) -> Iterator[str]:
        """Lines of a training job's log; with `follow` until it has ended."""
        logs = self._other_client("logs")
        poll = poll if poll is not None else (0.5 if self.local else 5.0)
        tokens: dict[str, str] = {}
        while True:
            # Asked before reading, so that what it writes last is read too.
            over = not follow or self._client.describe_training_job(TrainingJobName=training)["TrainingJobStatus"] in _ENDED
            yield from cloudwatch.new_lines(logs, training, tokens)
            if over:
                return
            time.sleep(poll)

    def log_tail(self, training: str, count: int) -> list[str]:
        """The last lines of a training job's log; none before there is one."""
        return cloudwatch.last_lines(self._other_client("logs"), training, count)

    def minutes(self, training: Training, metrics: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """The values of metrics that CloudWatch has kept of a training job: a mean for each minute."""
        client = self._other_client("cloudwatch")
        return cloudwatch.minutes(client, training.name, metrics, training.started or training.created, training.ended)

    def metric_checks(self, training: str) -> list[MetricCheck]:
        """For each metric definition of a training job, how many lines of its log it matches."""
        job = self._client.describe_training_job(TrainingJobName=training)
        lines = list(self.logs(training))
        definitions = job["AlgorithmSpecification"].get("MetricDefinitions", [])
        return [_check(metric["Name"], metric["Regex"], lines) for metric in definitions if metric["Name"] != _OBJECTIVE]

    def failures(self) -> list[FailureGroup]:
        """Failed training jobs grouped by cause, the largest group first."""
        groups: dict[str, list[Training]] = {}
        for training in self.trainings():
            if training.status == "Failed":
                groups.setdefault(_CHANGING.sub("#", training.failure_reason or "no reason given"), []).append(training)
        return [
            FailureGroup(
                reason=group[0].failure_reason or "no reason given",
                trainings=[training.name for training in group],
                log=_of_script(list(self.logs(group[0].name)))[-5:],
            )
            for group in sorted(groups.values(), key=len, reverse=True)
        ]


def _of_script(lines: Sequence[str]) -> Sequence[str]:
    """A log without the report of the training toolkit at its end."""
    ends = (index for index, line in enumerate(lines) if line.endswith(_REPORT))
    return lines[: next(ends, len(lines))]


def duration(seconds: float | None) -> str:
    """Seconds in words, as `3 min 20 s`; empty for None."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _training(summary: Mapping[str, Any]) -> Training:
    final = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    return Training(
        name=summary["TrainingJobName"],
        status=summary["TrainingJobStatus"],
        hyperparameters=summary["TunedHyperParameters"],
        value=None if final is None else final["Value"],
        created=summary["CreationTime"],
        started=summary.get("TrainingStartTime"),
        ended=summary.get("TrainingEndTime"),
        failure_reason=summary.get("FailureReason"),
    )


def _check(name: str, regex: str, lines: Sequence[str]) -> MetricCheck:
    metric = Metric(name, regex) if re.compile(regex).groups else Metric(name, f"({regex})")
    matches = sum(len(metric.values(line)) for line in lines)
    nearest = () if matches else _nearest(name, regex, lines)
    return MetricCheck(metric=name, regex=regex, lines=len(lines), matches=matches, nearest=nearest)


def _nearest(name: str, regex: str, lines: Sequence[str]) -> Sequence[str]:
    """Up to three lines that look most like what the expression looks for: words it shares, then likeness."""
    text = re.sub(r"\\.", " ", regex)
    wanted = set(re.findall(r"[a-z]+", f"{name} {text}".lower()))
    literal = re.sub(r"\\.|[\[\](){}?*+^$|]", " ", regex).strip()

    def likeness(line: str) -> float:
        shared = len(wanted & set(re.findall(r"[a-z]+", line.lower())))
        return shared + difflib.SequenceMatcher(None, literal, line[:200]).ratio()

    with_numbers = [line for line in dict.fromkeys(lines) if re.search(r"\d", line)] or list(dict.fromkeys(lines))
    return sorted(with_numbers[-200:], key=likeness, reverse=True)[:3]
