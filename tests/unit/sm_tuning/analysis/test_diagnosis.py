"""The diagnosis of planted tuning jobs."""

from collections.abc import Mapping
from dataclasses import replace

from sm_tuning import Bayesian, Continuous, Integer, Objective, Scaling, TuningJob
from sm_tuning.analysis import Verdict, diagnose
from sm_tuning.analysis.curves import Curves
from tests.unit.sm_tuning.planted import RATE, diverging, fall, falling, losses, tuned


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


def test_the_next_round_is_a_tuning_job() -> None:
    job = TuningJob(
        name="planted",
        role="arn:aws:iam::123456789012:role/R",
        output="s3://b/o",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        objective=Objective.minimize("validation:loss", "validation:loss=([-+0-9.e]+)"),
        ranges=[
            Continuous("learning_rate", 1e-4, 1.0, Scaling.LOGARITHMIC),
            Continuous("regularization", 1e-6, 1e-1, Scaling.LOGARITHMIC),
            Integer("epochs", 5, 50),
        ],
        strategy=Bayesian(),
        max_jobs=10,
    )
    following = diagnose(tuned(diverging, RATE, 40)).next_round(job, "planted-2")
    ranges = following.definition.ranges
    rate = ranges[0]
    assert isinstance(rate, Continuous)
    assert rate.high < 0.3
    assert ranges[1:] == job.definition.ranges[1:]
    assert following.warm_start is not None
    assert following.warm_start.parents == ("planted",)
    assert not following.dry_run().problems
