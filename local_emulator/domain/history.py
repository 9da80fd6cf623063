"""What has happened so far: all that a strategy, a stopping rule or Describe may judge by."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point


class Goal(StrEnum):
    """Which end of the objective is good."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"

    def better(self, one: float, other: float) -> bool:
        """Whether one is strictly better than other."""
        return one > other if self is Goal.MAXIMIZE else one < other


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
    ranked: Collection[str | None] | None = None

    @property
    def running(self) -> Sequence[Trial]:
        """Trials that have not ended."""
        return [trial for trial in self.trials if not trial.status.terminal]

    @property
    def comparable(self) -> Sequence[Trial]:
        """Trials whose objective is the history's."""
        return self.trials if self.ranked is None else [trial for trial in self.trials if trial.definition in self.ranked]

    @property
    def best(self) -> Trial | None:
        """The ended trial with the best objective; of equals the one that ended first."""
        ended = [(trial.final, trial.ended, trial) for trial in self.comparable if trial.final is not None and trial.ended]
        sign = -1.0 if self.goal is Goal.MAXIMIZE else 1.0
        return min(ended, key=lambda row: (sign * row[0], row[1], row[2].index))[2] if ended else None

    def counters(self) -> Mapping[str, int]:
        """TrainingJobStatusCounters."""
        kinds = Counter(_kind(trial) for trial in self.trials)
        return {name: kinds[name] for name in ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")}

    def objective_counters(self) -> Mapping[str, int]:
        """ObjectiveStatusCounters."""
        kinds = Counter(objective_status(trial) for trial in self.trials)
        return {name: kinds[name] for name in ("Succeeded", "Pending", "Failed")}


def objective_status(trial: Trial) -> str:
    """ObjectiveStatus of one trial."""
    if not trial.status.terminal:
        return "Pending"
    return "Succeeded" if trial.ended_well else "Failed"


def _kind(trial: Trial) -> str:
    if trial.status is Status.FAILED:
        return "RetryableError" if trial.retryable else "NonRetryableError"
    return trial.status.value if trial.status.terminal else "InProgress"
