"""One metric's curve, smoothed and brought together."""

import math
import random
import statistics

import pytest

from sm_tuning.analysis.fit.series import Series, jitter, not_a_number, scatter, smoothed


def test_the_noise_is_the_standard_deviation_about_a_bend() -> None:
    chance = random.Random(1)
    curve = [2.3 * math.exp(-0.05 * epoch) + chance.gauss(0, 0.02) for epoch in range(200)]
    assert jitter(curve) == pytest.approx(0.02, rel=0.25)
    assert jitter([2.3 * math.exp(-0.05 * epoch) for epoch in range(200)]) < 0.001
    assert jitter([1.0, 2.0, 1.0]) == 0  # too few values to tell a jump from a bend


def test_the_scatter_is_the_less_of_that_about_a_line_and_a_bend() -> None:
    chance = random.Random(2)
    line = [1.0 - 0.02 * epoch for epoch in range(30)]
    assert scatter(line) == pytest.approx(0, abs=1e-9)
    assert scatter([math.exp(-0.2 * epoch) for epoch in range(60)]) < 0.001
    assert scatter([value + chance.gauss(0, 0.05) for value in line]) == pytest.approx(0.05, rel=0.4)
    assert scatter([1.0, 5.0, 1.0]) == 0  # too few


def test_a_spike_does_not_move_the_smooth_curve() -> None:
    curve = [1.0] * 30
    curve[12] = 50.0
    assert smoothed(curve) == [1.0] * 30


def test_many_values_are_brought_together_and_the_best_keeps_its_index() -> None:
    curve = [abs(step - 6000) / 1000 for step in range(10_000)]
    series = Series.of("val_loss", curve, float)
    assert (len(series), len(series.errors)) == (10_000, 200)
    assert statistics.fmean(series.errors) == pytest.approx(statistics.fmean(curve))
    assert series.best_index == pytest.approx(6000, abs=60)
    assert series.best_share == pytest.approx(0.6, abs=0.01)


def test_curves_of_different_lengths_are_aligned_by_their_share() -> None:
    steps = Series.of("train_loss_step", [float(step) for step in range(600)], float)
    assert steps.at(0.5) == pytest.approx(300, abs=1)
    assert steps.smooth_at(0.5) == pytest.approx(300, abs=3)


@pytest.mark.parametrize(
    ("curve", "text"),
    [
        ([1.0, math.nan, 1.0, *[1.0] * 7], None),
        ([1.0, math.nan, math.inf], "loss is not a number from value 2 on"),
        ([1.0, math.nan, math.nan, 1.0], "loss is not a number in 2 of 4 values"),
    ],
)
def test_where_a_curve_is_not_a_number(curve: list[float], text: str | None) -> None:
    assert not_a_number("loss", curve) == text
