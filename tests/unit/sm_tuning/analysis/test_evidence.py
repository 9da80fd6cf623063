"""What a tuning job says of one hyperparameter, and how far its range can move."""

from dataclasses import replace

import pytest

from sm_tuning import Categorical, Continuous, Integer, Scaling
from sm_tuning.analysis import Confidence, Verdict, diagnose
from sm_tuning.analysis.effects import Edge, Effect
from sm_tuning.analysis.equal_epochs import Comparison
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.fit import Fit
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.rules.roles import Role
from sm_tuning.spec.parameters import Range
from tests.unit.sm_tuning.planted import RATE, diverging, falling, losses, tuned


def evidence(results: Results, *effects: Effect) -> Evidence:
    diagnosis = diagnose(results)
    named = {effect.name: effect for effect in effects or diagnosis.effects}
    return Evidence(results=results, fit=diagnosis.fit, fits=diagnosis.fits, comparison=diagnosis.comparison, effects=named)


def ranged(*ranges: Range) -> Evidence:
    results = tuned(falling("high"), RATE, 6)
    return evidence(replace(results, tuning_jobs=[replace(results.tuning_jobs[0], ranges=list(ranges))]))


@pytest.mark.parametrize(
    ("parameter", "low", "high"),
    [
        (Continuous("x", 1, 100, Scaling.LOGARITHMIC), 0.1, 1000),
        (Continuous("x", 1e-6, 1, Scaling.LOGARITHMIC), 1e-7, 10),
        (Continuous("x", 2, 4, Scaling.LINEAR), 1, 5),
        (Continuous("x", 0, 0.6, Scaling.LINEAR), None, 0.9),  # a share stays one
        (Continuous("x", 0, 0.9, Scaling.LINEAR), None, 0.99),
        (Continuous("x", -1, 1, Scaling.LINEAR), -2, 2),
        (Continuous("x", 0, 3, Scaling.LINEAR), None, 4.5),
        (Integer("x", 1, 9, Scaling.LINEAR), None, 13),  # a count is at least 1
        (Integer("x", 4, 10, Scaling.LINEAR), 1, 13),
    ],
)
def test_how_far_a_range_can_move(parameter: Continuous | Integer, low: float | None, high: float | None) -> None:
    known = ranged(parameter)
    assert known.farther("x", Edge.LOW) == (None if low is None else pytest.approx(low))
    assert known.farther("x", Edge.HIGH) == (None if high is None else pytest.approx(high))
    assert known.widened("x", Edge.LOW).get("x") == (None if low is None else pytest.approx((low, parameter.high)))
    assert known.farther("y", Edge.LOW) is None


def test_no_rate_moves_to_zero() -> None:
    assert ranged(Continuous("eta", 0.01, 0.5, Scaling.LINEAR)).farther("eta", Edge.LOW) == pytest.approx(0.001)
    assert ranged(Continuous("dropout", 0.01, 0.5, Scaling.LINEAR)).farther("dropout", Edge.LOW) == 0


def test_epochs_move_to_the_double() -> None:
    assert ranged(Integer("epochs", 4, 10, Scaling.LINEAR)).farther("epochs", Edge.HIGH) == 20


def test_no_range_moves_beyond_what_died() -> None:
    known = evidence(tuned(diverging, RATE, 40))
    dead = [setting for setting in known.deaths("learning_rate") if setting > 0.1]
    assert known.died == len(dead) > 3
    assert known.ceiling("learning_rate") == min(dead)
    assert 0.99 * min(dead) < known.high_end("learning_rate") < min(dead)
    assert known.farther("learning_rate", Edge.HIGH) is None
    assert known.ceiling("regularization") > 1
    first = next(index for index, trial in enumerate(known.results.trials) if trial.settings["learning_rate"] in dead)
    alone = evidence(replace(known.results, trials=known.results.trials[: first + 1]))
    assert (alone.died, alone.ceiling("learning_rate")) == (1, float("inf"))  # one death may be chance


def test_what_is_as_bad_as_the_dead_above_all_that_live_is_not_tried_again() -> None:
    """A training job that died without its curve showing it: its loss is no better than those of the dead."""
    results = tuned(diverging, RATE, 40)
    dead = [trial for trial in results.trials if float(trial.hyperparameters["learning_rate"]) > 0.1]
    lowest = min(dead, key=lambda trial: float(trial.hyperparameters["learning_rate"]))
    hidden = replace(lowest, curves={})
    known = evidence(replace(results, trials=[hidden if trial is lowest else trial for trial in results.trials]))
    assert known.fits[lowest.name].verdict is Verdict.UNKNOWN
    assert known.ceiling("learning_rate") == lowest.settings["learning_rate"]


def test_what_is_nearly_as_bad_below_a_cliff_that_only_curves_show_is_not_tried_again() -> None:
    """Dead networks print sound numbers: none died by its verdict, and the lowest that is dead is a little better than the others."""
    results = tuned(falling("low"), RATE, 40)
    rates = sorted(float(trial.hyperparameters["learning_rate"]) for trial in results.trials)
    dead = [rate for rate in rates if rate > 0.1]

    def value(trial: TrialResult) -> float | None:
        rate = trial.settings["learning_rate"]
        return 2.1 if rate == dead[0] else 2.3 if rate in dead else trial.reported

    trials = [replace(trial, reported=value(trial)) for trial in results.trials]
    values = {"curve": [(0.1, 1.0, 0.1, 40)], "best_around": 0.1, "importance": 0.5, "confidence": Confidence.HIGH}
    cliff = Effect(name="learning_rate", dies_above=dead[1], **values)  # type: ignore[arg-type] # a test's
    known = evidence(replace(results, trials=trials), cliff)
    assert known.died == 0
    assert known.ceiling("learning_rate") == dead[0]


def test_how_others_with_as_many_ended() -> None:
    known = evidence(tuned(diverging, RATE, 40))
    lively = known.with_as_many("learning_rate")
    assert lively[Verdict.DIVERGED] + lively[Verdict.RATE_TOO_HIGH] == known.died
    least = 0.75 * (known.setting("learning_rate") or 0)
    assert lively.total() == sum(float(trial.hyperparameters["learning_rate"]) >= least for trial in known.results.trials) - 1


def test_roles_are_found_among_what_is_tuned() -> None:
    known = ranged(Continuous("learning_rate", 1e-4, 1, Scaling.LOGARITHMIC))
    assert known.tuned(Role.RATE) == "learning_rate"
    assert known.tuned(Role.PENALTY) == "regularization"
    assert known.tuned(Role.SIZE) is None
    best = known.results.best
    assert best is not None
    assert known.setting("learning_rate") == best.settings["learning_rate"]
    assert (known.setting(None), known.share(None), known.better(None), known.today(None)) == (None, None, None, "")


@pytest.mark.parametrize(
    ("parameter", "role", "is_amount"),
    [
        (Categorical("penalty", ["l1", "l2", "elasticnet"]), Role.PENALTY, False),  # scikit-learn's names of kinds
        (Categorical("learning_rate", ["constant", "adaptive"]), Role.RATE, False),
        (Categorical("batch_size", [16, 64]), Role.BATCH, True),
        (Categorical("hidden_layer_sizes", ["64", "64,64"]), Role.SIZE, True),
    ],
)
def test_a_role_is_of_an_amount(parameter: Categorical, role: Role, is_amount: bool) -> None:  # noqa: FBT001 - a case
    results = tuned(falling("high"), RATE, 6)
    trials = [replace(trial, hyperparameters={parameter.name: str(parameter.values[0])}) for trial in results.trials]
    job = replace(results.tuning_jobs[0], ranges=[parameter])
    known = Evidence(
        results=replace(results, trials=trials, tuning_jobs=[job]),
        fit=Fit(verdict=Verdict.UNKNOWN, reason=""),
        fits={},
        comparison=Comparison(),
        effects={},
    )
    assert known.tuned(role) == (parameter.name if is_amount else None)


def test_equal_objectives_measure_nothing() -> None:
    assert evidence(tuned(lambda _: losses([1.0] * 8, [1.0] * 8), RATE, 20)).shows_directions is False
    assert evidence(tuned(falling("high"), RATE, 20)).measured == 20


def test_costs_are_those_of_the_training_jobs_so_far() -> None:
    known = ranged()
    assert (known.jobs, known.cost(3).seconds, known.cost(0).seconds, known.cost(0, -4).epochs) == (6, 360.0, None, -4)


def test_no_seed_of_an_algorithm_of_aws_s_is_a_range() -> None:
    results = tuned(falling("high"), RATE, 6)
    assert "seed = [1, 2, 3]" in evidence(results).other_seeds(3)
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    of_aws = replace(results, tuning_jobs=[replace(results.tuning_jobs[0], image=image)])
    assert evidence(of_aws).other_seeds(3) == evidence(replace(results, trials=[])).other_seeds(3) == ""
