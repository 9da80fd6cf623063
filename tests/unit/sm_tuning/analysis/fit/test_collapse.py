"""Training that came to nothing, beside what looks like it."""

import pytest

from sm_tuning.analysis import Verdict, classify
from sm_tuning.analysis.curves import Curves
from tests.unit.sm_tuning.planted import fall, losses

SPIKE = [1.83, 0.54, 0.47, 0.43, 0.42, 0.40, 0.39, 0.37, 0.36, 0.71, 4.2]


def r2(train: list[float]) -> Curves:
    return {"train:r2": train, "validation:r2": [value - 0.02 for value in train]}


@pytest.mark.parametrize(
    ("curves", "verdict"),
    [
        pytest.param(losses([*SPIKE, 0.64, 0.6], [*SPIKE, 0.83, 0.81]), Verdict.RATE_TOO_HIGH, id="leapt late"),
        pytest.param(losses([*SPIKE, 0.36, *[0.34] * 9], [*SPIKE, 0.37, *[0.35] * 9]), Verdict.GOOD, id="leapt and recovered"),
        pytest.param(
            r2([-0.25, -0.31, -0.93, -0.55, -0.21, -0.02, -0.7, -0.18, -0.07, -0.1, -0.16, -0.17]),
            Verdict.RATE_TOO_HIGH,
            id="R2 leapt and is still below 0",
        ),
        pytest.param(
            losses([0.833, 1.48, 0.874, *[0.6745] * 13], [1.008, 1.295, 0.968, *[0.7] * 13]),
            Verdict.RATE_TOO_HIGH,
            id="leapt to chance",
        ),
        pytest.param(
            losses([0.833, 1.48, 0.874, *fall(17, 0.6, 0.1, 0.8)], fall(20, 0.9, 0.11, 0.8)), Verdict.GOOD, id="leapt and learnt"
        ),
        pytest.param(losses([1.047, *[1.0962] * 19], [1.046, *[1.0934] * 19]), Verdict.RATE_TOO_HIGH, id="fell back to chance"),
        pytest.param(
            losses([2.588, 2.214, 2.641, 2.701, 3.03], [2.343, 2.086, 1.742, 2.971, 2.699]),
            Verdict.DIVERGED,
            id="ends at its worst",
        ),
        pytest.param(losses(fall(30, 2.1, 1.6, 0.5), fall(30, 2.1, 1.62, 0.5)), Verdict.UNDERFIT, id="fell smoothly to chance"),
    ],
)
def test_losses(curves: Curves, verdict: Verdict) -> None:
    fit = classify(curves)
    assert fit.verdict is verdict, fit.reason


def test_an_accuracy_that_was_better_and_does_not_change_any_more() -> None:
    died = {
        "train_acc": [0.65, 0.68, 0.8, 0.79, 0.73, *[0.6296] * 15],
        "val_acc": [0.66, 0.71, 0.75, 0.74, 0.70, *[0.6494] * 15],
    }
    fit = classify(died)
    assert fit.verdict is Verdict.RATE_TOO_HIGH, fit.reason
    assert "0.6296" in fit.reason
    alive = {name: [*values[:5], *[0.97] * 15] for name, values in died.items()}
    assert classify(alive).verdict is Verdict.GOOD


def test_leaps_of_a_loss_close_to_0_are_none() -> None:
    leaping = [0.012, 0.02, 0.011, 0.009, 0.011, 0.01, 0.009, 0.016, 0.011, 0.01, 0.012, 0.013]
    assert classify(losses(leaping, [0.02] * 12)).verdict is not Verdict.RATE_TOO_HIGH


def test_a_validation_loss_alone_that_rises_is_overfit() -> None:
    rising = [0.6, 0.5, 0.45, 0.44, *[0.46 + 0.0116 * epoch for epoch in range(20)]]
    assert classify({"val_loss": rising}).verdict is Verdict.OVERFIT
