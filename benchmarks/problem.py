"""What a problem is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from local_emulator.domain.space import Categorical, Continuous, Parameter, Point, Scaling, Space

Values = npt.NDArray[np.float64]
HALF = 0.5


@dataclass(frozen=True)
class Problem:
    """Something to minimise.

    Attributes:
        value: The true value of a point.
        optimum: The lowest of them.
        noisy: What a search with a seed observes, if not the true value.
    """

    name: str
    space: Space
    value: Callable[[Point], float]
    optimum: float
    noisy: Callable[[Point, int], float] | None = None

    def observed(self, point: Point, seed: int) -> float:
        """What a search with a seed observes of a point."""
        return self.noisy(point, seed) if self.noisy else self.value(point)

    @cached_property
    def typical(self) -> float:
        """The median value of a random point."""
        rng = np.random.default_rng(0)
        return float(
            np.median([self.value(self.space.at(row.tolist())) for row in rng.random((2000, len(self.space.parameters)))])
        )

    def regret(self, best: float) -> float:
        """How far a value is from the optimum; 1 is that of the median random point."""
        return max((best - self.optimum) / (self.typical - self.optimum), 0.0)


def numbers(point: Point, *names: str) -> Values:
    """Numbers of a point."""
    return np.array([float(point[name]) for name in names])


def linear(low: float, high: float, *names: str) -> tuple[Parameter, ...]:
    """Linear ranges of the same ends."""
    return tuple(Continuous(name=name, low=low, high=high, scaling=Scaling.LINEAR) for name in names)


def lowest_near(space: Space, values: Callable[[Sequence[Point]], Values], rows: Values, rng: np.random.Generator) -> float:
    """The lowest value from some rows on, in ever smaller steps; the smaller they are, the fewer categories change."""
    best = values([space.at(row.tolist()) for row in rows])
    fixed = np.array([isinstance(parameter, Categorical) for parameter in space.parameters])
    for width in np.geomspace(0.2, 1e-3, 300):
        moved = rows + rng.normal(0.0, width, rows.shape) * (rng.random(rows.shape) < HALF) * ~fixed
        other = fixed & (rng.random(rows.shape) < width)
        moved = np.clip(np.where(other, rng.random(rows.shape), moved), 0.0, 1.0 - 1e-9)
        stepped = values([space.at(row.tolist()) for row in moved])
        better = stepped < best
        rows[better], best[better] = moved[better], stepped[better]
    return float(best.min())


def lowest(space: Space, value: Callable[[Point], float]) -> float:
    """The optimum, by random search and then ever smaller steps."""
    rng = np.random.default_rng(1)
    rows = rng.random((20_000, len(space.parameters)))
    values = np.array([value(space.at(row.tolist())) for row in rows])
    best, row = float(values.min()), rows[int(values.argmin())]
    for width in np.geomspace(0.2, 1e-4, 20_000):
        moved = np.clip(row + rng.normal(0.0, width, len(row)) * (rng.random(len(row)) < 0.5), 0.0, 1.0)
        loss = value(space.at(moved.tolist()))
        if loss < best:
            best, row = loss, moved
    return best
