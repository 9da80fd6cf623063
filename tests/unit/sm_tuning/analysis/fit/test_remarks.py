"""What must be known beside a verdict."""

import random

from sm_tuning.analysis import Verdict, classify
from sm_tuning.analysis.fit import Cause
from sm_tuning.spec.metrics import Objective
from tests.unit.sm_tuning.planted import fall

ACCURACY = Objective.maximize("validation:accuracy")


def accuracies(train: list[float], held_out: list[float]) -> dict[str, list[float]]:
    return {"train:accuracy": train, "validation:accuracy": held_out}


def rise(start: float, end: float, epochs: int = 20) -> list[float]:
    return [1 - error for error in fall(epochs, 1 - start, 1 - end, 0.5)]


def test_few_validation_rows_are_said() -> None:
    chance = random.Random(2)
    held_out = [round((0.8 + 0.05 * chance.gauss(0, 1)) * 37) / 37 for _ in range(20)]
    fit = classify(accuracies(rise(0.6, 0.85), held_out), ACCURACY)
    assert Cause.FEW_VALIDATION_ROWS in fit.causes
    assert any("1/37" in remark.text for remark in fit.remarks)


def test_a_leak_is_suspected_where_validation_is_far_better() -> None:
    fit = classify(accuracies(rise(0.4, 0.75), rise(0.6, 0.99)), ACCURACY)
    assert (fit.verdict, Cause.LEAK in fit.causes) == (Verdict.GOOD, True)
    assert Cause.LEAK not in classify(accuracies(rise(0.4, 0.85), rise(0.6, 0.9)), ACCURACY).causes


def test_label_noise_is_suspected_where_both_agree_before_training_learns_by_heart() -> None:
    train = [*rise(0.3, 0.8, 10), *[0.8 + 0.02 * step for step in range(10)]]
    held_out = [*rise(0.3, 0.8, 10), *[0.8 - 0.008 * step for step in range(10)]]
    fit = classify(accuracies(train, held_out), ACCURACY)
    assert (fit.verdict, Cause.LABEL_NOISE in fit.causes) == (Verdict.OVERFIT, True)
    gap = classify(accuracies(rise(0.3, 1.0), rise(0.3, 0.7)), ACCURACY)
    assert (gap.verdict, Cause.LABEL_NOISE in gap.causes) == (Verdict.OVERFIT, False)
