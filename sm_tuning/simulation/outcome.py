"""What simulated tuning jobs of a setting came to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median

from scipy.stats import rankdata

from local_emulator.domain.history import Goal
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.simulator import Ended

_HOUR = 3600.0
LOW, HIGH = 0.1, 0.9  # ends of the interval that holds 80 %


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One simulated tuning job.

    Attributes:
        best: The best objective that it reports; None if no training job has one.
        expected: What training the best again would bring in the mean.
        hours: Instance-hours.
        seconds: Seconds from its beginning to its end.
        jobs: Training jobs.
        path: Instance-hours spent at each improvement, and the best objective from then on.
    """

    best: float | None
    expected: float | None
    hours: float
    seconds: float
    jobs: int
    path: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Margin:
    """How much wider intervals of the best objective are than what was simulated.

    Attributes:
        lower: Factor of the distance of the lower end from the median.
        upper: The same of the upper end.
        least: No objective is below it.
        most: No objective is above it.
    """

    lower: float = 1.0
    upper: float = 1.0
    least: float = -math.inf
    most: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A median, and the interval that holds 80 % of what was simulated, unless it is widened.

    Attributes:
        median: As many were below as above.
        low: A tenth was below.
        high: A tenth was above.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """The interval of some values, at least one."""
        ordered = sorted(values)
        return cls(median=median(ordered), low=_quantile(ordered, LOW), high=_quantile(ordered, HIGH))

    def widened(self, margin: "Margin") -> "Interval":
        """With ends farther from the median."""
        low, high = self.median + margin.lower * (self.low - self.median), self.median + margin.upper * (self.high - self.median)
        return Interval(median=self.median, low=max(low, margin.least), high=min(high, margin.most))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What simulated tuning jobs of a setting came to.

    Attributes:
        setting: The setting.
        replicas: One for each seed.
        margin: Of the intervals of the best objective.
    """

    setting: Setting
    replicas: Sequence[Replica]
    margin: Margin = Margin()

    @property
    def successes(self) -> int:
        """How many replicas have a training job with an objective."""
        return sum(replica.best is not None for replica in self.replicas)

    @cached_property
    def best(self) -> Interval:
        """The best objective of the replicas that have found something; not a number where none has."""
        bests = [replica.best for replica in self.replicas if replica.best is not None]
        return Interval.of(bests).widened(self.margin) if bests else Interval(median=math.nan, low=math.nan, high=math.nan)

    @cached_property
    def hours(self) -> Interval:
        """Instance-hours."""
        return Interval.of([replica.hours for replica in self.replicas])

    @cached_property
    def seconds(self) -> Interval:
        """Seconds from beginning to end."""
        return Interval.of([replica.seconds for replica in self.replicas])

    @property
    def mean_hours(self) -> float:
        """Mean instance-hours."""
        return fmean(replica.hours for replica in self.replicas)

    def over_hours(self, goal: Goal, steps: int = 24) -> Sequence[tuple[float, Interval]]:
        """The best objective by instance-hours spent, from where four fifths of the tuning jobs have one."""
        paths = [replica.path for replica in self.replicas if replica.path]
        if not paths:
            return []
        starts = sorted(path[0][0] for path in paths)
        first, last = _quantile(starts, 0.8), self.hours.median
        hours = [first + (last - first) * step / steps for step in range(steps + 1)] if last > first else [first]
        points = []
        for at in hours:
            values = [value for path in paths if (value := _best_by(path, at, goal)) is not None]
            points.append((at, Interval.of(values).widened(self.margin)))
        return points


def mean_ranks(outcomes: Sequence[Outcome], sign: float) -> Sequence[float]:
    """The rank of each outcome's best objective, 1 for the best, in the mean of the seeds: those of one seed have the same world.

    Args:
        outcomes: The outcomes, with as many replicas each.
        sign: 1 where less is better, -1 where more is.
    """
    losses = [[math.inf if replica.best is None else sign * replica.best for replica in outcome.replicas] for outcome in outcomes]
    return [float(mean) for mean in rankdata(losses, axis=0).mean(axis=1)]


def replicas_of(ended: Sequence[Ended], jobs: Sequence[int], goal: Goal, instances: int) -> Mapping[int, Replica]:
    """What the first so many training jobs of a simulated tuning job came to: what is launched later changes nothing of them."""
    return {count: _replica([training for training in ended if training.index <= count], goal, instances) for count in jobs}


def _replica(ended: Sequence[Ended], goal: Goal, instances: int) -> Replica:
    best: Ended | None = None
    path: list[tuple[float, float]] = []
    for training in ended:  # in the order of their ends
        if training.final is None or (
            best is not None and best.final is not None and not goal.better(training.final, best.final)
        ):
            continue
        best = training
        spent = sum(max(min(other.ended, training.ended) - other.started, 0.0) for other in ended)
        path.append((spent * instances / _HOUR, training.final))
    return Replica(
        best=None if best is None else best.final,
        expected=None if best is None else best.expected,
        hours=sum(training.ended - training.started for training in ended) * instances / _HOUR,
        seconds=max((training.ended for training in ended), default=0.0),
        jobs=len(ended),
        path=path,
    )


def _best_by(path: Sequence[tuple[float, float]], hours: float, goal: Goal) -> float | None:
    values = [value for at, value in path if at <= hours + 1e-12]
    if not values:
        return None
    return max(values) if goal is Goal.MAXIMIZE else min(values)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Between values in ascending order, linearly."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
