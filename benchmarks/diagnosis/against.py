"""Advice on a planted tuning job held against its truth.

Only what is clearly against it counts: the loss that is given away must be more than 15 % of what there is to gain, and more than the
noise of a seed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.diagnosis.axes import Role
from benchmarks.diagnosis.planted import Array, Surface
from benchmarks.diagnosis.played import Training, unit_rows
from sm_tuning.analysis import Advice

_UP = {
    "HIGHER_RATE": Role.RATE,
    "MORE_REGULARIZATION": Role.PENALTY,
    "MORE_EPOCHS": Role.EPOCHS,
    "LARGER_MODEL": Role.SIZE,
    "LARGER_BATCH": Role.BATCH,
}
_DOWN = {
    "LOWER_RATE": Role.RATE,
    "LESS_REGULARIZATION": Role.PENALTY,
    "FEWER_EPOCHS": Role.EPOCHS,
    "STOP_EARLIER": Role.EPOCHS,
    "SMALLER_MODEL": Role.SIZE,
    "SMALLER_BATCH": Role.BATCH,
}
_LEAVE = re.compile(r"leave (\S+) at (\S+)")
_STEPS = np.arange(0.05, 0.55, 0.05)
_CLEAR = 0.15


def contradictions(surface: Surface, trainings: Sequence[Training], plan: Sequence[Advice]) -> list[str]:
    """What of a plan is against the planted truth, or against itself; each as `kind: explanation`."""
    return [*Judge(surface, trainings).of(plan)]


class Judge:
    """Judges the advice on one tuning job."""

    def __init__(self, surface: Surface, trainings: Sequence[Training]) -> None:
        self._surface = surface
        self._margin = max(_CLEAR * surface.scale, surface.noise)
        self._names = [axis.name for axis in surface.axes]
        better = max if surface.form == "accuracy" else min
        sound = [training for training in trainings if training.objective is not None]
        best = better(sound, key=lambda training: training.objective or 0.0) if sound else None
        self._best = unit_rows(surface, [best.point])[0] if best else None
        self._trainings = trainings

    def of(self, plan: Sequence[Advice]) -> Iterator[str]:
        """Contradictions of a plan."""
        ways: dict[str, set[str]] = {name: set() for name in self._names}
        box: dict[str, tuple[float, float]] = {}
        for advice in plan:
            for name, way in self.ways(advice):
                ways[name].add(way)
                yield from self._direction(advice, name, way)
            for name, ends in advice.ranges.items():
                if name in box:
                    yield f"two ranges: {name}"
                box[name] = ends
                yield from self._range(name, ends)
            for name, kept in advice.values.items():
                yield from self._values(name, kept)
        yield from (f"opposite: {name} {' and '.join(sorted(seen))}" for name, seen in ways.items() if len(seen) > 1)
        if box:
            yield from self._together(box)

    def ways(self, advice: Advice) -> Iterator[tuple[str, str]]:
        """Which hyperparameters an advice would move `up` or `down`, or `leave`."""
        kind, name = advice.kind.name, advice.hyperparameter
        if kind == "LEAVE" and name is not None:
            yield name, "leave"
        elif name is not None and advice.toward is not None and kind in {*_UP, *_DOWN, "WIDEN_RANGE"}:
            yield name, "up" if advice.toward == "high" else "down"
        elif name is None:
            for way, roles in (("up", _UP), ("down", _DOWN)):
                role = roles.get(kind)
                yield from ((axis.name, way) for axis in self._surface.axes if axis.role is role)

    # --- one hyperparameter -----------------------------------------------------------------------------------------------------

    def _direction(self, advice: Advice, name: str, way: str) -> Iterator[str]:
        index = self._names.index(name)
        if way == "leave":
            yield from self._left(advice, index)
        elif self._best is not None and self.clearly(index, way) == "wrong":
            yield f"wrong way: {advice.kind.value}: {name} {way}"

    def clearly(self, index: int, way: str) -> str:
        """Whether moving a hyperparameter from its best setting so far is `right` or `wrong`, or neither."""
        if self._best is None:
            return "neither"
        here = float(self._best[index])
        up, down = here + _STEPS, here - _STEPS
        gains = []
        for curve in (self._conditional, self._surface.profile):
            loss = float(curve(index, np.array([here]))[0])
            gains.append((loss - float(curve(index, up).min()), loss - float(curve(index, down).min())))
        forwards = [pair[0 if way == "up" else 1] for pair in gains]
        backwards = [pair[1 if way == "up" else 0] for pair in gains]
        if min(backwards) > self._margin and max(forwards) < self._margin / 5:
            return "wrong"
        return "right" if min(forwards) > self._margin / 2 else "neither"

    def _conditional(self, index: int, units: Array) -> Array:
        points = np.repeat(np.asarray(self._best)[None], len(units), axis=0)
        points[:, index] = units
        return self._surface.loss(points)

    def _left(self, advice: Advice, index: int) -> Iterator[str]:
        axis = self._surface.axes[index]
        match = _LEAVE.search(advice.remedy)
        text = match[2].rstrip(",.;") if match else ""
        try:
            unit = axis.unit_of(text)
        except ValueError:
            return
        given_away = float(self._surface.profile(index, np.array([unit]))[0]) - self._surface.best_loss
        if given_away > self._margin and self._surface.total_effects[axis.name] > 0.1:
            yield f"leave: {axis.name} at {text} gives {given_away / self._surface.scale:.0%} of the gain away"

    def _range(self, name: str, ends: tuple[float, float]) -> Iterator[str]:
        index = self._names.index(name)
        axis = self._surface.axes[index]
        low, high = (axis.unit(end) for end in ends)
        given_away = float(self._surface.profile(index, np.linspace(low, high, 31)).min()) - self._surface.best_loss
        if given_away > self._margin:
            yield f"range: {name} {ends[0]:g} to {ends[1]:g} gives {given_away / self._surface.scale:.0%} of the gain away"
        dead = [float(training.point[name]) for training in self._trainings if training.dead]
        if axis.role is Role.RATE and len(dead) > 1 and ends[1] > min(dead) * 1.0001:
            yield f"cliff: {name} up to {ends[1]:g}, where {min(dead):g} was dead"

    def _values(self, name: str, kept: Sequence[str]) -> Iterator[str]:
        index = self._names.index(name)
        units = np.array([self._surface.axes[index].unit_of(str(text)) for text in kept])
        given_away = float(self._surface.profile(index, units).min()) - self._surface.best_loss
        if given_away > self._margin:
            yield f"values: {name} only {', '.join(map(str, kept))} gives {given_away / self._surface.scale:.0%} of the gain away"

    # --- the plan as a whole ----------------------------------------------------------------------------------------------------

    def _together(self, box: Mapping[str, tuple[float, float]]) -> Iterator[str]:
        low, high = np.zeros(len(self._names)), np.ones(len(self._names))
        for name, ends in box.items():
            index = self._names.index(name)
            low[index], high[index] = (self._surface.axes[index].unit(end) for end in ends)
        rng = np.random.default_rng(0)
        points = low + (high - low) * rng.random((1024, len(low)))
        near = np.clip(self._surface.optimum + rng.normal(0.0, 0.05, (256, len(low))), low, high)
        points = np.vstack([np.clip(self._surface.optimum, low, high), near, points])
        given_away = float(self._surface.loss(points).min()) - self._surface.best_loss
        if given_away > self._margin and len(box) > 1:
            yield f"together: the ranges give {given_away / self._surface.scale:.0%} of the gain away"
