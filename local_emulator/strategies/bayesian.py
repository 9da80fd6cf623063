"""Bayesian search: a Gaussian process of the observed objectives, and the expected improvement to choose the next points.

Names say where good values usually lie (`belief.py`): there the search begins, and looks first while results are few.

The proposal is a pure function of the history: every random number comes from the seed and the number of trials. Trials that
run are taken to have the expected objective, so parallel proposals differ. Nothing is learned from trials without an objective, but
their points are never proposed again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from threadpoolctl import ThreadpoolController

from local_emulator.domain.history import Goal, History, Trial, end_order
from local_emulator.domain.space import Categorical, Integer, Parameter, Point, Space
from local_emulator.strategies.belief import Belief
from local_emulator.strategies.expectation import Expectation, Scale, expected
from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess, Kernel, fit, fit_alike
from local_emulator.strategies.median_rule import MedianRule
from local_emulator.strategies.mixture import Mixture
from local_emulator.strategies.random import Key, key

_MOST_FOR_FIT = 150  # rows that the kernel is learnt from: its cost grows with their cube
_MOST_ROWS = 500  # rows that predictions are made from
_MOST_CELLS = 1000  # integers; a range of more is searched like real numbers
_FIRST = 6  # points before there is anything to learn from, those still running included
_MOST_AT_ONCE = 100  # points that are spread where as many training jobs begin before one has ended
_LEAST = 4  # results without which there is no learning
_ENOUGH = 25  # results with which the most probable kernel is trusted alone
_LEADERS = 5
_NEARBY = (0.02, 0.1)  # how far from a leader, in the unit cube
_TRUST = 5.0  # how many results a belief weighs as much as
_CURIOSITY = 0.5  # the improvement is multiplied by this power of how much rarer a value was tried than the mean of its category
_BEYOND = 0.5  # of a range's width: what parents tried farther outside of it says nothing of what is inside
_MOVED, _KEPT = 0.7, 0.8  # shares of a leader's numbers that move and of its categories that stay


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard a proposal is searched for.

    Attributes:
        candidates: Rows spread over the space of which the best are looked at.
        climbs: Of the best candidates, those that are improved by gradients.
        steps: Steps of that; 0 for none.
        growth: Factor by which the results must grow in number before the kernel is learnt anew.
    """

    candidates: int = 1024
    climbs: int = 10
    steps: int = 30
    growth: float = 1.0


FULL = Effort()
QUICK = Effort(candidates=256, climbs=4, steps=0, growth=1.4)
"""For simulations of many tuning jobs: about a tenth of the time."""


class Bayesian:
    """Searches a space with a Gaussian process."""

    def __init__(self, space: Space, *, seed: int, early_stopping: bool = False, effort: Effort = FULL) -> None:
        self._space = space
        self._seed = seed
        self._effort = effort
        self._known_kernels: dict[tuple[tuple[int, float | None], ...], Sequence[Kernel]] = {}
        self._known_rows: dict[Key, Sequence[float] | None] = {}
        self._rule = MedianRule() if early_stopping else None
        self._values = [len(parameter.values) if isinstance(parameter, Categorical) else 0 for parameter in space.parameters]
        self._cells = [_cells(parameter) for parameter in space.parameters]
        self._embedding = Embedding(self._values)
        self._belief = Belief(space.parameters)
        self._design = _first_rows(self._values, self._belief, np.random.default_rng(seed))

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials that the median rule stops, if early stopping is on."""
        return self._rule.prune(history) if self._rule else ()

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """Up to `count` new points, fewer only when a finite space is used up."""
        with _libraries().limit(limits=1):
            return self._asked(history, count)

    def _asked(self, history: History, count: int) -> Sequence[Point]:
        points: list[Point] = []
        tried = {key(trial.point) for trial in history.trials}
        model = self._learn(history)
        trust = _TRUST / max(sum(map(len, self._groups(history))), 1)
        for index in range(count):
            if self._space.size is not None and len(tried) >= self._space.size:
                break
            number = len(history.trials) + index
            point = None
            if model is None:
                point = self._space.at(self._design[number].tolist()) if number < len(self._design) else None
            else:
                point = self._propose(model, trust, number, tried)
                if point and index < count - 1:
                    model = model.with_expected(self._rows([point]))
            if point is None or key(point) in tried:
                point = self._fresh(number, tried)
            tried.add(key(point))
            points.append(point)
        return points

    def expectation(self, history: History, point: Point) -> Expectation | None:
        """What the model that the next point is proposed with expects of a point; of two kernels, the more probable.

        None while first points are spread, of a point far outside the space, and where nothing says how good results are here: parents
        learnt from other data, and no training job of this tuning job has an objective yet.
        """
        with _libraries().limit(limits=1):
            model, own = self._learn(history), self._groups(history)[-1]
            if model is None or not own or self._row(point) is None:
                return None
            objectives = _sign(history) * np.array([float(trial.final or 0.0) for trial in own])
            return expected(model.processes[0], self._rows([point]), Scale(objectives, warp(objectives), _sign(history)))

    # --- learning -------------------------------------------------------------------------------------------------------

    def _groups(self, history: History) -> Sequence[Sequence[Trial]]:
        """Trials to learn from, the tuning job's own in the last group.

        Parents that were trained on other data say what is good, not how good it is here: each group is warped by itself.
        """
        parents, own = self._observed(history.parents), self._observed(history.trials)
        return [parents, own] if history.transfer else [[*parents, *own]]

    def _learn(self, history: History) -> Mixture | None:
        groups = self._groups(history)
        running = [trial.point for trial in history.running if self._row(trial.point) is not None]
        observed = [trial for group in groups for trial in group]
        if len(observed) < _LEAST or len(observed) + len(running) < _FIRST:
            return None
        sign = _sign(history)
        objectives = [np.array([sign * float(trial.final or 0.0) for trial in group]) for group in groups if group]
        outputs = np.concatenate([warp(values) for values in objectives])
        rows = self._rows([trial.point for trial in observed])
        kernels = self._kernels(rows, outputs) if self._effort.growth <= 1 else self._earlier_kernels(observed, rows, sign)
        chosen = _most_informative(outputs, _MOST_ROWS)
        processes = [GaussianProcess(kernel, rows[chosen], outputs[chosen], self._embedding) for kernel in kernels]
        model = Mixture(processes, self._embedding)
        return model.with_expected(self._rows(running)) if running else model

    def _observed(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Trials with an objective whose points lie in this space, or near it."""
        return [trial for trial in trials if trial.final is not None and self._row(trial.point) is not None]

    def _kernels(self, rows: Array, outputs: Array) -> Sequence[Kernel]:
        """The most probable kernel; with few results that of one length scale for all as well, as likely to be right."""
        chosen = _most_informative(outputs, _MOST_FOR_FIT)
        fits = [fit, fit_alike] if len(rows) < _ENOUGH else [fit]
        return [learn(rows[chosen], outputs[chosen], self._embedding) for learn in fits]

    def _earlier_kernels(self, observed: Sequence[Trial], rows: Array, sign: float) -> Sequence[Kernel]:
        """The kernels of the first results only, as many as there were when the number had last grown by the effort's factor."""
        count = _LEAST
        while (more := math.ceil(count * self._effort.growth)) <= len(observed):
            count = more
        first = sorted(range(len(observed)), key=lambda at: end_order(observed[at]))[:count]
        known = tuple((observed[at].index, observed[at].final) for at in first)
        if known not in self._known_kernels:
            outputs = np.array([sign * float(observed[at].final or 0.0) for at in first])
            self._known_kernels[known] = self._kernels(rows[first], warp(outputs))
        return self._known_kernels[known]

    def _rows(self, points: Sequence[Point]) -> Array:
        """Rows of points that lie in this space, or near it."""
        return np.array([self._row(point) for point in points], dtype=np.float64)

    def _row(self, point: Point) -> Sequence[float] | None:
        """Units of a point, with each categorical's cell replaced by its index; None where it is far from this space.

        A parent may have tuned other values, or within other ranges: what came of numbers a little outside says what is near the end.
        """
        known = key(point)
        if known not in self._known_rows:
            units = [_unit(parameter, point.get(parameter.name)) for parameter in self._space.parameters]
            near = [unit for unit in units if unit is not None]
            self._known_rows[known] = self._coordinates(near) if len(near) == len(units) else None
        return self._known_rows[known]

    def _coordinates(self, units: Sequence[float]) -> list[float]:
        return [
            float(min(int(unit * len(parameter.values)), len(parameter.values) - 1))
            if isinstance(parameter, Categorical)
            else unit
            for parameter, unit in zip(self._space.parameters, units, strict=True)
        ]

    def _point(self, row: Array) -> Point:
        return self._space.at(
            [
                (value + 0.5) / len(parameter.values) if isinstance(parameter, Categorical) else float(value)
                for parameter, value in zip(self._space.parameters, row, strict=True)
            ]
        )

    # --- proposing ------------------------------------------------------------------------------------------------------

    def _propose(self, model: Mixture, trust: float, number: int, tried: set[Key]) -> Point | None:
        rng = np.random.default_rng([self._seed, number])
        candidates = self._candidates(model, rng)
        rarity = self._rarity(model.inputs)
        # Which point is the best is hidden by noise: it is drawn, those of running trials included, or the next proposal would be
        # close to theirs.
        model = model.without_noise(rng)

        def score(rows: Array) -> Array:
            # The improvement times a power of the belief (Hvarfner et al. 2022, "piBO").
            return model.log_improvements(rows) + trust * self._belief.log_density(rows) + rarity(rows)

        order = np.argsort(-score(candidates))
        finalists = candidates[order[: 2 * self._effort.climbs]]
        if self._effort.steps:
            climbed = model.climb(finalists[: self._effort.climbs], self._effort.steps, self._belief, trust)
            finalists = self._snap(np.vstack([climbed, finalists]))
        finalists = np.vstack([finalists, self._neighbours(finalists[0])]) if self._steps() else finalists
        for index in np.argsort(-score(finalists)):
            point = self._point(finalists[index])
            if key(point) not in tried:
                return point
        return None

    def _rarity(self, inputs: Array) -> Callable[[Array], Array]:
        """How much rarer than the mean of its category a value was tried: a value is given up only after several points."""
        columns = [column for column, count in enumerate(self._values) if count]
        tables = [
            -_CURIOSITY * np.log((1.0 + tried) / (1.0 + tried.mean()))
            for tried in (np.bincount(inputs[:, column].astype(int), minlength=self._values[column]) for column in columns)
        ]

        def rarity(rows: Array) -> Array:
            parts = (table[rows[:, column].astype(int)] for column, table in zip(columns, tables, strict=True))
            return np.asarray(sum(parts, np.zeros(len(rows))))

        return rarity

    def _candidates(self, model: Mixture, rng: np.random.Generator) -> Array:
        """Rows spread over the space, and rows near the best ones seen."""
        spread = _spread(self._effort.candidates, len(self._space.parameters), rng)
        leaders = model.inputs[np.argsort(model.means, kind="stable")[:_LEADERS]]
        near = np.repeat(leaders, self._effort.candidates // (4 * _LEADERS), axis=0)
        widths = np.where(np.arange(len(near)) % 2, *_NEARBY)[:, None]
        moves = (rng.random(near.shape) < _MOVED) & (np.array(self._values) == 0)
        near += rng.normal(0.0, 1.0, size=near.shape) * widths * moves
        for column, count in enumerate(self._values):
            if count:
                spread[:, column] = np.minimum(np.floor(spread[:, column] * count), count - 1)
                other = rng.integers(0, count, size=len(near))
                near[:, column] = np.where(rng.random(len(near)) < _KEPT, near[:, column], other)
        return self._snap(np.vstack([spread, near]))

    def _snap(self, rows: Array) -> Array:
        """Rows moved to where their points really are: an integer's cell has one value."""
        rows = rows.copy()
        for column, cells in enumerate(self._cells):
            if not self._values[column]:
                rows[:, column] = np.clip(rows[:, column], 0.0, 1.0)
            if cells is not None:
                rows[:, column] = cells[np.searchsorted((cells[1:] + cells[:-1]) / 2.0, rows[:, column])]
        return rows

    def _steps(self) -> bool:
        return any(isinstance(parameter, Integer | Categorical) for parameter in self._space.parameters)

    def _neighbours(self, row: Array) -> Array:
        """The row with one integer moved by one, or one categorical changed."""
        neighbours = []
        for column, parameter in enumerate(self._space.parameters):
            options: list[float] = []
            if isinstance(parameter, Integer):
                value = int(parameter.at(float(row[column])))
                steps = [step for step in (value - 1, value + 1) if parameter.low <= step <= parameter.high]
                options = [parameter.unit(str(step)) for step in steps]
            elif isinstance(parameter, Categorical):
                options = [float(index) for index in range(len(parameter.values)) if index != row[column]]
            for option in options:
                moved = row.copy()
                moved[column] = option
                neighbours.append(moved)
        return np.array(neighbours) if neighbours else row[None, :]

    def _fresh(self, number: int, tried: set[Key]) -> Point:
        """A random point that was not tried; the caller knows that there is one."""
        rng = np.random.default_rng([self._seed, number, 1])
        while True:
            point = self._space.at([float(unit) for unit in rng.random(len(self._space.parameters))])
            if key(point) not in tried or self._space.size is None:
                return point


@cache
def _libraries() -> ThreadpoolController:
    """The linear algebra of this process, to be done on one thread.

    These matrices are so small that threads, which wait for one another, cost more than they bring (thirty times on a busy
    machine), and how many there are would change the last digits, thus the points.
    """
    return ThreadpoolController()


def _sign(history: History) -> float:
    """What makes an objective something to minimise."""
    return -1.0 if history.goal is Goal.MAXIMIZE else 1.0


def _unit(parameter: Parameter, text: str | None) -> float | None:
    """The unit of a value, that of a number also a little outside of its range; None for anything else."""
    if isinstance(parameter, Categorical):
        return parameter.unit(text) if text in parameter.values else None
    try:
        unit = parameter.position(float(text or ""))
    except ValueError:
        return None
    return unit if -_BEYOND <= unit <= 1 + _BEYOND else None


def _cells(parameter: Parameter) -> Array | None:
    """Where the values of an integer lie in [0, 1]; None for other parameters."""
    if not isinstance(parameter, Integer) or parameter.high - parameter.low >= _MOST_CELLS:
        return None
    return np.array([parameter.unit(str(value)) for value in range(parameter.low, parameter.high + 1)])


def _first_rows(values: Sequence[int], belief: Belief, rng: np.random.Generator) -> Array:
    """The middle of what is believed, with categories drawn, then in turn rows of the whole space and of what is believed."""
    middle = np.where(np.array(values) == 0, belief.centres, rng.random(len(values)))
    rows = _spread(_MOST_AT_ONCE, len(values), rng)
    rows[1::2] = belief.shaped(rows[1::2])
    return np.vstack([middle, rows])


def _spread(rows: int, columns: int, rng: np.random.Generator) -> Array:
    """Rows that fill the unit cube evenly: the additive sequence of Roberts (2018), shifted at random."""
    golden = 2.0
    for _ in range(30):  # the root of x^(d+1) = x + 1
        golden = (1.0 + golden) ** (1.0 / (columns + 1.0))
    steps = golden ** -np.arange(1.0, columns + 1.0)
    filled: Array = (rng.random(columns) + np.outer(np.arange(1.0, rows + 1.0), steps)) % 1.0
    return filled


def _most_informative(outputs: Array, most: int) -> npt.NDArray[np.intp]:
    """Which rows to keep when there are too many: half the best, half the latest."""
    rows = len(outputs)
    if rows <= most:
        return np.arange(rows)
    best = np.argsort(outputs, kind="stable")[: most // 2]
    rest = np.setdiff1d(np.arange(rows), best)
    return np.sort(np.concatenate([best, rest[-(most - len(best)) :]]))


def warp(outputs: Array) -> Array:
    """Outputs (to be minimised) with the worse half bent to the tail of a normal distribution, then zero mean and unit variance.

    Training that diverges gives values of any size; only that they are bad is useful. The better half keeps its
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
