"""Recorded trainings as problems to minimise.

Between the points that were trained stands a model of them, fitted when it is first used (a few seconds each): the mean
of 60 extremely randomized trees, which are rough as trainings are, and of three small networks, which are smooth. Both learn the
logarithm of the loss; inputs are the units of numbers, where an integer's is that of its value, and one column a category. A value
that is observed has the noise of the nearest point that was trained with several seeds.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.neural_network import MLPRegressor

from benchmarks.problem import lowest_near
from benchmarks.trainings.curve_series import ALL
from benchmarks.trainings.data import Values
from local_emulator.domain.space import Categorical, Point, Space

RECORDS = Path(__file__).parent / "tables"
FITTED = Path(__file__).parents[1] / ".tables"
TREES, NETWORKS, HIDDEN = 60, 3, 24
LEAST = 2e-3  # added to a loss: an error may be zero
WORST = 3.0  # logarithms above the median, of losses that are bent to it: what diverged is as bad as it comes


def features(space: Space, points: Sequence[Point]) -> Values:
    """What the models see of points."""
    columns: list[Values] = []
    units = np.array([space.units(point) for point in points])
    for column, parameter in enumerate(space.parameters):
        if isinstance(parameter, Categorical):
            columns += [np.array([point[parameter.name] == value for point in points], dtype=float) for value in parameter.values]
        else:
            columns.append(units[:, column])
    return np.column_stack(columns)


@dataclass(frozen=True)
class Trees:
    """Trees as arrays: `left` and `right` are the nodes below a node, itself below a leaf."""

    roots: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    threshold: Values
    left: npt.NDArray[np.intp]
    right: npt.NDArray[np.intp]
    value: Values
    depth: int

    @classmethod
    def fit(cls, inputs: Values, outputs: Values) -> "Trees":
        """Trees with a row in each leaf."""
        forest = ExtraTreesRegressor(TREES, max_features=1.0, min_samples_leaf=2, random_state=0).fit(inputs, outputs)
        trees = [tree.tree_ for tree in forest.estimators_]
        counts = np.array([tree.node_count for tree in trees])
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])

        def below(name: str) -> npt.NDArray[np.intp]:
            parts = [getattr(tree, name) for tree in trees]
            own = [np.where(part < 0, np.arange(len(part)), part) + start for part, start in zip(parts, starts, strict=True)]
            return np.concatenate(own).astype(np.intp)

        return cls(
            starts,
            np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.intp),
            np.concatenate([tree.threshold for tree in trees]),
            below("children_left"),
            below("children_right"),
            np.concatenate([tree.value.ravel() for tree in trees]),
            max(tree.max_depth for tree in trees),
        )

    def __call__(self, rows: Values) -> Values:
        """The mean of the trees at each row."""
        nodes = np.repeat(self.roots[None, :], len(rows), axis=0)
        at = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            nodes = np.where(rows[at, self.column[nodes]] <= self.threshold[nodes], self.left[nodes], self.right[nodes])
        return np.asarray(self.value[nodes].mean(axis=1))


class Networks:
    """Small networks of two layers."""

    def __init__(self, weights: Sequence[Sequence[Values]]) -> None:
        self._weights = weights

    @classmethod
    def fit(cls, inputs: Values, outputs: Values) -> "Networks":
        """Networks that differ in their seeds."""
        weights = []
        for seed in range(NETWORKS):
            model = MLPRegressor(
                hidden_layer_sizes=(HIDDEN, HIDDEN),
                activation="tanh",
                alpha=0.02,
                solver="lbfgs",
                max_iter=150,
                random_state=seed,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it is ended before it has converged: that is what keeps it smooth
                model.fit(inputs * 2.0 - 1.0, outputs)
            weights.append([*model.coefs_, *model.intercepts_])
        return cls(weights)

    def __call__(self, rows: Values) -> Values:
        """The mean of the networks at each row."""
        total = np.zeros(len(rows))
        for first, second, third, shift, second_shift, third_shift in self._weights:
            total += (np.tanh(np.tanh((rows * 2.0 - 1.0) @ first + shift) @ second + second_shift) @ third + third_shift).ravel()
        return total / len(self._weights)


class Recorded:
    """Recorded trainings of a recipe."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.space = ALL[name].space
        with np.load(RECORDS / f"{name}.npz") as stored:
            rows, losses = stored["rows"].astype(float), stored["losses"].astype(float)
            repeated, again = stored["repeated"].astype(int), stored["again"].astype(float)
            self.curves = stored["curves"].astype(float)
        self.points = [self.space.at(row.tolist()) for row in rows]
        self.inputs = features(self.space, self.points)
        logs = np.log(losses + LEAST)
        self._ceiling = float(np.median(logs)) + WORST
        self.logs = np.minimum(logs, self._ceiling)
        several = np.minimum(np.log(np.column_stack([losses[repeated], again]) + LEAST), self._ceiling)
        self._doubled, self._noise = self.inputs[repeated], several.std(axis=1, ddof=1)

    @cached_property
    def _models(self) -> tuple[Trees, Networks]:
        return Trees.fit(self.inputs, self.logs), Networks.fit(self.inputs, self.logs)

    def mean(self, points: Sequence[Point]) -> Values:
        """The expected loss at each point."""
        rows = features(self.space, points)
        trees, networks = self._models
        low = float(self.logs.min())
        logs = np.clip(0.5 * trees(rows) + 0.5 * networks(rows), low, self._ceiling)
        return np.asarray(np.exp(logs) - LEAST)

    def value(self, point: Point) -> float:
        """The expected loss at a point."""
        return float(self.mean([point])[0])

    def lowest(self) -> float:
        """The lowest expected loss, looked for from the best trainings in ever smaller steps."""
        rows = np.array([self.space.units(self.points[index]) for index in np.argsort(self.logs)[:20]])
        return lowest_near(self.space, self.mean, rows, np.random.default_rng(0))

    def observed(self, point: Point, seed: int) -> float:
        """The loss of one training: equal points have equal losses for a seed."""
        row = features(self.space, [point])
        noise = float(self._noise[np.argmin(((self._doubled - row) ** 2).sum(axis=1))])
        word = hashlib.sha256(json.dumps([seed, sorted(point.items())]).encode()).digest()
        normal = np.random.default_rng(int.from_bytes(word[:8], "little")).normal()
        return float((self.value(point) + LEAST) * math.exp(noise * normal) - LEAST)
