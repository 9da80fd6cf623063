"""What may be said of hyperparameters where training jobs were stopped after different numbers of epochs."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from sm_tuning import Hyperband, Integer, Objective, Script, TuningJob, learning_rate
from sm_tuning.analysis import Remedy, Verdict, diagnose
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.effects import Edge
from sm_tuning.analysis.equal_epochs import compared
from sm_tuning.analysis.next_round import next_round
from sm_tuning.analysis.results import Results
from tests.unit.sm_tuning.planted import RATE, Play, effect, fall, falling, halved, losses, stopped, tuned

BY_EFFECTS = {Remedy.WIDEN_RANGE, Remedy.LEAVE_OUT, Remedy.LEAVE, Remedy.LOGARITHMIC_SCALE, Remedy.HIGHER_RATE, Remedy.LOWER_RATE}


def alike(seed: int) -> Play:
    """Nothing decides anything but chance."""
    chance = random.Random(seed)

    def play(_: Mapping[str, float]) -> Curves:
        curve = [value + chance.gauss(0, 0.01) for value in fall(9, 2.3, 0.3, 0.4)]
        return losses(curve, [value + 0.05 for value in curve])

    return play


def crossing(seed: int) -> Play:
    """A high rate learns fast, and where all end chance decides."""
    chance = random.Random(seed)

    def play(point: Mapping[str, float]) -> Curves:
        fast = 1 + math.log10(point["learning_rate"]) / 4
        floor = 0.3 + abs(chance.gauss(0, 0.05))
        curve = [floor + 2 * (0.8 - 0.5 * fast) ** (epoch + 1) * (9 - epoch - 1) / 9 for epoch in range(9)]
        return losses(curve, [value + 0.05 for value in curve])

    return play


def by_rate(results: Results, made: int) -> Results:
    """Training jobs of a low rate were stopped."""
    trials = [stopped(trial, made) if float(trial.hyperparameters["learning_rate"]) < 0.01 else trial for trial in results.trials]
    return replace(results, trials=trials)


@pytest.mark.parametrize("seed", range(5))
def test_what_stopped_earlier_is_not_worse_for_its_hyperparameters(seed: int) -> None:
    results = by_rate(tuned(alike(seed), RATE, 30, seed), 2)
    assert min(trial.objective or 0 for trial in results.trials if trial.status == "Stopped") > 1.0
    assert max(trial.objective or 0 for trial in results.trials if trial.status == "Completed") < 0.6
    diagnosis = diagnose(results)
    assert effect(diagnosis, "learning_rate").confidence is Confidence.LOW
    assert effect(diagnosis, "learning_rate").better is None
    assert diagnosis.comparison.epochs == 2
    assert all(1.5 < value < 2.0 for value in diagnosis.comparison.values.values())
    assert len(diagnosis.comparison.values) == 30


@pytest.mark.parametrize("seed", range(5))
def test_what_is_better_early_is_said_of_then_alone_and_moves_no_range(seed: int) -> None:
    results = halved(tuned(crossing(seed), RATE, 40, seed))
    diagnosis = diagnose(results)
    rate = effect(diagnosis, "learning_rate")
    assert (rate.better, rate.epochs, rate.at_the_end) == (Edge.HIGH, 1, False)
    assert "higher is better after 1 value" in rate.remarks
    assert not any(advice.kind in BY_EFFECTS and advice.hyperparameter == "learning_rate" for advice in diagnosis.advice)
    whole = len(diagnosis.comparison.ends)
    assert diagnosis.comparison.sentence == (
        f"{40 - whole} of 40 training jobs were stopped before their end: what hyperparameters do is compared after 1 value, "
        f"and need not be so at the end, to which {whole} came"
    )


def test_a_direction_that_those_at_their_end_show_too_is_one() -> None:
    diagnosis = diagnose(by_rate_late(tuned(falling("high"), RATE, 40)))
    rate = effect(diagnosis, "learning_rate")
    assert (rate.better, rate.epochs, rate.at_the_end) == (Edge.HIGH, 5, True)
    assert rate.remarks == ["higher is better after 5 values, and at the end"] or rate.edge is Edge.HIGH


def by_rate_late(results: Results) -> Results:
    """Each second one was stopped."""
    return replace(results, trials=[stopped(trial, 5) if index % 2 else trial for index, trial in enumerate(results.trials)])


def test_a_few_that_were_stopped_are_left_out() -> None:
    results = tuned(falling("high"), RATE, 30)
    few = replace(results, trials=[stopped(results.trials[0], 2), *results.trials[1:]])
    diagnosis = diagnose(few)
    assert (diagnosis.comparison.epochs, diagnosis.comparison.sentence) == (None, "")
    assert set(diagnosis.comparison.values) == {trial.name for trial in few.trials[1:]}


def test_what_used_up_max_resource_was_not_stopped_before_its_end() -> None:
    results = halved(tuned(alike(1), RATE, 30), rungs=())
    assert {trial.status for trial in results.trials} == {"Stopped"}
    assert diagnose(results).comparison.epochs is None


def test_without_curves_it_cannot_be_told() -> None:
    results = by_rate(tuned(alike(1), RATE, 30), 2)
    diagnosis = diagnose(replace(results, trials=[replace(trial, coarse=True) for trial in results.trials]))
    assert diagnosis.effects == []
    assert diagnosis.comparison.sentence.endswith(
        "their learning curves are not known, or means by the minute: what hyperparameters do cannot be told from last values of "
        "different numbers of values"
    )


def test_the_number_of_epochs_has_no_effect_at_equal_epochs() -> None:
    results = by_rate(tuned(alike(1), RATE, 30), 2)
    trials = [replace(trial, hyperparameters={**trial.hyperparameters, "epochs": "9"}) for trial in results.trials]
    job = replace(results.tuning_jobs[0], ranges=[*results.tuning_jobs[0].ranges, Integer("epochs", 5, 9)])
    diagnosis = diagnose(Results(tuning_jobs=[job], trials=trials))
    assert {each.name for each in diagnosis.effects} == {"learning_rate", "regularization"}
    assert diagnosis.comparison.sentence.endswith("; what epochs does cannot be told")


def test_what_runs_is_compared_after_as_many_epochs_and_not_at_its_end() -> None:
    results = tuned(alike(1), RATE, 30)
    running = replace(results.trials[0], status="InProgress", reported=9.9)
    every = replace(results, trials=[running, *results.trials[1:]])
    fits = diagnose(every).fits
    assert running.name not in compared(every, fits).values
    assert running.name in compared(by_rate(every, 2), fits).values


def test_a_training_job_that_was_stopped_early_has_no_verdict_that_more_epochs_may_change() -> None:
    results = halved(tuned(alike(1), RATE, 30))
    fits = diagnose(results).fits
    early = [trial for trial in results.trials if results.stopped_at(trial) == "value 1"]
    assert early
    for trial in early:
        assert fits[trial.name].verdict is Verdict.UNKNOWN
        assert fits[trial.name].reason.startswith("it was stopped after 1 of 9 values, too few for a verdict")


def test_what_follows_says_that_a_warm_start_takes_early_values_for_ends() -> None:
    diagnosis = diagnose(halved(tuned(alike(1), RATE, 30)))
    job = TuningJob(
        name="planted",
        script=Script("train.py"),
        objective=Objective.minimize("validation:loss", "loss=(.*)"),
        ranges=[learning_rate()],
        strategy=Hyperband(max_resource=9),
        max_jobs=30,
        max_parallel=2,
        role="arn:aws:iam::123456789012:role/r",
        output="s3://page",
    )
    assert "many of those training jobs were stopped" in " ".join(next_round(diagnosis, job).comments["warm_start"])
    stop = [advice for advice in diagnosis.advice if advice.kind is Remedy.STOP]
    assert all("hardly known" in advice.reason and advice.confidence is Confidence.LOW for advice in stop)
