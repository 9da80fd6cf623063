"""Advice on planted tuning jobs."""

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from sm_tuning.analysis import Remedy, Verdict, diagnose
from sm_tuning.analysis.curves import Curves
from tests.unit.sm_tuning.planted import (
    RATE,
    diverging,
    effect,
    fall,
    falling,
    losses,
    overfitting,
    remedies,
    tuned,
)


def test_overfitting_asks_for_data_first() -> None:
    """Too many epochs everywhere; regularization helps a little."""

    def play(point: Mapping[str, float]) -> Curves:
        train, held = overfitting(40, 12, 0.02 - 0.001 * math.log10(point["regularization"] / 1e-6))
        return losses(train, held)

    diagnosis = diagnose(tuned(play, RATE))
    assert diagnosis.fit.verdict is Verdict.OVERFIT
    assert remedies(diagnosis)[:4] == ["more training data", "stop earlier", "data augmentation", "more regularization"]
    assert all(any(letter.isdigit() for letter in advice.reason) for advice in diagnosis.advice[:2])


def test_too_few_epochs_ask_for_more() -> None:
    def play(_: Mapping[str, float]) -> Curves:
        curve = fall(6, 2.3, 0.1, 0.15)
        return losses(curve, [value + 0.05 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 10))
    assert remedies(diagnosis)[:2] == ["more epochs", "a higher learning rate"]


def test_without_metrics_it_says_what_to_print() -> None:
    diagnosis = diagnose(tuned(lambda _: {}, RATE, 5))
    assert diagnosis.best is None
    assert remedies(diagnosis)[0].startswith("print the training and the validation metric")


@pytest.mark.parametrize("seed", range(3))
def test_an_unimportant_hyperparameter_is_left_alone(seed: int) -> None:
    plan = remedies(diagnose(tuned(falling("high"), RATE, 60, seed)))
    assert [remedy.split(" at ")[0] for remedy in plan if remedy.startswith("leave")] == ["leave regularization"]
    assert not any(remedy.startswith("leave learning_rate") for remedy in plan)


def test_a_slow_rate_asks_for_a_higher_one_first() -> None:
    def play(point: Mapping[str, float]) -> Curves:
        curve = [2.3 - 0.01 * (1 + point["learning_rate"]) * epoch for epoch in range(25)]
        return losses(curve, [value + 0.02 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 12))
    assert remedies(diagnosis)[:2] == ["a higher learning rate", "more epochs"]
    low, high = diagnosis.advice[0].ranges["learning_rate"]
    assert low < high


def test_when_all_diverge_a_lower_rate_comes_first() -> None:
    diagnosis = diagnose(tuned(lambda _: losses([2.3, math.nan, math.nan], [2.3, math.nan, math.nan]), RATE, 5))
    assert diagnosis.best is None
    assert (diagnosis.fit.verdict, remedies(diagnosis)[0]) == (Verdict.DIVERGED, "a lower learning rate")


def test_no_advice_undoes_another() -> None:
    """Overfitting by loss while the objective wants more epochs: the range is made shorter, and not widened too."""

    def play(point: Mapping[str, float]) -> Curves:
        return losses(*overfitting(round(point["epochs"]), 8, 0.03))

    ranges = {"epochs": (30.0, 40.0, "Linear")}
    results = tuned(play, ranges, 30)
    trials = [replace(trial, reported=-float(trial.hyperparameters["epochs"])) for trial in results.trials]
    diagnosis = diagnose(replace(results, trials=trials))
    assert effect(diagnosis, "epochs").edge == "high"
    assert "stop earlier" in remedies(diagnosis)
    assert not any(remedy.startswith("widen") for remedy in remedies(diagnosis))


def test_kinds_are_for_programs() -> None:
    """Every kind that the words of an advice name."""
    diagnosis = diagnose(tuned(diverging, RATE, 60))
    (cliff,) = (advice for advice in diagnosis.advice if advice.kind is Remedy.END_RANGE)
    assert cliff.remedy.startswith("end the range of learning_rate at 0.")
    assert cliff.ranges["learning_rate"][0] == 1e-4
    assert all(
        advice.remedy == advice.kind.value
        for advice in diagnosis.advice
        if not advice.kind.value.startswith(("end", "leave", "widen"))
    )


def test_noise_asks_for_larger_batches() -> None:
    def play(_: Mapping[str, float]) -> Curves:
        jumping = [0.8 + 0.5 * (-1) ** epoch for epoch in range(30)]
        return losses([1.5, *fall(29, 1.0, 0.6, 0.2)], jumping)

    ranges = {"batch_size": (16.0, 256.0, "Logarithmic"), **RATE}
    diagnosis = diagnose(tuned(play, ranges, 6))
    assert remedies(diagnosis)[:3] == ["a larger batch size", "a lower learning rate", "more validation data"]
    low, high = diagnosis.advice[0].ranges["batch_size"]
    assert 16 < low < 256 <= high


@pytest.mark.parametrize(("rate", "remedy"), [(1e-3, "a higher learning rate"), (0.5, "a lower learning rate")])
def test_where_nothing_moves_the_rate_is_too_low_or_too_high(rate: float, remedy: str) -> None:
    results = tuned(lambda _: losses([2.3] * 20, [2.31] * 20), RATE, 6)
    trials = [replace(trial, hyperparameters={**trial.hyperparameters, "learning_rate": repr(rate)}) for trial in results.trials]
    diagnosis = diagnose(replace(results, trials=trials))
    assert diagnosis.fit.verdict is Verdict.UNDERFIT
    assert remedies(diagnosis)[0] == remedy
    assert f"at learning_rate={rate:.4g}: the steps are too" in diagnosis.advice[0].reason
