"""Strategies hold their own settings, and refuse those that cannot be."""

from collections.abc import Callable

import pytest

from sm_tuning import Bayesian, Grid, Hyperband, Random
from sm_tuning.errors import Invalid


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
