"""Strategies hold their own settings, and refuse those that cannot be."""

from collections.abc import Callable

import pytest

from sm_tuning import Bayesian, Grid, Hyperband, Random
from sm_tuning.errors import Invalid
from sm_tuning.spec.strategies import Strategy, strategy_of


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Random(seed=-1), "seed is -1; it must not be negative"),
        (lambda: Bayesian(seed=-5), "seed is -5"),
        (lambda: Hyperband(min_resource=0), "min_resource is 0; it must be at least 1"),
        (lambda: Hyperband(min_resource=3, max_resource=2), "max_resource is 2; it must not be less than min_resource, 3"),
        (lambda: Grid(early_stopping="yes"), "early_stopping is 'yes'"),  # type: ignore[arg-type] # what is refused
        (lambda: Random(seed=1.5), "seed is 1.5"),  # type: ignore[arg-type] # what is refused
    ],
)
def test_what_cannot_be(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(Invalid, match=rule):
        make()


def test_what_can_be() -> None:
    assert Random(seed=0) == Random(seed=0, early_stopping=False)
    assert Hyperband(min_resource=2, max_resource=2).max_resource == 2


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("Grid", Grid(early_stopping=True)),
        ("Random", Random(seed=4, early_stopping=True)),
        ("Bayesian", Bayesian(seed=4, early_stopping=True)),
        ("Hyperband", Hyperband(min_resource=1, max_resource=9, seed=4)),
    ],
)
def test_a_strategy_of_a_name_takes_the_settings_that_it_has(name: str, strategy: Strategy) -> None:
    assert strategy_of(name, seed=4, early_stopping=True, min_resource=None, max_resource=9) == strategy


def test_a_strategy_of_no_name_is_refused() -> None:
    with pytest.raises(Invalid, match="strategy is 'Genetic'; it must be one of Grid, Random, Bayesian, Hyperband"):
        strategy_of("Genetic")
