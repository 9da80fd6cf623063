"""How the ranges are searched. Each strategy holds its own settings, so an illegal pair has no spelling."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import get_args

from sm_tuning.errors import Invalid
from sm_tuning.spec.request import given
from sm_tuning.spec.value_types import require


def _check(strategy: "Random | Bayesian | Hyperband") -> None:
    require(strategy)
    if strategy.seed is not None and strategy.seed < 0:
        raise Invalid(f"seed is {strategy.seed}; it must not be negative")


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every combination of categorical values, each once. All ranges must be `Categorical`.

    Args:
        early_stopping: Whether training jobs that are worse than the median of the others at the same epoch are stopped.
    """

    early_stopping: bool = False

    def __post_init__(self) -> None:
        require(self)


@dataclass(frozen=True, kw_only=True)
class Random:
    """Independent draws; any number of training jobs may run in parallel without loss.

    Args:
        seed: 0 or more: the same seed, the same draws. None for a new one each time.
        early_stopping: Whether training jobs that are worse than the median of the others at the same epoch are stopped.
    """

    seed: int | None = None
    early_stopping: bool = False

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class Bayesian:
    """Learns from every finished training job what to try next; the fewer run in parallel, the better.

    Args:
        seed: 0 or more: the same seed, the same draws. None for a new one each time.
        early_stopping: Whether training jobs that are worse than the median of the others at the same epoch are stopped.
    """

    seed: int | None = None
    early_stopping: bool = False

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class Hyperband:
    """Random draws, of which the poor are stopped early (Li et al. 2018). A resource is an epoch: a value of the objective printed.

    Args:
        max_resource: Epochs of a training job that is not stopped; None for what the static hyperparameter `epochs` says.
        min_resource: Epochs that every training job gets before it may be stopped.
        seed: 0 or more: the same seed, the same draws. None for a new one each time.

    Raises:
        Invalid: `min_resource` is below 1, or above `max_resource`.
    """

    max_resource: int | None = None
    min_resource: int = 1
    seed: int | None = None

    def __post_init__(self) -> None:
        _check(self)
        if self.min_resource < 1:
            raise Invalid(f"min_resource is {self.min_resource}; it must be at least 1")
        if self.max_resource is not None and self.max_resource < self.min_resource:
            raise Invalid(f"max_resource is {self.max_resource}; it must not be less than min_resource, {self.min_resource}")


Strategy = Grid | Random | Bayesian | Hyperband
STRATEGIES: Mapping[str, type[Strategy]] = {kind.__name__: kind for kind in get_args(Strategy)}
"""The strategies by their names, which are AWS's."""


def strategy_of(name: str, **settings: int | None) -> Strategy:
    """The strategy of a name with those of the settings that it has, None for a setting's default; raises Invalid."""
    if name not in STRATEGIES:
        raise Invalid(f"strategy is {name!r}; it must be one of {', '.join(STRATEGIES)}")
    kind = STRATEGIES[name]
    own = {field.name for field in fields(kind)}
    return kind(**{setting: value for setting, value in given(**settings).items() if setting in own})
