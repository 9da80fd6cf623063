"""How two versions of a search are compared."""

import numpy as np
import pytest

from benchmarks.paired import SMALL, compare, sampler_of


def test_the_interval_is_of_problems_not_of_seeds_alone() -> None:
    """Better on half of the problems and worse on the others, always by the same: no number of seeds makes that sure."""
    before = np.full((8, 50), 0.2)
    after = before * np.where(np.arange(8) % 2, 0.5, 1.5)[:, None]
    comparison = compare(before, after)
    assert comparison.ratio == pytest.approx(1.0)
    assert comparison.ratio_interval[0] < 0.8
    assert comparison.ratio_interval[1] > 1.2
    assert comparison.better == pytest.approx(0.5)


def test_what_is_better_everywhere_is_sure_to_be() -> None:
    before = np.linspace(0.1, 0.9, 80).reshape(8, 10)
    comparison = compare(before, 0.7 * before)
    assert comparison.ratio == pytest.approx(0.7)
    assert comparison.ratio_interval == pytest.approx((0.7, 0.7))
    assert comparison.better == 1.0


def test_no_regret_beside_none_is_neither_better_nor_worse() -> None:
    """A problem that both versions solve has a ratio of 1, and a small regret beside none counts little."""
    before, after = np.array([[0.0, 0.0], [0.4, 0.4]]), np.array([[0.0, 0.0], [0.1, 0.1]])
    comparison = compare(before, after)
    assert comparison.better == pytest.approx(0.75)
    assert comparison.typical_ratio == pytest.approx(((0.1 + SMALL) / (0.4 + SMALL)) ** 0.5)


def test_a_peer_may_stand_for_a_version() -> None:
    assert sampler_of("Ax") == "Ax"
    assert sampler_of(None) == "Bayesian"
