"""Random search: independent draws from the scaled ranges, without repetition in a finite space."""

import random
from collections.abc import Sequence
from itertools import product

from local_emulator.domain.history import History, Trial
from local_emulator.domain.space import Categorical, Integer, Parameter, Point, Space
from local_emulator.strategies.median_rule import MedianRule
from local_emulator.strategies.order_statistics import Aggregate

Key = tuple[tuple[str, str], ...]

_DRAWS = 1000  # in a space of which fewer than 99.3 % are used, so many draws all miss with a chance below one in a thousand


class Random:
    """Uniform in the scaled unit cube. The n-th point depends on the seed and on what was proposed before."""

    def __init__(self, space: Space, *, seed: int, early_stopping: bool = False) -> None:
        self._space = space
        self._seed = seed
        self._tried: Aggregate[set[Key]] = Aggregate(set, lambda tried, trial: tried.add(key(trial.point)))
        self._rule = MedianRule() if early_stopping else None

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """Up to `count` new points; fewer only when a finite space is used up."""
        size = self._space.size
        tried = Tried(self._tried, history) if size is not None else Tried()
        points: list[Point] = []
        while len(points) < count and (size is None or len(tried) < size):
            point = self._draw(len(history.trials) + len(points), tried)
            if size is not None:
                tried.add(key(point))
            points.append(point)
        return points

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials that the median rule stops, if early stopping is on."""
        return self._rule.prune(history) if self._rule else ()

    def _draw(self, number: int, tried: "Tried") -> Point:
        rng = random.Random(f"{self._seed}/{number}")  # noqa: S311 - search, not secrets
        size = self._space.size
        for _ in range(_DRAWS if size is not None else 1):
            point = self._space.at([rng.random() for _ in self._space.parameters])
            if key(point) not in tried:
                return point
        # Nearly used up: take one of the remaining points at random.
        left = [point for point in self._all(rng) if key(point) not in tried]
        return left[0]

    def _all(self, rng: random.Random) -> list[Point]:
        names = [parameter.name for parameter in self._space.parameters]
        points: list[Point] = [dict(zip(names, row, strict=True)) for row in product(*map(_values, self._space.parameters))]
        rng.shuffle(points)
        return points


class Tried:
    """Points that were proposed. Those of ended trials are in the aggregate, which is not copied."""

    def __init__(self, aggregate: Aggregate[set[Key]] | None = None, history: History | None = None) -> None:
        self._ended = aggregate.of(history.known) if aggregate and history else set()
        self._others: set[Key] = set()
        for trial in history.running if history else ():
            self.add(key(trial.point))

    def add(self, point: Key) -> None:
        """Add a point."""
        if point not in self._ended:
            self._others.add(point)

    def __contains__(self, point: Key) -> bool:
        return point in self._ended or point in self._others

    def __len__(self) -> int:
        return len(self._ended) + len(self._others)


def _values(parameter: Parameter) -> Sequence[str]:
    """Every value of a finite parameter."""
    if isinstance(parameter, Integer):
        return [str(value) for value in range(parameter.low, parameter.high + 1)]
    return parameter.values if isinstance(parameter, Categorical) else ()


def key(point: Point) -> Key:
    """A point as a hashable key."""
    return tuple(sorted(point.items()))
