"""Verdicts on curves of real training jobs, and each rule that a practitioner goes by."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sm_tuning.analysis import Verdict, classify
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.fit import Cause, attainable
from sm_tuning.spec.metrics import Metric, Objective
from tests.unit.sm_tuning.planted import fall, good, jittered, losses

REAL: Mapping[str, Any] = json.loads((Path(__file__).parent / "curves.json").read_text(encoding="utf-8"))
ACCURACY = Objective.maximize("validation:accuracy")


def accuracies(train: Sequence[float], held_out: Sequence[float]) -> Curves:
    return {"train:accuracy": train, "validation:accuracy": held_out}


def rise(start: float, end: float, epochs: int = 20) -> list[float]:
    """An accuracy that levels off."""
    return [1 - error for error in fall(epochs, 1 - start, 1 - end, 0.5)]


@pytest.mark.parametrize("name", REAL)
def test_real_training_jobs(name: str) -> None:
    """Each with what a practitioner says of it; several verdicts where one would hesitate."""
    case = REAL[name]
    fit = classify(case["curves"], Objective(Metric(case["objective"]), case["goal"]))
    assert fit.verdict.value in case["truth"], fit.reason


# --- what is not overfit, and what is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "curves",
    [
        pytest.param(accuracies(rise(0.6, 0.85), rise(0.65, 0.9)), id="validation better than training all along"),
        pytest.param(accuracies(rise(0.6, 0.92), [*rise(0.6, 0.9, 15), *[0.8991] * 5]), id="0.09 points lost"),
        pytest.param(losses(fall(30, 0.9, 0.5, 0.4), fall(30, 0.9, 0.53, 0.4)), id="a gap of 6 % between losses"),
        pytest.param(
            {"train-error": fall(30, 0.1, 0.0, 0.5), "validation-error": fall(30, 0.2, 0.026, 0.5)}, id="error 0.026 against 0"
        ),
        pytest.param(losses([0.3201, 0.3199, 0.3198] * 4, [0.371, 0.3705, 0.3706] * 4), id="all was learnt in the first epoch"),
        pytest.param(
            losses(fall(30, 0.087, 0.076, 0.5), [0.121] * 30), id="so much learnt in the first epoch that both are small"
        ),
        pytest.param(losses(fall(40, 1.09, 0.003, 0.3), fall(40, 1.05, 0.058, 0.3)), id="0.058 against 0.003, of 1.1 at first"),
        pytest.param({"train:r2": rise(0.0, 0.84), "validation:r2": rise(0.05, 0.75)}, id="R2 0.75 against 0.84"),
    ],
)
def test_what_is_not_overfit(curves: Curves) -> None:
    assert classify(curves).verdict is Verdict.GOOD, classify(curves).reason


@pytest.mark.parametrize(
    "held_out",
    [
        pytest.param([0.52] * 20, id="level"),
        pytest.param([0.49 + 0.0017 * epoch for epoch in range(20)], id="still rising"),
        pytest.param([0.55 - 0.0015 * epoch for epoch in range(20)], id="falling"),
        pytest.param(jittered([0.52] * 20, 0.02, 1), id="noisy"),
    ],
)
def test_train_100_and_validation_52_is_overfit_whatever_else(held_out: Sequence[float]) -> None:
    fit = classify(accuracies([0.97, *[1.0] * 19], held_out), ACCURACY)
    assert (fit.verdict, fit.confidence) == (Verdict.OVERFIT, Confidence.HIGH), fit.reason


@pytest.mark.parametrize(
    "curves",
    [
        pytest.param(
            losses(fall(30, 0.087, 0.02, 0.3), [*fall(10, 0.09, 0.04, 0.5), *[0.043 + 0.005 * epoch for epoch in range(20)]]),
            id="rise",
        ),
        pytest.param(losses(fall(30, 0.69, 0.01, 0.3), fall(30, 0.69, 0.18, 0.3)), id="gap of an accuracy of 95 %"),
        pytest.param({"train:r2": rise(0.0, 0.95), "validation:r2": rise(0.0, 0.7)}, id="R2 0.7 against 0.95"),
        pytest.param(
            {"train:mse": [18.8, *fall(29, 0.77, 0.14, 0.2)], "validation:mse": fall(30, 2.5, 0.6, 0.8)},
            id="after a wild first epoch",
        ),
    ],
)
def test_what_is_overfit_also_near_0(curves: Curves) -> None:
    assert classify(curves).verdict is Verdict.OVERFIT, classify(curves).reason


@pytest.mark.parametrize(
    ("curves", "verdict"),
    [
        pytest.param(
            {"train:r2": [-0.375] * 20, "validation:r2": [-0.87, *[-0.9] * 19]}, Verdict.UNDERFIT, id="R2 below 0 in training"
        ),
        pytest.param(
            losses(fall(30, 1.45, 1.1, 0.2), [1.46 + 0.001 * epoch for epoch in range(30)]), Verdict.UNDERFIT, id="a loss of 1.1"
        ),
        pytest.param(accuracies([0.8396] * 5, [0.9167] * 5), Verdict.UNDERFIT, id="both accuracies never moved"),
        pytest.param(
            losses([0.4139 - 0.00004 * epoch for epoch in range(16)], [0.4055 - 0.00003 * epoch for epoch in range(16)]),
            Verdict.UNDERFIT,
            id="falls evenly by next to nothing",
        ),
        pytest.param(
            losses([2.59, *[1.06 - 0.01 * epoch for epoch in range(25)]], [2.54, *[0.95 - 0.01 * epoch for epoch in range(25)]]),
            Verdict.IMPROVING,
            id="a tenth in the last quarter, after a wild beginning",
        ),
        pytest.param(
            losses([0.88, *fall(9, 0.13, 0.003, 0.5)], fall(10, 0.2, 0.0158, 0.5)),
            Verdict.GOOD,
            id="hardly anything left to gain",
        ),
    ],
)
def test_what_has_learnt_too_little(curves: Curves, verdict: Verdict) -> None:
    assert classify(curves).verdict is verdict, classify(curves).reason


def test_few_epochs_that_go_up_and_down_are_not_noisy() -> None:
    """Of the values about a falling line, the one that is off decides how smooth a curve of eight looks."""
    falling = [0.8806, 0.8069, 0.7714, 0.7655, 0.701, 0.7544, 0.6371, 0.6205]
    train = [0.9704, 0.7415, 0.7174, 0.7122, 0.6718, 0.6726, 0.6637, 0.6522]
    assert classify({"train:mse": train, "validation:mse": falling}).verdict is Verdict.IMPROVING
    jumping = [0.62, 0.88, 0.6, 0.9, 0.58, 0.87, 0.63, 0.85]
    assert classify({"train:mse": train, "validation:mse": jumping}).verdict is Verdict.NOISY


def test_a_share_and_its_error_get_the_same_verdict() -> None:
    for train, held_out, verdict in ((0.99, 0.75, Verdict.OVERFIT), (0.97, 0.95, Verdict.GOOD)):
        shares = accuracies(rise(0.4, train), rise(0.4, held_out))
        errors = {name.replace("accuracy", "error"): [1 - value for value in values] for name, values in shares.items()}
        assert classify(shares).verdict is classify(errors).verdict is verdict
        assert classify(shares).confidence is classify(errors).confidence


def test_per_cent_and_shares_are_reconciled() -> None:
    shares = accuracies(rise(0.4, 0.97), rise(0.4, 0.95))
    for hundredfold in ((), ("train:accuracy",), ("validation:accuracy",), tuple(shares)):
        curves = {name: [100 * value if name in hundredfold else value for value in values] for name, values in shares.items()}
        fit = classify(curves, ACCURACY)
        assert fit.verdict is Verdict.GOOD, fit.reason
        assert fit.train_last == curves["train:accuracy"][-1]
        assert fit.validation_last == curves["validation:accuracy"][-1]


def test_both_values_stand_as_they_were_logged() -> None:
    fit = classify(accuracies(rise(0.4, 1.0), rise(0.4, 0.7)), ACCURACY)
    assert fit.train_last is not None
    assert f"{fit.train_last:.4g}" in fit.reason
    assert f"{fit.validation_last:.4g}" in fit.reason
    assert "%" not in fit.reason
    assert {"train:accuracy", "validation:accuracy"} <= set(fit.reason.replace(",", "").split())


ROSE = [0.40 + 0.01 * epoch for epoch in range(20)]
FELL = [0.9, 0.7, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.17, 0.15, 0.13, 0.12, 0.11, 0.1, 0.09, 0.08]
TURNED = [0.9, 0.75, 0.6, 0.55, 0.5, 0.5, 0.52, 0.55, 0.58, 0.62, 0.66, 0.7, 0.74, 0.78, 0.82, 0.86]
CREPT = [90, 19.3, 19.2, 19.1, 19.0, 19.0, 18.9, 18.9, 18.8, 18.8]


@pytest.mark.parametrize(
    ("curves", "quoted"),
    [
        (accuracies([value + 0.02 for value in ROSE], [*ROSE[:-1], 0.5]), ("better: about 0.54 at value 15", "0.5 at the end")),
        (losses([10, 1, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5], [2.0] * 8), ("worse in training: about 1", "10 at value 1")),
        ({"train:mae": CREPT, "validation:mae": CREPT}, ("fallen: about 19", "90 at value 1")),
        (losses(FELL, [*TURNED[:-1], 0.45]), ("best at about 0.5 at value 5 and is about 0.7", "0.45")),
        (accuracies([0.6 + 0.02 * epoch for epoch in range(20)], [*[0.6] * 19, 0.99]), ("accuracy about 0.6", "0.99")),
    ],
)
def test_a_reason_quotes_no_value_that_jumped_away_from_what_it_says(curves: Curves, quoted: tuple[str, str]) -> None:
    objective = ACCURACY if "validation:accuracy" in curves else None
    reason = classify(curves, objective).reason
    shown, jumped = quoted
    assert shown in reason
    assert f" {jumped}" not in reason


def test_the_gap_has_the_sign_of_the_values_beside_it() -> None:
    fit = classify(accuracies([0.6 + 0.02 * epoch for epoch in range(20)], [*[0.6] * 19, 0.99]), ACCURACY)
    assert fit.validation_last == 0.99
    assert fit.train_last == pytest.approx(0.98)
    assert fit.gap == pytest.approx(-0.01)


# --- training that came to nothing ------------------------------------------------------------------------------------------


def test_chance_level_after_a_wild_beginning_is_a_rate_too_high() -> None:
    dead = [40.0, *jittered([math.log(10) + 0.01] * 19, 0.01, 3)]
    fit = classify(losses(dead, jittered([math.log(10)] * 20, 0.01, 4)))
    assert fit.verdict is Verdict.RATE_TOO_HIGH, fit.reason
    assert Cause.CHANCE_LEVEL in fit.causes


def test_oscillation_is_a_rate_too_high() -> None:
    swinging = [1.9 + 0.8 * (-1) ** epoch for epoch in range(24)]
    assert classify(losses(swinging, swinging)).verdict is Verdict.RATE_TOO_HIGH


def test_strong_weight_decay_is_no_divergence() -> None:
    """The loss rises smoothly to chance level."""
    rising = [2.278, 2.277, 2.284, 2.291, 2.296, 2.299, 2.301, 2.3019, *[2.3025] * 12]
    fit = classify(losses(rising, rising))
    assert fit.verdict is Verdict.UNDERFIT, fit.reason
    assert {Cause.REGULARIZATION, Cause.CHANCE_LEVEL} <= fit.causes


# --- beside the other training jobs -----------------------------------------------------------------------------------------


def test_the_best_is_not_underfit_because_overfit_siblings_reach_a_lower_training_loss() -> None:
    objective = Objective.minimize("validation:loss")
    best = losses(fall(40, 2.3, 0.45, 0.3), fall(40, 2.3, 0.5, 0.3))
    overfit = losses(fall(40, 2.3, 0.001, 0.3), fall(40, 2.3, 1.3, 0.3))
    weak = losses(fall(40, 2.3, 1.5, 0.3), fall(40, 2.3, 1.52, 0.3))
    known = attainable([best, overfit, weak], objective)
    verdicts = [classify(curves, objective, attainable=known).verdict for curves in (best, overfit, weak)]
    assert verdicts == [Verdict.GOOD, Verdict.OVERFIT, Verdict.UNDERFIT]


# --- several metrics at once ------------------------------------------------------------------------------------------------

FLAT = accuracies(rise(0.4, 0.98), rise(0.4, 0.96))
TURNING = losses(fall(20, 2.3, 0.02, 0.4), [*fall(8, 2.3, 0.12, 0.8), *[0.13 + 0.02 * step for step in range(12)]])


def test_a_validation_loss_that_rises_while_the_accuracy_stays_is_a_matter_of_calibration() -> None:
    fit = classify({**TURNING, **FLAT}, ACCURACY)
    assert (fit.verdict, fit.validation) == (Verdict.GOOD, "validation:accuracy"), fit.reason
    assert Cause.CALIBRATION in fit.causes
    tuned = classify({**TURNING, **FLAT}, Objective.minimize("validation:loss"))
    assert (tuned.verdict, tuned.validation) == (Verdict.OVERFIT, "validation:loss")


def test_f1_of_0_beside_a_high_accuracy_is_said() -> None:
    curves = {**accuracies(rise(0.9, 0.975), rise(0.9, 0.965)), "validation:f1": [0.04, *[0.0] * 19]}
    fit = classify(curves, ACCURACY)
    assert (fit.verdict, fit.causes) == (Verdict.UNDERFIT, frozenset({Cause.RARE_CLASS})), fit
    assert "validation:f1 is 0" in fit.reason


def test_an_accuracy_with_the_goal_minimize_is_remarked_on_and_judged_as_an_accuracy() -> None:
    fit = classify(accuracies(rise(0.4, 1.0), rise(0.4, 0.6)), Objective.minimize("validation:accuracy"))
    assert (fit.verdict, fit.causes) == (Verdict.OVERFIT, frozenset({Cause.WRONG_GOAL}))


def test_an_error_with_the_goal_maximize_is_remarked_on_and_judged_as_an_error() -> None:
    """It had diverged, with high confidence, where training came near to no error at all."""
    curves = {"train:rmse": [60 * 0.7**epoch for epoch in range(20)], "validation:rmse": [60.0, 56.0, 54.0, *[55.0] * 17]}
    right, wrong = (classify(curves, Objective(Metric("validation:rmse"), goal)) for goal in ("Minimize", "Maximize"))
    assert (right.verdict, right.causes) == (Verdict.OVERFIT, frozenset())
    assert (wrong.verdict, wrong.causes) == (Verdict.OVERFIT, frozenset({Cause.WRONG_GOAL}))
    assert "the goal is Maximize, but less of validation:rmse is better" in str([remark.text for remark in wrong.remarks])


def test_a_negated_error_is_maximized_rightly() -> None:
    negated = classify(
        {"train:rmse": [-60.0, -40.0, -20.0] * 3, "validation:rmse": [-60.0, -50.0, -45.0] * 3},
        Objective.maximize("validation:rmse"),
    )
    assert Cause.WRONG_GOAL not in negated.causes


def test_without_held_out_data_nothing_is_called_good() -> None:
    assert classify({"train:loss": good()[0]}).verdict is Verdict.UNKNOWN


RISING = [2.0, 1.0, 0.6, 0.4, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


@pytest.mark.parametrize(
    ("validation", "verdict", "most"),
    [
        (good()[1], Verdict.UNKNOWN, Confidence.HIGH),
        (RISING, Verdict.OVERFIT, Confidence.MEDIUM),
        ([2.302 - 0.0001 * epoch for epoch in range(20)], Verdict.UNDERFIT, Confidence.LOW),
    ],
)
def test_held_out_data_alone_show_no_fit_for_sure(validation: list[float], verdict: Verdict, most: Confidence) -> None:
    """It said "good fit (high confidence)" of a metric that may be far behind that of the training data."""
    for curves in ({"validation:loss": validation}, {"validation:loss": validation, "fit:loss": [0.01] * len(validation)}):
        fit = classify(curves, Objective.minimize("validation:loss"))
        assert (fit.verdict, fit.confidence) == (verdict, most), fit
        (remark,) = [remark for remark in fit.remarks if remark.cause is Cause.NO_TRAINING_METRIC]
        assert remark.text == "train:loss is what validation:loss is compared with, and no metric of that name has values"
    assert Cause.NO_TRAINING_METRIC not in classify(losses(validation, validation)).causes


@pytest.mark.parametrize("epochs", [2, 12])
def test_an_accuracy_of_held_out_data_alone_says_nothing_of_the_training_data(epochs: int) -> None:
    """Half of its answers are wrong: it was said that not even the training data are fitted."""
    curves = {"validation:accuracy": [0.5, 0.52, *[0.53, 0.52] * 5][:epochs]}
    assert classify(curves, ACCURACY).verdict is Verdict.UNKNOWN
    assert classify({**curves, "train:accuracy": curves["validation:accuracy"]}, ACCURACY).verdict is Verdict.UNDERFIT


def test_a_metric_taken_for_one_of_held_out_data_is_called_a_guess() -> None:
    fit = classify({"rmse": good()[1]}, Objective.minimize("rmse"))
    assert "that rmse is of held-out data is a guess" in fit.remarks[0].text


def test_few_epochs_make_it_less_sure() -> None:
    train, held_out = [1.0, 0.4, 0.2, 0.1], [0.8, 0.5, 0.7, 0.9]
    assert classify(losses(train, held_out)).confidence is not Confidence.HIGH


def test_few_rows_make_the_loss_as_uncertain_as_the_accuracy() -> None:
    """57 rows: ten points between the accuracies may be chance, so the gap between the losses may be too."""
    losses_apart = losses(fall(30, 0.9, 0.63, 0.5), fall(30, 0.9, 0.8, 0.5))
    few = accuracies([0.8, *[0.836] * 29], [*[42 / 57] * 10, *[43 / 57] * 10, *[42 / 57] * 10])
    assert classify({**losses_apart, **few}, ACCURACY).verdict is Verdict.GOOD
    many = accuracies([0.8, *[0.836] * 29], [*[1470 / 1999] * 10, *[1480 / 1999] * 10, *[1470 / 1999] * 10])
    assert classify({**losses_apart, **many}, ACCURACY).verdict is Verdict.OVERFIT


def test_an_accuracy_that_never_moves_is_no_good_fit() -> None:
    fit = classify(accuracies([0.6, *[0.6583] * 12], [0.55, *[0.561] * 12]), ACCURACY)
    assert fit.verdict is Verdict.UNDERFIT, fit.reason


def test_a_classifier_that_is_wrong_too_often_is_underfit_also_as_the_best_training_job() -> None:
    curves = accuracies(rise(0.1, 0.45), rise(0.1, 0.44))
    assert classify(curves, ACCURACY, attainable=attainable([curves], ACCURACY)).verdict is Verdict.UNDERFIT


def test_validation_that_stays_at_chance_level_is_underfit() -> None:
    curves = losses([0.771, 0.758, 0.75, 0.728, 0.713], [0.698, 0.6958, 0.6949, 0.6942, 0.6939])
    assert classify(curves).verdict is Verdict.UNDERFIT


def test_a_loss_by_step_is_compared_with_one_by_epoch() -> None:
    steps = jittered([2.3 * math.exp(-step / 300) for step in range(1200)], 0.02, 5)
    epochs = [*fall(12, 2.3, 0.5, 0.5), *[0.52 + 0.02 * epoch for epoch in range(28)]]
    fit = classify({"train_loss_step": steps, "val_loss": epochs})
    assert (fit.verdict, fit.train) == (Verdict.OVERFIT, "train_loss_step"), fit.reason
    assert fit.train_at_best is not None
    assert fit.train_at_best == pytest.approx(2.3 * math.exp(-1200 * 12 / 40 / 300), abs=0.15)


def test_50000_values_of_each_of_four_curves_cost_little() -> None:
    step = [2.3 * math.exp(-index / 20_000) + 0.01 * (index % 7) for index in range(50_000)]
    share = [0.9 - 0.4 * value / 2.3 for value in step]
    curves = {"train_loss_step": step, "val_loss": step, "train_acc_step": share, "val_acc": share}
    seconds = []
    for _ in range(3):
        start = time.process_time()
        classify(curves, ACCURACY, attainable=attainable([curves], ACCURACY))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.4  # two pairs: 0.2 s a pair; measured 0.1
