"""The history of a tuning job: all that a strategy, a stopping rule or Describe depends on."""

import operator
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import overload

from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point

SIGNIFICANT = 0.01  # an objective must be this much better than the best, relatively, to count as an improvement


class Goal(StrEnum):
    """Which end of the objective is good."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"

    def better(self, value: float, other: float) -> bool:
        """Whether a value is strictly better than another."""
        return value > other if self is Goal.MAXIMIZE else value < other

    def improves(self, value: float, best: float) -> bool:
        """Whether a value is significantly better than the best."""
        return self.better(value, best) and abs(value - best) >= SIGNIFICANT * abs(best)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One value of one metric, as a training job printed it; `seq` orders the observations of a training job."""

    seq: int
    metric: str
    value: float
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A training job as a strategy sees it.

    `values` is every value of the objective in the order of its emission; `final` is the last of them once the training job
    has ended, and None while it runs, or if it failed.
    """

    name: str
    index: int
    point: Point
    status: Status
    values: tuple[float, ...] = ()
    final: float | None = None
    retryable: bool = False
    definition: str | None = None
    ended: datetime | None = None

    @property
    def ended_well(self) -> bool:
        """Whether it ended with an objective, so that the tuning job may learn from it."""
        return self.final is not None


Ranked = Collection[str | None] | None


@dataclass(frozen=True, kw_only=True)
class HistorySummary:
    """Aggregate over ended trials, in completion order.

    It is for one goal, the definitions that are ranked by it, and one patience: `converged` is when that many trials in a row had
    first ended without a significant improvement; nothing counts before the first objective. `mark` is the objective of the last
    significant improvement, `since` the number of trials that have ended after it.
    """

    goal: Goal
    ranked: Ranked = None
    patience: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    succeeded: int = 0
    best: Trial | None = None
    mark: float | None = None
    since: int = 0
    converged: datetime | None = None

    def is_for(self, goal: Goal, ranked: Ranked, patience: int) -> bool:
        """Whether it is for that goal, those definitions and that patience."""
        return (self.goal, self.ranked, self.patience) == (goal, ranked, patience)

    def after(self, trial: Trial) -> "HistorySummary":
        """The summary with one more ended trial."""
        kind = _kind(trial)
        statuses = {**self.statuses, kind: self.statuses.get(kind, 0) + 1}
        succeeded = self.succeeded + trial.ended_well
        if trial.ended is None or not (self.ranked is None or trial.definition in self.ranked):
            return replace(self, statuses=statuses, succeeded=succeeded)
        best, mark, since = self.best, self.mark, self.since + (self.mark is not None)
        if trial.final is not None:
            if best is None or best.final is None or self.goal.better(trial.final, best.final):
                best = trial
            if mark is None or self.goal.improves(trial.final, mark):
                mark, since = trial.final, 0
        converged = self.converged or (trial.ended if 0 < since == self.patience else None)
        return replace(self, statuses=statuses, succeeded=succeeded, best=best, mark=mark, since=since, converged=converged)


class Log:
    """Ended trials in completion order. It only grows, so what was derived from its beginning stays valid."""

    def __init__(self, summary: HistorySummary | None = None) -> None:
        self.trials: list[Trial] = []
        self.summary = summary
        self.parts: dict[str, Log] = {}  # by definition, where there are several

    def append(self, trial: Trial) -> None:
        """Add an ended trial."""
        self.trials.append(trial)
        if self.summary is not None:
            self.summary = self.summary.after(trial)
        if trial.definition is not None:
            self.parts.setdefault(trial.definition, Log()).trials.append(trial)


class Trials(Sequence[Trial]):
    """The trials of a tuning job at one moment, in launch order.

    The first `past` trials of the log have ended; later moments share the log. `running` are the others, in launch order.
    """

    def __init__(self, log: Log, running: tuple[Trial, ...], *, past: int | None = None) -> None:
        self.log = log
        self.running = running
        self.past = len(log.trials) if past is None else past
        self.summary = log.summary if past is None else None
        self._parts = {name: len(part.trials) for name, part in log.parts.items()}
        self._whole: list[Trial] | None = None

    @classmethod
    def of(cls, trials: Sequence[Trial], summary: HistorySummary | None = None) -> "Trials":
        """The same of any trials in launch order; with `summary`, the summary of none, theirs is computed."""
        log = Log(summary)
        for trial in in_completion_order(trials):
            log.append(trial)
        built = cls(log, tuple(trial for trial in trials if not trial.status.terminal))
        built._whole = list(trials)
        return built

    @property
    def ended(self) -> Sequence[Trial]:
        """Trials that have ended, in completion order."""
        return self.log.trials[: self.past]

    def begun(self, trial: Trial) -> "Trials":
        """The same with one more running trial."""
        later = Trials(self.log, (*self.running, trial), past=self.past)
        later.summary, later._parts = self.summary, self._parts
        return later

    def of_definition(self, name: str | None) -> "Trials":
        """The trials of one definition."""
        if name is None:
            return self
        running = tuple(trial for trial in self.running if trial.definition == name)
        return Trials(self.log.parts.get(name, _NOTHING), running, past=self._parts.get(name, 0))

    def __len__(self) -> int:
        return self.past + len(self.running)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | Sequence[Trial]:
        if self._whole is None:
            self._whole = sorted([*self.ended, *self.running], key=lambda trial: trial.index)
        return self._whole[index]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment] # as a list


_NOTHING = Log()


@dataclass(frozen=True, kw_only=True)
class History:
    """Every training job of one tuning job in launch order.

    `parents` are the trials of the tuning jobs that warm-start it, their points completed by their static hyperparameters; with
    `transfer` those were trained on other data. `ranked` names the definitions whose objective can be compared (None: all).
    """

    goal: Goal
    trials: Sequence[Trial] = ()
    parents: Sequence[Trial] = ()
    transfer: bool = False
    ranked: Ranked = None

    @cached_property
    def known(self) -> Trials:
        """The trials as `Trials`."""
        return self.trials if isinstance(self.trials, Trials) else Trials.of(self.trials)

    def summary(self, patience: int | None = None) -> HistorySummary:
        """The summary of the ended trials; `patience` None: that of any patience."""
        kept = self.known.summary
        if kept is not None and kept.is_for(self.goal, self.ranked, kept.patience if patience is None else patience):
            return kept
        summary = HistorySummary(goal=self.goal, ranked=self.ranked, patience=patience or 0)
        for trial in self.known.ended:
            summary = summary.after(trial)
        return summary

    @property
    def running(self) -> Sequence[Trial]:
        """Trials that have not ended."""
        return self.known.running

    @property
    def best(self) -> Trial | None:
        """The ended trial with the best objective; of equals the one that ended first."""
        return self.summary().best

    def begun(self, trial: Trial) -> "History":
        """The history with one more running trial."""
        return replace(self, trials=self.known.begun(trial))

    def of_definition(self, name: str | None, goal: Goal) -> "History":
        """The history of one definition of the plan."""
        return replace(self, goal=goal, trials=self.known.of_definition(name))

    def counters(self) -> Mapping[str, int]:
        """TrainingJobStatusCounters."""
        kinds = {**self.summary().statuses, "InProgress": len(self.running)}
        return {
            name: kinds.get(name, 0) for name in ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
        }

    def objective_counters(self) -> Mapping[str, int]:
        """ObjectiveStatusCounters."""
        succeeded = self.summary().succeeded
        return {"Succeeded": succeeded, "Pending": len(self.running), "Failed": self.known.past - succeeded}


def in_completion_order(trials: Iterable[Trial]) -> Sequence[Trial]:
    """Ended trials, the first to end first; of equals the one that was launched first."""
    return sorted((trial for trial in trials if trial.status.terminal), key=end_order)


def end_order(trial: Trial) -> tuple[datetime, int]:
    """The key of the completion order."""
    return trial.ended or _NEVER, trial.index


_NEVER = datetime.max.replace(tzinfo=UTC)


def objective_status(status: Status, final: float | None) -> str:
    """ObjectiveStatus of one training job."""
    if not status.terminal:
        return "Pending"
    return "Failed" if final is None else "Succeeded"


def _kind(trial: Trial) -> str:
    """Which of TrainingJobStatusCounters counts a trial that has ended."""
    if trial.status is Status.FAILED:
        return "RetryableError" if trial.retryable else "NonRetryableError"
    return trial.status.value
