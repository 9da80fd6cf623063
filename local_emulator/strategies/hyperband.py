"""Hyperband as AWS runs it: asynchronous successive halving that only ever stops, never pauses.

One value of the objective is one unit of resource. Rungs stand at MinResource * 3^k below MaxResource. A running trial that has
reached a rung goes on if its value there is among the best share of the trials begun no later than itself; otherwise it is stopped.
At MaxResource every trial is stopped. New points are drawn at random. AWS publishes neither the factor nor the brackets; three and
one are what the open-source tuner of the same group takes. It keeps a third at each rung, which loses to Random where learning
curves cross. So the share is learnt: a third where the order at the rung is that at the end, all where it says nothing of the end.
How much it says is the product of the rank correlations between each rung and the next, and the last and the end.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from statistics import correlation

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point, Space
from local_emulator.strategies.order_statistics import OrderStatistics
from local_emulator.strategies.random import Random

FACTOR = 3  # from a rung to the next; one of so many goes on where a rung says all
EXPECTED, WEIGHT = 0.65, 8  # the correlation before any is known, and how many trials that is worth

_Measure = Callable[[Trial], float | None]


class Hyperband:
    """Random points, and a stop at each rung for those that are not among the best. It keeps derived state only."""

    def __init__(self, space: Space, *, seed: int, max_resource: int, min_resource: int = 1) -> None:
        self._random = Random(space, seed=seed)
        self.max_resource = max_resource
        self.rungs = [min_resource]
        while self.rungs[-1] * FACTOR < max_resource:
            self.rungs.append(self.rungs[-1] * FACTOR)
        self._values = [_at(rung) for rung in self.rungs]
        self._statistics = [OrderStatistics(measure) for measure in self._values]

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """New random points."""
        return self._random.ask(history, count)

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials that have used their resource, or that lost at the rung that they reached last."""
        shares = cache(lambda: self.shares(history))
        return [
            trial for trial in history.running if trial.status is Status.IN_PROGRESS and self._is_over(trial, history, shares)
        ]

    def shares(self, history: History) -> Sequence[float]:
        """The share of trials that goes on at each rung: from a third to all."""
        measures = [*self._values, self._end]
        says, shares = 1.0, []
        for before, after in reversed(list(pairwise(measures))):
            says *= _correlation(history.known, before, after)
            shares.append(1.0 / FACTOR + (1.0 - 1.0 / FACTOR) * (1.0 - says) ** 2)
        return shares[::-1]

    def _is_over(self, trial: Trial, history: History, shares: Callable[[], Sequence[float]]) -> bool:
        reached = len(trial.values)
        if reached >= self.max_resource:
            return True
        # Values may come several at a time. The rungs before the last are not asked again: their epochs are spent, and their
        # shares may have moved. More trials reach a rung later, so a trial that once passed could lose: it is compared only with
        # the trials launched before it.
        number = bisect_right(self.rungs, reached) - 1
        return number >= 0 and self._lost_at(trial, number, history, shares)

    def _lost_at(self, trial: Trial, number: int, history: History, shares: Callable[[], Sequence[float]]) -> bool:
        value = trial.values[self.rungs[number] - 1]
        values = self._statistics[number].before(trial, history.known)
        insort(values, value)
        if len(values) < FACTOR:
            return False
        better = len(values) - bisect_right(values, value) if history.goal is Goal.MAXIMIZE else bisect_left(values, value)
        if better < max(len(values) // FACTOR, 1):  # among the best third, whatever the share
            return False
        return better >= int(len(values) * shares()[number])

    def _end(self, trial: Trial) -> float | None:
        """The value at the end of a trial that came so far."""
        if len(trial.values) >= self.max_resource:
            return trial.values[self.max_resource - 1]
        return trial.values[-1] if trial.status is Status.COMPLETED and trial.values else None


def _at(rung: int) -> _Measure:
    return lambda trial: trial.values[rung - 1] if len(trial.values) >= rung else None


def _correlation(trials: Sequence[Trial], before: _Measure, after: _Measure) -> float:
    """The rank correlation of two measures over the trials that have both, and what is expected as if of some more; at least 0."""
    pairs = [(first, second) for trial in trials if (first := before(trial)) is not None and (second := after(trial)) is not None]
    ranks = [_ranks(values) for values in zip(*pairs, strict=True)]
    if any(min(column) == max(column) for column in ranks):  # all are equal, which says nothing; and so does a single pair
        ranks = []
    known, count = (correlation(*ranks), len(pairs)) if ranks else (0.0, len(pairs) if len(pairs) > 1 else 0)
    return max((count * known + WEIGHT * EXPECTED) / (count + WEIGHT), 0.0)


def _ranks(values: Sequence[float]) -> Sequence[float]:
    """The ranks of values; equal ones share the mean of theirs."""
    ascending = sorted(values)
    return [bisect_left(ascending, value) + bisect_right(ascending, value) for value in values]
