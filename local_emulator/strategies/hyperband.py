"""Hyperband as AWS runs it: asynchronous successive halving that only ever stops, never pauses.

One value of the objective is one unit of resource. Rungs stand at MinResource * 3^k below MaxResource. A running trial that has
reached a rung goes on if its value there is among the best half of the trials begun no later than itself; otherwise it is stopped.
At MaxResource every trial is stopped. New points are drawn at random. AWS publishes neither the factor nor the brackets; three and
one are what the open-source tuner of the same group takes. It keeps a third, which loses to Random where learning curves cross.
"""

from bisect import insort
from collections.abc import Callable, Sequence

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point, Space
from local_emulator.strategies.order_statistics import OrderStatistics
from local_emulator.strategies.random import Random

FACTOR = 3  # from a rung to the next
_KEPT = 2  # one of so many goes on


class Hyperband:
    """Random points, and a stop at each rung for those that are not among the best half."""

    def __init__(self, space: Space, *, seed: int, max_resource: int, min_resource: int = 1) -> None:
        self._random = Random(space, seed=seed)
        self.max_resource = max_resource
        self.rungs = [min_resource]
        while self.rungs[-1] * FACTOR < max_resource:
            self.rungs.append(self.rungs[-1] * FACTOR)
        self._statistics = {rung: OrderStatistics(_at(rung)) for rung in self.rungs}

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """New random points."""
        return self._random.ask(history, count)

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials that have used their resource, or that lost at a rung."""
        return [trial for trial in history.running if trial.status is Status.IN_PROGRESS and self._is_over(trial, history)]

    def _is_over(self, trial: Trial, history: History) -> bool:
        reached = len(trial.values)
        if reached >= self.max_resource:
            return True
        # Every rung passed is checked, so that values that come several at a time miss none. More trials reach a rung later, so a
        # trial that once passed could lose: it is compared only with the trials launched before it.
        return any(self._lost_at(trial, rung, history) for rung in self.rungs if rung <= reached)

    def _lost_at(self, trial: Trial, rung: int, history: History) -> bool:
        value = trial.values[rung - 1]
        values = self._statistics[rung].before(trial, history.known)
        insort(values, value)
        if len(values) < FACTOR:
            return False
        kept = max(len(values) // _KEPT, 1)
        return history.goal.better(values[-kept] if history.goal is Goal.MAXIMIZE else values[kept - 1], value)


def _at(rung: int) -> Callable[[Trial], float | None]:
    return lambda trial: trial.values[rung - 1] if len(trial.values) >= rung else None
