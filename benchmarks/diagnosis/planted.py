"""Response surfaces of trainings whose truth is known, because it was planted: what each hyperparameter does to the loss.

A surface is a sum of contributions over the unit cube of the ranges, each at least 0, on top of a least loss: main effects (bowls,
slopes, plateaus, levels of categories) and interactions. Above a cliff of the learning rate training is dead. Whatever is called true
here (the strongest hyperparameter, the optimum, edges) is computed from the surface without its noise.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from benchmarks.diagnosis.axes import Axis, Role

Array = npt.NDArray[np.float64]
_SAMPLES = 512  # rows of the base design of total effects
_GRID = np.linspace(0.0, 1.0, 41)


class Death(StrEnum):
    """What becomes of a training beyond the cliff."""

    NAN = "nan"
    FAILED = "failed"
    DEAD = "dead"
    WILD = "wild"


@dataclass(frozen=True, kw_only=True)
class Main:
    """The effect of one hyperparameter by itself; `weight` is its standard deviation over the range.

    Attributes:
        centre: Where it is best, in units of the range; it may lie outside of it.
        levels: The effect of each category, for a categorical hyperparameter.
    """

    axis: int
    shape: str
    centre: float
    weight: float
    levels: tuple[float, ...] = ()

    def value(self, units: Array) -> Array:
        """The contribution at points (rows): at least 0 within the range, less where it is better beyond."""
        least, deviation = self._within
        return np.asarray((self._raw(units[:, self.axis]) - least) * self.weight / deviation)

    @cached_property
    def _within(self) -> tuple[float, float]:
        """The least raw value within the range, and the deviation."""
        values = self._raw(np.linspace(0.0, 1.0, 201) if not self.levels else cells(len(self.levels)))
        return float(values.min()), float(values.std()) or 1.0

    def _raw(self, unit: Array) -> Array:
        if self.levels:
            levels: Array = np.array(self.levels)[np.clip((unit * len(self.levels)).astype(int), 0, len(self.levels) - 1)]
            return levels
        distance = np.abs(unit - self.centre)
        shapes: Mapping[str, Callable[[Array], Array]] = {
            "bowl": lambda far: far**2,
            "cone": lambda far: far,
            "plateau": lambda far: 1.0 - np.exp(-((far / 0.3) ** 2)),
            "step": lambda far: 1.0 / (1.0 + np.exp(-(far - 0.35) / 0.03)),
        }
        return shapes[self.shape](distance)


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """What two hyperparameters do together; on the average over the other each does nothing (`ridge` and `shift`: little)."""

    axes: tuple[int, int]
    kind: str
    weight: float

    def value(self, units: Array) -> Array:
        """The contribution at points (rows), at least 0 within the ranges."""
        least, deviation = self._within
        return np.asarray((self._raw(units[:, self.axes[0]], units[:, self.axes[1]]) - least) * self.weight / deviation)

    @cached_property
    def _within(self) -> tuple[float, float]:
        """The least raw value within the ranges, and the deviation."""
        first, second = np.meshgrid(np.linspace(0.02, 0.98, 25), np.linspace(0.02, 0.98, 25))
        values = self._raw(first, second)
        return float(values.min()), float(values.std())

    def _raw(self, first: Array, second: Array) -> Array:
        if self.kind == "xor":
            return np.asarray(np.where((first > 0.5) == (second > 0.5), 1.0, 0.0))
        if self.kind == "product":
            return (np.clip(first, 0.0, 1.0) - 0.5) * (np.clip(second, 0.0, 1.0) - 0.5)
        if self.kind == "ridge":  # the larger the batch, the higher the best learning rate
            return (first - 0.25 - 0.5 * second) ** 2
        return (first - np.where(second < 0.5, 0.25, 0.65)) ** 2  # `shift`: the best rate depends on the optimizer


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A planted training.

    Attributes:
        least: The loss at the optimum.
        chance: The loss of a network that has learnt nothing.
        noise: Standard deviation of the loss between seeds.
        cliff: Unit of the learning rate above which training is dead.
        form: What is printed and tuned: `loss`, `accuracy`, `error` or `rmse`.
    """

    family: str
    seed: int
    axes: Sequence[Axis]
    mains: Sequence[Main]
    interactions: Sequence[Interaction]
    least: float
    chance: float
    level: float
    cliff: float | None = None
    death: Death = Death.DEAD
    form: str = "loss"

    @property
    def terms(self) -> Sequence[Main | Interaction]:
        """Everything that is added to the least loss."""
        return [*self.mains, *self.interactions]

    # --- the loss ---------------------------------------------------------------------------------------------------------------

    def alive(self, units: Array) -> npt.NDArray[np.bool_]:
        """Whether training survives at points (rows)."""
        rate = self.rate
        return np.ones(len(units), bool) if self.cliff is None or rate is None else np.asarray(units[:, rate] <= self.cliff)

    @cached_property
    def rate(self) -> int | None:
        """The axis of the learning rate."""
        return next((index for index, axis in enumerate(self.axes) if axis.role is Role.RATE), None)

    def loss(self, units: Array, *, cliff: bool = True) -> Array:
        """The loss without noise at points (rows); dead trainings stay at chance."""
        loss = np.full(len(units), self.least)
        for term in self.terms:
            loss += term.value(units)
        loss = np.minimum(loss, 0.97 * self.chance)
        return np.where(self.alive(units), loss, self.chance) if cliff else loss

    def objective(self, loss: Array) -> Array:
        """What is printed for a loss."""
        share = np.exp(-loss)
        return {"accuracy": share, "error": 1 - share}.get(self.form, loss)

    @cached_property
    def _sample(self) -> Array:
        return np.random.default_rng([self.seed, 7]).random((4096, len(self.axes)))

    @cached_property
    def scale(self) -> float:
        """The typical loss of a living training above the best: the size of what can be gained."""
        loss = self.loss(self._sample, cliff=False)[self.alive(self._sample)]
        return float(np.median(loss) - self.best_loss)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of the loss between seeds: `level` times that between living points; alone where nothing matters."""
        living = self.loss(self._sample, cliff=False)[self.alive(self._sample)]
        return self.level * float(living.std()) if living.std() > 1e-9 else 0.1 * (self.chance - self.least)

    # --- truths -----------------------------------------------------------------------------------------------------------------

    def totals(self, *, cliff: bool = True) -> Mapping[str, float]:
        """Sobol's total effect of each hyperparameter on the objective: the share of its variance left where all others are known.

        Saltelli's design on a Sobol sequence, and Jansen's estimator.
        """
        first, second = np.split(qmc.Sobol(2 * len(self.axes), rng=self.seed).random(_SAMPLES), 2, axis=1)
        base = self.objective(self.loss(first, cliff=cliff))
        variance = float(self.objective(self.loss(second, cliff=cliff)).var() + base.var()) / 2
        totals = {}
        for index, axis in enumerate(self.axes):
            mixed = first.copy()
            mixed[:, index] = second[:, index]
            change = self.objective(self.loss(mixed, cliff=cliff)) - base
            totals[axis.name] = float(np.mean(change**2)) / 2 / variance if variance > 1e-12 else 0.0
        return totals

    @cached_property
    def total_effects(self) -> Mapping[str, float]:
        """Total effects with dead trainings at chance."""
        return self.totals()

    @cached_property
    def strongest(self) -> frozenset[str]:
        """The strongest hyperparameters: those within 15 % of the largest total effect, with dead trainings counted or without."""
        both = [self.total_effects, *([self.totals(cliff=False)] if self.cliff is not None else [])]
        return frozenset(
            name for totals in both for name, value in totals.items() if value > 0 and value >= 0.85 * max(totals.values())
        )

    @cached_property
    def dominance(self) -> float:
        """How many times as strong as the next the strongest are."""
        rest = [value for name, value in self.total_effects.items() if name not in self.strongest]
        least = min((self.total_effects[name] for name in self.strongest), default=0.0)
        return least / max(*rest, 1e-9) if rest else math.inf

    @cached_property
    def optimum(self) -> Array:
        """The best living point within the ranges."""
        rng = np.random.default_rng([self.seed, 9])
        loss = np.where(self.alive(self._sample), self.loss(self._sample), np.inf)
        point: Array = self._sample[int(loss.argmin())]
        for width in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005):
            moved = np.clip(point + rng.normal(0.0, width, (128, len(point))) * (rng.random((128, len(point))) < 0.5), 0.0, 1.0)
            moved = np.vstack([point, moved])
            point = moved[int(np.where(self.alive(moved), self.loss(moved), np.inf).argmin())]
        return point

    @cached_property
    def best_loss(self) -> float:
        """The loss at the optimum."""
        return float(self.loss(self.optimum[None])[0])

    @cached_property
    def _others(self) -> Array:
        """Points near which the optimum lies, whatever one hyperparameter is set to."""
        loss = np.where(self.alive(self._sample), self.loss(self._sample, cliff=False), np.inf)
        return np.vstack([self.optimum, self._sample[np.argsort(loss)[:64]], self._sample[:64]])

    def profile(self, axis: int, units: Array) -> Array:
        """The least loss for each setting of one hyperparameter, the others at their best for it."""
        points = np.repeat(self._others[None], len(units), axis=0)
        points[:, :, axis] = units[:, None]
        loss = self.loss(points.reshape(-1, len(self.axes)))
        return np.asarray(loss.reshape(len(units), -1).min(axis=1))

    def marginal(self, axis: int, units: Array) -> Array:
        """The mean loss of living trainings for each setting of one hyperparameter, the others anywhere."""
        points = np.repeat(self._sample[None, :512], len(units), axis=0)
        points[:, :, axis] = units[:, None]
        return np.asarray(self.loss(points.reshape(-1, len(self.axes)), cliff=False).reshape(len(units), -1).mean(axis=1))

    @cached_property
    def edges(self) -> Mapping[str, str | None]:
        """Of numeric hyperparameters the end of the range at which they are best; None for one that is best inside, or does nothing.

        One whose best setting depends on another, so that its mean curve and its best curve differ, is left out.
        """
        edges: dict[str, str | None] = {}
        variance = float(self.loss(self._sample, cliff=False).var())
        for index, axis in enumerate(self.axes):
            if not axis.numeric:
                continue
            if self.total_effects[axis.name] < 0.005:
                edges[axis.name] = None
                continue
            inside, beyond = cells(len(axis.values)) if axis.values else _GRID, np.array([-0.15, 1.15])
            profile, marginal = self.profile(index, inside), self.marginal(index, inside)
            best = int(profile.argmin())
            by_itself = float(marginal.var()) > 0.3 * variance * self.total_effects[axis.name]
            if by_itself and abs(float(inside[best] - inside[int(marginal.argmin())])) < 0.2:
                outside = self.profile(index, beyond)
                low, high = best == 0 and outside[0] <= profile[0], best == len(inside) - 1 and outside[1] <= profile[-1]
                edges[axis.name] = "low" if low else "high" if high else None
        return edges

    def best_at(self, name: str) -> float:
        """The unit at which a numeric hyperparameter is best."""
        index = next(index for index, axis in enumerate(self.axes) if axis.name == name)
        return float(_GRID[int(self.profile(index, _GRID).argmin())])

    @cached_property
    def bad_categories(self) -> Mapping[str, frozenset[str]]:
        """Categories that cost more than half of what separates the worst from the best, of hyperparameters that matter."""
        bad = {}
        whole = sum(term.weight**2 for term in self.terms)
        for main in self.mains:
            axis = self.axes[main.axis]
            if main.levels and main.weight**2 > 0.2 * whole:
                half = (min(main.levels) + max(main.levels)) / 2
                bad[axis.name] = frozenset(text for text, level in zip(axis.values, main.levels, strict=True) if level > half)
        return bad

    @property
    def cliff_value(self) -> float | None:
        """The learning rate above which training is dead."""
        return None if self.cliff is None or self.rate is None else float(self.axes[self.rate].parameter.at(self.cliff))


def cells(count: int) -> Array:
    """The middles of the cells that categories have in the unit range."""
    return (np.arange(count) + 0.5) / count
