"""Verdicts on planted learning curves."""

import math
import random
from collections.abc import Sequence

import pytest

from sm_tuning.analysis import Verdict, classify
from sm_tuning.analysis.curves import Curves
from tests.unit.sm_tuning.planted import (
    fall,
    good,
    little_data,
    losses,
    overfitting,
)

CASES: list[tuple[str, Verdict, Curves]] = []
for number in range(4):
    turn, slope, noise = 6 + 4 * number, 0.02 + 0.01 * number, 0.005 * number
    CASES.append((f"too many epochs {number}", Verdict.OVERFIT, losses(*overfitting(40, turn, slope), noise, number)))
    CASES.append((f"good {number}", Verdict.GOOD, losses(*good(30 + 10 * number, 0.2 + 0.1 * number), noise, number)))
    CASES.append((f"too little data {number}", Verdict.OVERFIT, losses(*little_data(25 + 5 * number), noise, number)))
    rate = 0.005 * (number + 1)
    slow = fall(20, 2.3, 0.2, rate)
    CASES.append(
        (f"too low a rate {number}", Verdict.IMPROVING, losses(slow, [value + 0.02 for value in slow], noise / 5, number))
    )
    short = fall(4 + number, 2.3, 0.2, 0.2)
    CASES.append((f"too few epochs {number}", Verdict.IMPROVING, losses(short, [value + 0.05 for value in short])))
    rising = [2.3 * (1.1 + 0.1 * number) ** epoch for epoch in range(15)]
    CASES.append((f"too high a rate, rising {number}", Verdict.DIVERGED, losses(rising, rising)))
    broken = [*fall(5 + number, 2.3, 0.5, 0.3), *[math.nan] * 5]
    CASES.append((f"not a number {number}", Verdict.DIVERGED, losses(broken, broken)))
    jumping = [0.8 + 0.5 * (-1) ** epoch + 0.05 * random.Random(number + epoch).random() for epoch in range(30)]
    CASES.append((f"noisy {number}", Verdict.NOISY, losses([1.5, *fall(29, 1.0, 0.6, 0.2)], jumping)))
accuracy = {
    "train:accuracy": [1 - loss / 2.5 for loss in overfitting()[0]],
    "validation:accuracy": [0.9 - loss / 3 for loss in overfitting()[1]],
}
CASES += [
    ("accuracies that turn", Verdict.OVERFIT, accuracy),
    ("accuracies that rise", Verdict.GOOD, {"train_acc": [1 - loss / 2.5 for loss in good()[0]],
                                            "val_acc": [1 - loss / 2.5 for loss in good()[1]]}),
    ("an explosion in the middle", Verdict.DIVERGED,
     losses([*fall(10, 2.3, 0.5, 0.3), *[8.0] * 10], [*fall(10, 2.3, 0.6, 0.3), *[9.0] * 10])),
    ("infinite", Verdict.DIVERGED, losses([2.3, 5.0, math.inf, math.inf], [2.3, 4.0, math.inf, math.inf])),
    ("no metrics", Verdict.UNKNOWN, {}),
    ("one value", Verdict.UNKNOWN, {"validation:loss": [0.3]}),
    ("validation only, level", Verdict.UNKNOWN, {"validation:loss": good()[1]}),
    ("validation only, falling", Verdict.IMPROVING, {"validation:loss": fall(10, 2.3, 0.2, 0.05)}),
]  # fmt: skip


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("name", "verdict", "curves"), CASES, ids=[case[0] for case in CASES])
def test_planted_curves(name: str, verdict: Verdict, curves: Curves) -> None:
    fit = classify(curves)
    assert fit.verdict is verdict, fit.reason
    assert fit.reason


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_called_overfit_that_is_not(seed: int) -> None:
    """Good fits of any length, floor and noise."""
    chance = random.Random(seed)
    train, held = good(chance.randint(15, 80), chance.uniform(0.1, 1.0))
    fit = classify(losses(train, held, chance.uniform(0, 0.03), seed))
    assert fit.verdict is not Verdict.OVERFIT, fit.reason


def test_the_evidence() -> None:
    fit = classify(losses(*overfitting(40, 10, 0.03)))
    assert fit.best_epoch is not None
    assert 8 <= fit.best_epoch <= 18
    assert fit.gap == pytest.approx(overfitting(40, 10, 0.03)[1][-1] - overfitting(40, 10, 0.03)[0][-1])
    assert str(fit.best_epoch) in fit.reason
    train, held = overfitting(40, 10, 0.03)
    last, best = [curve[-1] for curve in (train, held)], [curve[fit.best_epoch - 1] for curve in (train, held)]
    assert [fit.train_last, fit.validation_last] == pytest.approx(last)
    assert [fit.train_at_best, fit.validation_best] == pytest.approx(best)


def test_underfit_beside_others() -> None:
    curves = losses(fall(40, 2.3, 1.25, 0.4), [value + 0.02 for value in fall(40, 2.3, 1.25, 0.4)])
    assert classify(curves).verdict is Verdict.GOOD  # alone there is nothing to tell it by
    assert classify(curves, attainable={"validation:loss": 0.1}).verdict is Verdict.UNDERFIT
    quick = losses(fall(40, 0.34, 0.11, 0.4), [value + 0.01 for value in fall(40, 0.34, 0.11, 0.4)])
    assert classify(quick, attainable={"validation:loss": 0.02}).verdict is Verdict.UNDERFIT
    assert classify(quick, attainable={"validation:loss": 0.115}).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("train", "held_out", "reason"),
    [
        ([2.3], [2.4], "trained for 1 value only: train longer to get a verdict"),
        ([2.3, 2.2], [2.4, 2.3], "trained for 2 values only: train longer to get a verdict"),
        ([2.3], fall(20, 2.3, 0.1, 0.3), "train:loss has 1 value only: print it after each epoch"),
    ],
)
def test_too_few_values(train: Sequence[float], held_out: Sequence[float], reason: str) -> None:
    fit = classify(losses(train, held_out))
    assert (fit.verdict, fit.reason) == (Verdict.UNKNOWN, reason)
