"""Bayesian search: a Gaussian process of what was seen, and the expected improvement as the guide to what to try next.

The proposal is a pure function of the history: every random number comes from the seed and the number of trials. Trials that
run are taken as if they had brought what the process expects, so parallel proposals differ. Trials without an objective are not
learnt from, but never proposed again.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import ndtri

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.space import Categorical, Integer, Point, Space
from local_emulator.strategies.early_stopping import median_rule
from local_emulator.strategies.gaussian_process import Array, GaussianProcess, Kernel, fit
from local_emulator.strategies.random import Key, key

_MOST_FOR_FIT = 150  # rows that the kernel is learnt from: its cost grows with their cube
_MOST_ROWS = 500  # rows that predictions are made from
_CANDIDATES = 512
_CLIMBS = 4
_NEARBY = (0.02, 0.1)


class Bayesian:
    """Searches a space with a Gaussian process."""

    def __init__(self, space: Space, *, seed: int, early_stopping: bool = False) -> None:
        self._space = space
        self._seed = seed
        self._early_stopping = early_stopping
        self._categorical = np.array([isinstance(one, Categorical) for one in space.parameters])
        columns = len(space.parameters)
        self._first = min(max(3, columns + 1), 6)
        self._design = _spread(8, columns, np.random.default_rng(seed))

    def cull(self, history: History) -> Sequence[Trial]:
        """Running trials that the median rule gives up, if early stopping is on."""
        return median_rule(history) if self._early_stopping else ()

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """Up to `count` new points, fewer only when a finite space is used up."""
        points: list[Point] = []
        tried = {key(trial.point) for trial in history.trials}
        process = self._learn(history)
        for place in range(count):
            if self._space.size is not None and len(tried) >= self._space.size:
                break
            number = len(history.trials) + place
            point = None
            if process is None:
                point = self._space.at(self._design[number].tolist()) if number < len(self._design) else None
            else:
                point = self._propose(process, number, tried)
                process = process.believing(self._rows([point])) if point else process
            if point is None or key(point) in tried:
                point = self._fresh(number, tried)
            tried.add(key(point))
            points.append(point)
        return points

    # --- learning -------------------------------------------------------------------------------------------------------

    def _learn(self, history: History) -> GaussianProcess | None:
        seen = [trial for trial in (*history.parents, *history.trials) if trial.final is not None and self._holds(trial.point)]
        if len(seen) < self._first:
            return None
        sign = -1.0 if history.goal is Goal.MAXIMIZE else 1.0
        outputs = warp(np.array([sign * float(trial.final or 0.0) for trial in seen]))
        rows = self._rows([trial.point for trial in seen])
        kernel = self._kernel(rows, outputs)
        chosen = _most_telling(outputs, _MOST_ROWS)
        process = GaussianProcess(kernel, rows[chosen], outputs[chosen], self._categorical)
        running = [trial.point for trial in history.running if self._holds(trial.point)]
        return process.believing(self._rows(running)) if running else process

    def _kernel(self, rows: Array, outputs: Array) -> Kernel:
        chosen = _most_telling(outputs, _MOST_FOR_FIT)
        return fit(rows[chosen], outputs[chosen], self._categorical)

    def _holds(self, point: Point) -> bool:
        """Whether a point can be placed in this space (a parent may have tuned other values)."""
        return all(
            one.name in point and (not isinstance(one, Categorical) or point[one.name] in one.values)
            for one in self._space.parameters
        )

    def _rows(self, points: Sequence[Point]) -> Array:
        return np.array([self._row(self._space.units(point)) for point in points], dtype=np.float64)

    def _row(self, units: Sequence[float]) -> list[float]:
        """Units with each categorical's cell replaced by its index."""
        return [
            float(min(int(unit * len(one.values)), len(one.values) - 1)) if isinstance(one, Categorical) else unit
            for one, unit in zip(self._space.parameters, units, strict=True)
        ]

    def _point(self, row: Array) -> Point:
        return self._space.at(
            [
                (value + 0.5) / len(one.values) if isinstance(one, Categorical) else float(value)
                for one, value in zip(self._space.parameters, row, strict=True)
            ]
        )

    # --- proposing ------------------------------------------------------------------------------------------------------

    def _propose(self, process: GaussianProcess, number: int, tried: set[Key]) -> Point | None:
        # With noise the best value seen is too good to be true: take the best expectation, that of trials still running included,
        # or the next proposal would stand beside theirs.
        best = float(process.predict(process.inputs)[0].min())
        rng = np.random.default_rng([self._seed, number])
        candidates = self._candidates(process, rng)
        scores = process.log_improvements(candidates, best)
        order = np.argsort(-scores)
        climbed = [self._climb(process, best, candidates[place]) for place in order[:_CLIMBS]]
        finalists = self._snap(np.array([*climbed, *candidates[order[: 4 * _CLIMBS]]]))
        finalists = np.vstack([finalists, self._neighbours(finalists[0])]) if self._steps() else finalists
        ranking = np.argsort(-process.log_improvements(finalists, best))
        for place in ranking:
            point = self._point(finalists[place])
            if key(point) not in tried:
                return point
        return None

    def _candidates(self, process: GaussianProcess, rng: np.random.Generator) -> Array:
        """Rows spread over the space, and rows near the best ones seen."""
        columns = len(self._space.parameters)
        spread = _spread(_CANDIDATES, columns, rng)
        leaders = process.inputs[np.argsort(process.predict(process.inputs)[0])[:5]]
        near = np.repeat(leaders, _CANDIDATES // 20, axis=0)
        for width, part in zip(_NEARBY, np.array_split(np.arange(len(near)), len(_NEARBY)), strict=True):
            near[part] += rng.normal(0.0, width, size=near[part].shape) * (rng.random(near[part].shape) < 0.7)  # noqa: PLR2004 - most columns move
        rows = np.vstack([np.array([self._row(units) for units in spread]), near])
        for column, one in enumerate(self._space.parameters):
            if isinstance(one, Categorical):
                kept = np.repeat(leaders[:, column], _CANDIDATES // 20)
                other = rng.integers(0, len(one.values), size=len(near))
                rows[len(spread) :, column] = np.where(rng.random(len(near)) < 0.8, kept, other)  # noqa: PLR2004 - some move
        return self._snap(rows)

    def _climb(self, process: GaussianProcess, best: float, start: Array) -> Array:
        free = np.flatnonzero(~self._categorical)
        if not len(free):
            return start

        def loss(values: Array) -> tuple[float, Array]:
            row = start.copy()
            row[free] = values
            value, gradient = process.log_improvement(row, best)
            return -value, -gradient[free]

        found = minimize(loss, start[free], jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(free), options={"maxiter": 30})
        row = start.copy()
        row[free] = found.x
        return row

    def _snap(self, rows: Array) -> Array:
        """Rows moved to where their points really are: an integer's cell has one value."""
        rows = rows.copy()
        for column, one in enumerate(self._space.parameters):
            if isinstance(one, Integer):
                rows[:, column] = [one.unit(one.at(min(max(unit, 0.0), 1.0))) for unit in rows[:, column]]
            elif not isinstance(one, Categorical):
                rows[:, column] = np.clip(rows[:, column], 0.0, 1.0)
        return rows

    def _steps(self) -> bool:
        return any(isinstance(one, Integer | Categorical) for one in self._space.parameters)

    def _neighbours(self, row: Array) -> Array:
        """The row with one integer moved by one, or one categorical changed."""
        found = []
        for column, one in enumerate(self._space.parameters):
            options: list[float] = []
            if isinstance(one, Integer):
                value = int(one.at(float(row[column])))
                options = [one.unit(str(other)) for other in (value - 1, value + 1) if one.low <= other <= one.high]
            elif isinstance(one, Categorical):
                options = [float(index) for index in range(len(one.values)) if index != row[column]]
            for option in options:
                moved = row.copy()
                moved[column] = option
                found.append(moved)
        return np.array(found) if found else row[None, :]

    def _fresh(self, number: int, tried: set[Key]) -> Point:
        """A random point that was not tried; the caller has seen to it that there is one."""
        rng = np.random.default_rng([self._seed, number, 1])
        while True:
            point = self._space.at([float(unit) for unit in rng.random(len(self._space.parameters))])
            if key(point) not in tried or self._space.size is None:
                return point


def _spread(rows: int, columns: int, rng: np.random.Generator) -> Array:
    """Rows that fill the unit cube evenly: the additive sequence of Roberts (2018), shifted at random."""
    golden = 2.0
    for _ in range(30):  # the root of x^(d+1) = x + 1
        golden = (1.0 + golden) ** (1.0 / (columns + 1.0))
    steps = golden ** -np.arange(1.0, columns + 1.0)
    filled: Array = (rng.random(columns) + np.outer(np.arange(1.0, rows + 1.0), steps)) % 1.0
    return filled


def _most_telling(outputs: Array, most: int) -> npt.NDArray[np.intp]:
    """Which rows to keep when there are too many: half the best, half the latest."""
    rows = len(outputs)
    if rows <= most:
        return np.arange(rows)
    best = np.argsort(outputs, kind="stable")[: most // 2]
    rest = np.setdiff1d(np.arange(rows), best)
    return np.sort(np.concatenate([best, rest[-(most - len(best)) :]]))


def warp(outputs: Array) -> Array:
    """Outputs (to be minimised) with the worse half bent to a bell's tail, then zero mean and unit variance.

    Training that diverges gives values beyond all measure; only that they are bad is worth knowing. The better half keeps its
    distances (the half-rank warping of Google Vizier's Gaussian process).
    """
    median = float(np.median(outputs))
    good = outputs <= median
    width = math.sqrt(float(np.mean((outputs[good] - median) ** 2)))
    bent = outputs.astype(np.float64, copy=True)
    bad = np.flatnonzero(~good)
    if width > 0.0 and len(bad):
        ranks = np.searchsorted(np.sort(outputs[bad]), outputs[bad], side="left") + 1.0
        bent[bad] = median + width * ndtri(0.5 + 0.5 * ranks / (len(bad) + 1.0))
    deviation = float(bent.std())
    centred: Array = bent - bent.mean()
    return centred / deviation if deviation > 0.0 else centred
