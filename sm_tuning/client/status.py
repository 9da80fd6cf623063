"""How far tuning jobs and training jobs are, in the package's own types. Pure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sm_tuning.spec.metrics import number

ENDED = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
UNFINISHED = ("InProgress", "Stopping")
SHORT_NAME = re.compile(r"\d{3,}-[0-9a-f]{8}")
"""What follows its tuning job's name in a training job's: number and random digits."""

_FEW_SECONDS = 9.95
_MINUTE = 60.0
_ENOUGH_LINES = 20  # without a value of a metric: its expression is probably wrong


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training job of a tuning job.

    Attributes:
        name: Its name.
        status: AWS's TrainingJobStatus.
        hyperparameters: The tuned ones, as texts.
        value: The objective's last value; None if there is none.
        created: When the service took the request.
        started: When training began; None before.
        ended: When training ended; None before.
        failure_reason: AWS's FailureReason; None unless it failed.
        definition: The name of its definition; None where the only one has none.
    """

    name: str
    status: str
    hyperparameters: Mapping[str, str]
    value: float | None = None
    created: datetime | None = field(default=None, repr=False)
    started: datetime | None = field(default=None, repr=False)
    ended: datetime | None = field(default=None, repr=False)
    failure_reason: str | None = None
    definition: str | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end; None for a training job that has not ended."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """How far a tuning job is.

    Attributes:
        name: Its name.
        status: AWS's HyperParameterTuningJobStatus.
        counters: AWS's TrainingJobStatusCounters, by their names.
        objectives: AWS's ObjectiveStatusCounters, by their names.
        max_jobs: Training jobs in all; None if AWS chooses.
        created: When the service took the request.
        ended: When it ended; None before.
        best: The training job with the best objective so far; None if none has one.
        failure_reason: AWS's FailureReason; None unless it failed.
        objective: Name of the metric that is tuned.
        goal: `Minimize` or `Maximize`.
        best_of_parents: The training job of a parent that is better than `best`, of a warm start with the same data and algorithm:
            AWS's OverallBestTrainingJob; None if none is.
    """

    name: str
    status: str
    counters: Mapping[str, int]
    objectives: Mapping[str, int]
    max_jobs: int | None
    created: datetime
    ended: datetime | None
    best: Training | None
    failure_reason: str | None
    objective: str = ""
    goal: str = ""
    best_of_parents: Training | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

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
    def with_objective(self) -> int:
        """Training jobs that reported an objective."""
        return self.objectives.get("Succeeded", 0)

    @property
    def without_objective(self) -> int:
        """Training jobs that ended without one."""
        return self.objectives.get("Failed", 0)

    @property
    def total(self) -> int:
        """Training jobs in all, as far as it is known."""
        return self.max_jobs or max(self.launched, 1)

    @property
    def seconds(self) -> float:
        """Seconds since its creation; for one that has ended, until then."""
        return ((self.ended or datetime.now(UTC)) - self.created).total_seconds()

    @property
    def seconds_left(self) -> float | None:
        """Seconds that what is left will take at the pace so far; None where that cannot be said."""
        if self.over or not 0 < self.finished < self.total:
            return None
        return self.seconds / self.finished * (self.total - self.finished)

    def __str__(self) -> str:
        """One line."""
        best = (
            ""
            if self.best is None or self.best.value is None
            else f", best {self.objective}{'' if self.over else ' so far'} {self.best.value:.6g}"
        )
        of = "" if self.max_jobs is None else f" of {self.max_jobs}"
        jobs = f"{self.finished}{of} training jobs ended ({self.failed} failed), {self.running} running"
        return f"{self.name} {self.status}: {jobs}{best}"

    __repr__ = __str__


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Training jobs that failed for the same reason.

    Attributes:
        reason: The first one's FailureReason.
        trainings: Names of the training jobs.
        log: The last lines of the first one's log.
    """

    reason: str
    trainings: Sequence[str]
    log: Sequence[str]

    def __str__(self) -> str:
        """Reason, count, and the end of a log."""
        noun = "training job" if len(self.trainings) == 1 else "training jobs"
        return "\n".join([f"{len(self.trainings)} {noun}: {self.reason}", *(f"    {line}" for line in self.log)])


@dataclass(frozen=True, kw_only=True)
class MetricCheck:
    """How many values of a metric a training job's log has.

    Attributes:
        metric: Name of the metric.
        regex: Its regular expression.
        lines: Lines of the log, without those of AWS's training toolkit.
        matches: Values that the expression has found in them.
        nearest: The lines that are most like what it looks for, where it has found nothing.
        usable: False for an expression that is none, or that takes too long, if only on some lines.
        caught: What the expression has caught first, if none of it is a number.
        promising: Whether a line has a number, which may be a value, or the expression has caught something.
        expected: Whether it should have been printed; False for what an algorithm of AWS's prints only where its settings ask for it.
    """

    metric: str
    regex: str
    lines: int
    matches: int
    nearest: Sequence[str] = ()
    usable: bool = True
    caught: str | None = None
    promising: bool = True
    expected: bool = True

    def is_silent(self, *, ended: bool) -> bool:
        """Whether nothing is matched though there is something to match; one that runs must have printed lines, a number in them."""
        return self.expected and not self.matches and self.lines >= (1 if ended else _ENOUGH_LINES) and (ended or self.promising)

    def lacks_values(self, *, ended: bool) -> bool:
        """Whether it is silent, or its expression took too long on some lines: there may be more values than were found."""
        return self.is_silent(ended=ended) or (bool(self.matches) and not self.usable)

    @property
    def finding(self) -> str:
        """What was found, without the metric's name and the nearest lines."""
        if self.matches:
            more = "" if self.usable else f"; the regex {self.regex!r} takes too long on some of them"
            return f"{self.matches} values in {self.lines} lines{more}"
        if self.caught is not None:
            return f"the regex {self.regex!r} has caught {self.caught!r} and no number in {self.lines} lines"
        if not self.usable:
            return f"the regex {self.regex!r} is none, or takes too long on {self.lines} lines"
        return f"the regex {self.regex!r} has matched none of {self.lines} lines"

    @property
    def sentence(self) -> str:
        """What was found of the metric, without the nearest lines."""
        return f"{self.metric}: {self.finding}"

    def __str__(self) -> str:
        """One sentence, and the nearest lines."""
        said = self.sentence + ("; the nearest:" if self.nearest else "")
        return "\n".join([said, *(f"    {line}" for line in self.nearest)])


@dataclass(frozen=True, kw_only=True)
class SilentMetric:
    """A metric that nothing in the logs of training jobs matches, or whose expression takes too long on some of their lines.

    Attributes:
        check: What was tried on the log of the first of them.
        trainings: Names of the training jobs.
    """

    check: MetricCheck
    trainings: Sequence[str]

    @property
    def sentence(self) -> str:
        """What was found, and where."""
        more = len(self.trainings) - 1
        if self.check.matches:
            return f"{self.check.sentence} (the log of {self.trainings[0]}{f' and those of {more} more' if more else ''})"
        joined = ", nor of those of" if self.check.usable else " and of those of"
        return f"{self.check.sentence} of the log of {self.trainings[0]}{f'{joined} {more} more' if more else ''}"

    def __str__(self) -> str:
        """The sentence, and the nearest lines."""
        said = self.sentence + ("; the nearest:" if self.check.nearest else "")
        return "\n".join([said, *(f"    {line}" for line in self.check.nearest)])


def short_name(training_job: str) -> str:
    """A training job's name without its tuning job's; other names as they are."""
    match = re.search(rf"(?<=-){SHORT_NAME.pattern}$", training_job)
    return training_job if match is None else match[0]


def setting(text: str) -> str:
    """A hyperparameter's value, short enough for a table: whole numbers as they are, text without the quotes around it."""
    value = number(text)
    if value is None:
        return text.strip('"')
    return text if value.is_integer() and "e" not in text.lower() else f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """Seconds in words, as `3 min 20 s`, below ten with two digits, as `0.41 s`; empty for None."""
    if seconds is None:
        return ""
    if seconds < _FEW_SECONDS:
        return f"{seconds:.2g} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def training_of(summary: Mapping[str, Any]) -> Training:
    """A training job of a summary in AWS's form."""
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
        definition=summary.get("TrainingJobDefinitionName"),
    )


def status_of(name: str, answer: Mapping[str, Any]) -> RunStatus:
    """How far a tuning job is by an answer of DescribeHyperParameterTuningJob."""
    config = answer["HyperParameterTuningJobConfig"]
    definitions = answer.get("TrainingJobDefinitions") or [{}]
    objective = config.get("HyperParameterTuningJobObjective") or definitions[0].get("TuningObjective", {})
    return RunStatus(
        name=name,
        status=answer["HyperParameterTuningJobStatus"],
        counters=answer["TrainingJobStatusCounters"],
        objectives=answer["ObjectiveStatusCounters"],
        max_jobs=config["ResourceLimits"].get("MaxNumberOfTrainingJobs"),
        created=answer["CreationTime"],
        ended=answer.get("HyperParameterTuningEndTime"),
        best=training_of(answer["BestTrainingJob"]) if "BestTrainingJob" in answer else None,
        failure_reason=answer.get("FailureReason"),
        objective=objective.get("MetricName", ""),
        goal=objective.get("Type", ""),
        best_of_parents=best_of_parents(answer),
    )


def best_of_parents(answer: Mapping[str, Any]) -> Training | None:
    """The training job of a parent that is better than its own, by an answer of DescribeHyperParameterTuningJob; None if none is."""
    if "OverallBestTrainingJob" not in answer:
        return None
    overall = training_of(answer["OverallBestTrainingJob"])
    own = training_of(answer["BestTrainingJob"]) if "BestTrainingJob" in answer else None
    return None if own is not None and (overall.name == own.name or overall.value == own.value) else overall


def better_still(objective: str, training: Training) -> str:
    """That a parent's training job is better."""
    value = "" if training.value is None else f" {training.value:.5g}"
    return f"better still: {objective}{value} by {training.name} of a parent"


def metric_check(
    name: str, regex: str, texts: Sequence[str], tail: Sequence[str], lines: int, *, usable: bool = True, expected: bool = True
) -> MetricCheck:
    """What is to be said of a metric after a search.

    Args:
        name: The metric's name.
        regex: Its regular expression.
        texts: What the expression has caught.
        tail: The last lines that the script has printed.
        lines: Number of all that it has printed.
        usable: Whether the expression could be tried.
        expected: Whether it should have been printed.
    """
    matches = sum(number(text) is not None for text in texts)
    return MetricCheck(
        metric=name,
        regex=regex,
        lines=lines,
        matches=matches,
        nearest=_nearest(name, regex, tail) if expected and not texts else (),
        usable=usable,
        caught=texts[0] if texts and not matches else None,
        promising=bool(texts) or any(re.search(r"\d", line) for line in tail),
        expected=expected,
    )


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
