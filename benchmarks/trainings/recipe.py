"""How the space of a recorded training is written down."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.trainings.losses import Curve
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space


@dataclass(frozen=True)
class Recipe:
    """What is tuned, and how it is trained."""

    space: Space
    train: Callable[[int, Point], Curve]
    trainings: int = 600


def log(name: str, low: float, high: float) -> Parameter:
    """A number, in logarithms."""
    return Continuous(name=name, low=low, high=high, scaling=Scaling.LOGARITHMIC)


def line(name: str, low: float, high: float) -> Parameter:
    """A number."""
    return Continuous(name=name, low=low, high=high, scaling=Scaling.LINEAR)


def whole(name: str, low: int, high: int, scaling: Scaling = Scaling.LINEAR) -> Parameter:
    """An integer."""
    return Integer(name=name, low=low, high=high, scaling=scaling)


def count(name: str, low: int, high: int) -> Parameter:
    """An integer, in logarithms."""
    return whole(name, low, high, Scaling.LOGARITHMIC)


def choice(name: str, *values: str) -> Parameter:
    """A category."""
    return Categorical(name=name, values=values)


def recipe(train: Callable[[int, Point], Curve], *parameters: Parameter, trainings: int = 600) -> tuple[str, Recipe]:
    """A recipe and its name, which is its function's."""
    kinds = (Categorical, Integer, Continuous)
    space = Space(parameters=tuple(sorted(parameters, key=lambda parameter: kinds.index(type(parameter)))))
    return train.__name__, Recipe(space, train, trainings)
