"""How far an objective may lie off by noise, in its own unit."""

import math
import random

import pytest

from sm_tuning.analysis.fit import margin
from sm_tuning.spec.metrics import Objective


def noisy(level: float, spread: float) -> list[float]:
    """A loss that has levelled off, with noise of that standard deviation."""
    chance = random.Random(1)
    return [level + chance.gauss(0, spread) for _ in range(60)]


def test_of_a_loss_it_is_two_and_a_half_times_its_jitter() -> None:
    objective = Objective.minimize("validation:rmse")
    assert margin({"validation:rmse": noisy(3.0, 0.02)}, objective) == pytest.approx(0.05, rel=0.4)


def test_of_a_share_it_is_at_least_that_of_its_rows() -> None:
    objective = Objective.maximize("validation:accuracy")
    shares = [round(hits / 200, 3) for hits in (121, 149, 166, 173, 177, 179, 180, 180, 180, 180)]
    expected = 1.5 * math.sqrt(0.9 * 0.1 / 200)
    assert margin({"validation:accuracy": shares}, objective) == pytest.approx(expected, rel=0.02)
    per_cent = [100 * share for share in shares]
    assert margin({"validation:accuracy": per_cent}, objective) == pytest.approx(100 * expected, rel=0.02)


def test_of_a_perplexity_it_is_not_that_of_its_logarithm() -> None:
    objective = Objective.minimize("validation:perplexity")
    assert margin({"validation:perplexity": noisy(200.0, 4.0)}, objective) == pytest.approx(10, rel=0.4)


@pytest.mark.parametrize("values", [[], [0.3, 0.2, 0.1], [1.0, math.nan, math.nan]])
def test_few_values_do_not_show_it(values: list[float]) -> None:
    assert margin({"validation:rmse": values}, Objective.minimize("validation:rmse")) is None
