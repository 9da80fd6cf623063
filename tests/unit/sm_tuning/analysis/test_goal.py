"""A tuning job that looks for the worst model: nothing but the goal is advised; hyperparameters are judged by the metric's name."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sm_tuning import Categorical, Continuous, Objective, Random, Scaling, Script, TuningJob, diagnose
from sm_tuning.analysis import Remedy
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.goal import looks_for_the_worst, with_right_goal
from sm_tuning.analysis.next_round import next_round
from sm_tuning.analysis.results import Results, TrialResult
from tests.unit.sm_tuning.planted import RATE, Play, effect, fall, falling, tuned


def maximized(results: Results) -> Results:
    """The same tuning job with the goal to maximize its loss."""
    return replace(results, tuning_jobs=[replace(results.tuning_jobs[0], objective=Objective.maximize("validation:loss"))])


def short(point: Mapping[str, float]) -> Curves:
    """The same, after two epochs only: too few for a verdict."""
    return {name: values[:2] for name, values in falling("high")(point).items()}


@pytest.mark.parametrize("play", [falling("high"), falling("low"), short])
def test_nothing_but_the_goal_is_advised(play: Play) -> None:
    """It had said: widen the range to where the loss is highest."""
    results = tuned(play, RATE, 40)
    assert any(advice.ranges or advice.kind is Remedy.NEXT_ROUND for advice in diagnose(results).advice)
    (advice,) = diagnose(maximized(results)).advice
    best = results.best
    assert best is not None
    assert advice.kind is Remedy.CHANGE_GOAL
    assert advice.reason == (
        "the goal is Maximize, but less of validation:loss is better: the tuning job looks for the worst model; by its name "
        f"{best.name} is the best ({best.objective:.5g}), and "
        "neither ranges by the objective nor another round are advised before the goal is right"
    )


def test_hyperparameters_are_judged_as_with_the_right_goal() -> None:
    results = tuned(falling("high"), RATE, 20)
    right, wrong = diagnose(results), diagnose(maximized(results))
    assert effect(right, "learning_rate").better == "high"
    assert wrong.effects == right.effects
    assert wrong.best != right.best  # that is AWS's


def test_failures_are_still_told() -> None:
    results = maximized(tuned(falling("high"), RATE, 20))
    trials: list[TrialResult] = []
    for number, trial in enumerate(results.trials):
        failed = {"status": "Failed", "reported": None, "failure_reason": "MemoryError"} if number < 5 else {}
        settings = {**trial.hyperparameters, "batch": "512" if failed else "64"}
        trials.append(replace(trial, hyperparameters=settings, **failed))  # type: ignore[arg-type] # members of several types
    ranges = [*results.tuning_jobs[0].ranges, Categorical("batch", ["64", "512"])]
    jobs = [replace(results.tuning_jobs[0], ranges=ranges)]
    assert [advice.kind for advice in diagnose(Results(tuning_jobs=jobs, trials=trials)).advice] == [
        Remedy.CHANGE_GOAL,
        Remedy.MEND_SCRIPT,
    ]


def test_negated_values_are_maximized_rightly() -> None:
    def negated(point: Mapping[str, float]) -> Curves:
        return {name: [-value for value in values] for name, values in falling("high")(point).items()}

    results = tuned(negated, RATE, 10)
    assert looks_for_the_worst(maximized(tuned(falling("high"), RATE, 10)))
    assert not looks_for_the_worst(maximized(results))
    assert with_right_goal(results) is results


def test_the_next_round_has_the_other_goal_and_begins_afresh() -> None:
    """A warm start takes parents with the same goal; its points are of the wrong one."""
    ranges = [Continuous(name, low, high, Scaling(scaling)) for name, (low, high, scaling) in RATE.items()]
    job = TuningJob(
        name="planted",
        script=Script("train.py"),
        objective=Objective.maximize("validation:loss", "validation:loss=(.*)"),
        ranges=ranges,
        strategy=Random(seed=1),
        max_jobs=10,
        role="arn:aws:iam::123456789012:role/R",
        output="s3://b/o",
    )
    following = next_round(diagnose(maximized(tuned(falling("high"), RATE, 40))), job)
    assert following.job.definition.objective == Objective.minimize("validation:loss", "validation:loss=(.*)")
    assert (following.job.warm_start, following.job.definition.ranges) == (None, ranges)
    assert following.comments["objective"][0].startswith("change the goal of the objective: the goal is Maximize")
    assert not any("not a matter of this file" in line for line in following.comments[""])


def test_a_share_that_is_minimized() -> None:
    def shares(_: Mapping[str, float]) -> Curves:
        return {"validation:r2": fall(9, -0.5, -0.9, 0.3)}  # R2 may be below 0

    results = tuned(shares, RATE, 5)
    jobs = [replace(results.tuning_jobs[0], objective=Objective.minimize("validation:r2"))]
    assert looks_for_the_worst(replace(results, tuning_jobs=jobs))
