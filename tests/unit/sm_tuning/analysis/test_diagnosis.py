"""The diagnosis of planted tuning jobs."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sm_tuning.analysis import Remedy, Verdict, diagnose
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.fit import Cause
from tests.unit.sm_tuning.planted import RATE, fall, falling, losses, tuned


def test_too_much_regularization_underfits() -> None:
    """The strong penalties leave training far behind; those jobs are told apart from the good ones."""

    def play(point: Mapping[str, float]) -> Curves:
        floor = 0.1 + (1.5 if point["regularization"] > 1e-3 else 0.0)
        return losses(fall(30, 2.3, floor, 0.5), [value + 0.05 for value in fall(30, 2.3, floor, 0.5)])

    results = tuned(play, RATE, 30)
    diagnosis = diagnose(results)
    for trial in results.trials:
        strong = float(trial.hyperparameters["regularization"]) > 1e-3
        assert (diagnosis.fits[trial.name].verdict is Verdict.UNDERFIT) == strong


def test_a_training_job_that_failed_for_it_has_diverged() -> None:
    results = tuned(falling("high"), RATE, 6)
    reason = "ExecuteUserScriptError: ExitCode 1\nErrorMessage: The loss is not a number in epoch 3: learning_rate=1 is too high"
    failed = replace(results.trials[0], status="Failed", reported=None, failure_reason=reason, curves={})
    fit = diagnose(replace(results, trials=[failed, *results.trials[1:]])).fits[failed.name]
    assert (fit.verdict, "The loss is not a number in epoch 3" in fit.reason) == (Verdict.DIVERGED, True)


@pytest.mark.parametrize(
    "reason",
    [
        "ValueError: Input X contains NaN.",
        "MemoryError: Unable to allocate 7 GiB",
        "FileNotFoundError: train.csv",
        "KeyError: 'nan'",
    ],
)
def test_other_failures_are_no_divergence(reason: str) -> None:
    results = tuned(falling("high"), RATE, 6)
    failed = replace(results.trials[0], status="Failed", reported=None, failure_reason=f"AlgorithmError: {reason}", curves={})
    fit = diagnose(replace(results, trials=[failed, *results.trials[1:]])).fits[failed.name]
    assert (fit.verdict, fit.causes) == (Verdict.UNKNOWN, frozenset({Cause.FAILED}))
    assert reason[:20] in fit.reason
    every = [replace(failed, name=trial.name) for trial in results.trials]
    assert "6 of 6 training jobs failed" in diagnose(replace(results, trials=every)).fit.reason


def unnamed(point: Mapping[str, float]) -> Curves:
    """The training metric is called by a word that nobody knows."""
    train, held_out = falling("high")(point).values()
    return {"fit:loss": train, "validation:loss": held_out, "seconds": [1.0] * 9}


def test_held_out_data_alone_ask_for_the_training_metric_and_for_what_follows_a_good_fit() -> None:
    named, alone = (diagnose(tuned(play, RATE, 60)) for play in (falling("low"), unnamed))
    assert (named.fit.verdict, alone.fit.verdict) == (Verdict.GOOD, Verdict.UNKNOWN)
    assert [advice.kind for advice in alone.advice[:3]] == [Remedy.PRINT_METRICS, Remedy.ANOTHER_SEED, Remedy.TEST_SET]
    assert "train:loss is what validation:loss is compared with" in alone.advice[0].reason
    assert not any("good fit" in str(part) for part in (alone, *alone.advice))
