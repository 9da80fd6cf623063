"""Families of planted surfaces: what is strong, where it is best, what depends on what."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.diagnosis.axes import Axis, Role, drawn
from benchmarks.diagnosis.planted import Death, Interaction, Main, Surface

DEVELOPMENT = (
    *("single", "pair", "many", "edge", "inside", "cliff", "bad_category", "numeric_category", "product", "xor", "training"),
    "noise",
)
HELD_OUT = (*DEVELOPMENT, "ridge", "shift", "steps")  # the last three are never seen while the rules are written
_LEVELS = (0.03, 0.1, 0.25, 0.5)  # of the living points' standard deviation
_SHAPES = ("bowl", "cone", "plateau")


def surface(family: str, seed: int) -> Surface:
    """The surface of a family and a seed."""
    rng = np.random.default_rng([seed, *family.encode()])
    axes = drawn(rng, _roles(family, rng))
    weights = _weights(family, len(axes), rng)
    form = str(rng.choice(["loss", "loss", "accuracy", "error", "rmse"]))
    chance = 1.0 if form == "rmse" else math.log(int(rng.choice([3, 5, 10])))
    least = chance * rng.uniform(0.06, 0.25)
    size = (chance - least) * rng.uniform(0.08, 0.2)  # the standard deviation of everything together
    cliff = float(rng.uniform(0.5, 0.85)) if family == "cliff" or (family == "training" and rng.random() < 0.6) else None
    mains = [_main(family, axes, index, weight, cliff, rng) for index, weight in enumerate(weights) if weight > 0]
    kinds = {"product": "product", "xor": "xor", "ridge": "ridge", "shift": "shift"}
    interactions = [Interaction(axes=(0, 1), kind=kinds[family], weight=1.0)] if family in kinds else []
    if family == "training" and axes[1].role is Role.BATCH:
        interactions = [Interaction(axes=(0, 1), kind="ridge", weight=float(rng.uniform(0.2, 0.6)))]
    total = math.sqrt(sum(main.weight**2 for main in mains) + sum(term.weight**2 for term in interactions)) or 1.0
    return Surface(
        family=family,
        seed=seed,
        axes=axes,
        mains=[replace(main, weight=main.weight * size / total) for main in mains],
        interactions=[replace(term, weight=term.weight * size / total) for term in interactions],
        least=least,
        chance=chance,
        level=float(rng.choice(_LEVELS)),
        cliff=cliff,
        death=Death(str(rng.choice(list(Death)))),
        form=form,
    )


def _roles(family: str, rng: np.random.Generator) -> list[Role]:
    """The roles of the hyperparameters; the first is the one that is meant to be strongest."""
    count = int(rng.integers(2, 7))
    numeric = [Role.RATE, Role.EPOCHS, Role.PENALTY, Role.SIZE, Role.OTHER]
    first: list[Role] = {
        "cliff": [Role.RATE],
        "training": [Role.RATE, Role.BATCH if rng.random() < 0.5 else Role.PENALTY, Role.EPOCHS],
        "bad_category": [Role.CATEGORY],
        "numeric_category": [Role.BATCH],
        "ridge": [Role.RATE, Role.BATCH],
        "shift": [Role.RATE, Role.CATEGORY],
    }.get(family, [numeric[int(rng.integers(len(numeric)))]])
    pool = [role for role in (*numeric, Role.BATCH, Role.CATEGORY, Role.OTHER) if role is Role.OTHER or role not in first]
    rest = [pool[index] for index in rng.permutation(len(pool))]
    return [*first, *rest][: max(count, len(first), 2)]


def _weights(family: str, count: int, rng: np.random.Generator) -> list[float]:
    """The sizes of the main effects; about a third of the weak ones do nothing at all."""
    small = [0.0 if rng.random() < 0.35 else float(rng.uniform(0.05, 0.25)) for _ in range(count)]
    alone = rng.random() < 0.5
    heads = {
        "xor": [0.0, 0.0],
        "ridge": [0.0, 0.0],
        "product": [1.0 if alone else 0.0, 0.0],
        "shift": [0.0, 0.3],
        "pair": [1.0, float(rng.uniform(0.4, 0.7))],
        "many": [float(weight) for weight in rng.uniform(0.5, 0.8) ** np.arange(count)],
        "noise": [0.0] * count,
    }
    head = heads["many" if family == "training" else family] if family in {*heads, "training"} else [1.0]
    return [*head, *small[len(head) :]]


def _main(family: str, axes: Sequence[Axis], index: int, weight: float, cliff: float | None, rng: np.random.Generator) -> Main:
    axis = axes[index]
    if axis.role is Role.CATEGORY:
        levels = rng.uniform(0.0, 0.15, len(axis.values))
        levels[int(rng.integers(len(levels)))] += 1.0
        return Main(axis=index, shape="", centre=0.0, weight=weight, levels=tuple(float(level) for level in levels))
    shape = "step" if family == "steps" else str(rng.choice(_SHAPES))
    at_edge = {"edge": index == 0, "inside": False}.get(family, rng.random() < 0.35)
    if at_edge and shape == "plateau":
        shape = "cone"
    beyond = float(rng.uniform(0.03, 0.35))
    centre = (1.0 + beyond if rng.random() < 0.5 else -beyond) if at_edge else float(rng.uniform(0.25, 0.75))
    if axis.role is Role.RATE and cliff is not None:
        centre = cliff - float(rng.uniform(0.08, 0.35))
    return Main(axis=index, shape=shape, centre=centre, weight=weight)
