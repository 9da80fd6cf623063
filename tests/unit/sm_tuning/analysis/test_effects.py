"""Effects of hyperparameters in planted spaces."""

import math
import random
from dataclasses import replace

import pytest

from sm_tuning import Auto, Categorical, Continuous, Integer, Objective, Scaling
from sm_tuning.analysis import Remedy, diagnose
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.effects import position
from sm_tuning.analysis.results import Results
from tests.unit.sm_tuning.planted import RATE, diverging, effect, falling, remedies, tuned


@pytest.mark.parametrize("seed", range(5))
def test_where_training_diverges(seed: int) -> None:
    diagnosis = diagnose(tuned(diverging, RATE, 40, seed))
    above = effect(diagnosis, "learning_rate").dies_above
    assert above is not None
    assert 0.08 < above < 0.3
    assert effect(diagnosis, "regularization").dies_above is None
    assert any(remedy.startswith("end the range of learning_rate at 0.") for remedy in remedies(diagnosis))


@pytest.mark.parametrize("seed", range(5))
def test_which_hyperparameter_matters(seed: int) -> None:
    diagnosis = diagnose(tuned(falling("high"), RATE, 40, seed))
    assert effect(diagnosis, "learning_rate").importance > 0.7
    assert effect(diagnosis, "regularization").importance < 0.3
    assert diagnosis.effects[0].name == "learning_rate"


@pytest.mark.parametrize(("towards", "word"), [("high", "upwards"), ("low", "downwards")])
def test_an_optimum_at_the_edge(towards: str, word: str) -> None:
    diagnosis = diagnose(tuned(falling(towards), RATE, 60))
    assert effect(diagnosis, "learning_rate").edge == towards
    assert f"widen the range of learning_rate {word}" in remedies(diagnosis)
    (advice,) = (advice for advice in diagnosis.advice if advice.kind is Remedy.WIDEN_RANGE)
    low, high = advice.ranges["learning_rate"]
    assert (low, high > 1.0) == (1e-4, True) if towards == "high" else (high, low < 1e-4) == (1.0, True)


def test_an_optimum_inside_is_not_at_the_edge() -> None:
    diagnosis = diagnose(tuned(diverging, RATE, 60))
    assert effect(diagnosis, "learning_rate").edge is None
    assert not any(remedy.startswith("widen") for remedy in remedies(diagnosis))


def test_a_scale_that_does_not_suit() -> None:
    diagnosis = diagnose(tuned(diverging, {"learning_rate": (1e-4, 1.0, "Linear")}, 60))
    assert effect(diagnosis, "learning_rate").wants_logarithmic
    assert "search learning_rate on a logarithmic scale" in remedies(diagnosis)


def test_auto_is_the_scale_on_which_it_was_searched() -> None:
    """The emulator searches three powers of ten logarithmically; what AWS does only the values tell."""
    named = tuned(diverging, {"learning_rate": (1e-4, 1.0, "Logarithmic")}, 60)
    auto = replace(named, tuning_jobs=[replace(named.tuning_jobs[0], ranges=[Continuous("learning_rate", 1e-4, 1.0)])])
    assert not effect(diagnose(auto), "learning_rate").wants_logarithmic
    assert remedies(diagnose(auto)) == remedies(diagnose(named))
    rates = [1e-4 + (number / 60) ** 1.3 for number in range(60)]
    trials = [
        replace(trial, hyperparameters={"learning_rate": repr(rate)}, reported=rate)
        for trial, rate in zip(auto.trials, rates, strict=True)
    ]
    assert effect(diagnose(replace(auto, trials=trials)), "learning_rate").wants_logarithmic


def test_the_best_of_numeric_categories_may_lie_at_the_edge() -> None:
    results = tuned(falling("high"), RATE, 30)
    sizes = {trial.name: str(2 ** (4 + 5 * rank // 30)) for rank, trial in enumerate(reversed(results.ranking))}
    trials = [replace(trial, hyperparameters={"batch_size": sizes[trial.name]}) for trial in results.trials]
    job = replace(results.tuning_jobs[0], ranges=[Categorical("batch_size", ["16", "32", "64", "128", "256"])])
    diagnosis = diagnose(Results(tuning_jobs=[job], trials=trials))
    assert effect(diagnosis, "batch_size").edge == "high"
    assert "widen the range of batch_size upwards" in remedies(diagnosis)


def test_one_training_job_that_is_far_off_does_not_hide_the_effect() -> None:
    results = tuned(falling("high"), RATE, 40)
    trials = [replace(results.trials[0], reported=1e12), *results.trials[1:]]
    assert effect(diagnose(replace(results, trials=trials)), "learning_rate").importance > 0.7


def test_where_a_value_lies_in_its_range() -> None:
    assert position(Continuous("rate", 1e-4, 1, Scaling.LOGARITHMIC), 0.01) == pytest.approx(0.5)
    assert position(Integer("units", 8, 64), 36) == 0.5
    assert position(Categorical("batch", [16, 32, 64]), 32) == 0.5
    for parameter in (Categorical("flag", [0, 1]), Categorical("kind", ["a", "b", "c"]), Auto("rate", "0.1"), None):
        assert position(parameter, 1.0) is None


def test_the_best_part_is_named() -> None:
    diagnosis = diagnose(tuned(diverging, RATE, 60))
    around = effect(diagnosis, "learning_rate").best_around
    assert isinstance(around, float)
    assert 0.003 < around < 0.03  # the best rate is 0.01


@pytest.mark.parametrize(
    ("towards", "goal"), [("high", "minimize"), ("low", "minimize"), ("high", "maximize"), ("low", "maximize")]
)
def test_which_end_is_better(towards: str, goal: str) -> None:
    results = tuned(falling(towards), RATE, 20)
    if goal == "maximize":
        job = replace(results.tuning_jobs[0], objective=Objective.maximize("validation:score"))
        trials = [replace(trial, reported=-(trial.reported or 0.0), curves={}) for trial in results.trials]
        results = Results(tuning_jobs=[job], trials=trials)
    diagnosis = diagnose(results)
    assert (effect(diagnosis, "learning_rate").better, effect(diagnosis, "learning_rate").confidence) == (
        towards,
        Confidence.HIGH,
    )
    assert effect(diagnosis, "regularization").better is None


def test_a_best_inside_has_no_better_end() -> None:
    assert effect(diagnose(tuned(diverging, {"learning_rate": (1e-3, 0.1, "Logarithmic")}, 40)), "learning_rate").better is None


def of_optimizers(bad: frozenset[str], noise: float, seed: int) -> Results:
    results = tuned(falling("high"), RATE, 24, seed)
    chance = random.Random(seed)
    trials = []
    for trial in results.trials:
        kind = chance.choice(["adam", "sgd", "lamb"])
        value = 0.3 + (0.5 if kind in bad else 0.0) + chance.gauss(0, noise)
        trials.append(replace(trial, hyperparameters={"optimizer": f'"{kind}"'}, reported=value))
    job = replace(results.tuning_jobs[0], ranges=[Categorical("optimizer", ["adam", "sgd", "lamb"])])
    return Results(tuning_jobs=[job], trials=trials)


@pytest.mark.parametrize("bad", [{"sgd"}, {"sgd", "lamb"}, set[str]()])
def test_bad_categories_are_named(bad: set[str]) -> None:
    diagnosis = diagnose(of_optimizers(frozenset(bad), 0.05, 1))
    assert set(effect(diagnosis, "optimizer").bad_categories) == bad


def test_effects_are_the_same_number_with_dead_training_jobs_as_without_their_objectives() -> None:
    """A dead network's objective is as bad as none: what it says does not hang on how the script ends."""
    results = tuned(diverging, RATE, 30)
    dead = {trial.name for trial in results.trials if float(trial.hyperparameters["learning_rate"]) > 0.1}
    without = [replace(trial, reported=None) if trial.name in dead else trial for trial in results.trials]
    first, second = diagnose(results), diagnose(replace(results, trials=without))
    assert len(dead) > 3
    assert [each.importance for each in first.effects] == pytest.approx([each.importance for each in second.effects])


def test_what_is_said_of_an_effect() -> None:
    (rate, idle) = diagnose(tuned(diverging, RATE, 40)).effects
    assert rate.remarks == [f"training dies above {rate.dies_above:.3g}"]
    assert idle.remarks == ["nothing shows that it matters"]
    (optimizer,) = diagnose(of_optimizers(frozenset({"sgd"}), 0.05, 1)).effects
    assert optimizer.remarks == ["bad: sgd"]
    (rate, _) = diagnose(tuned(falling("high"), RATE, 40)).effects
    assert rate.remarks[0] in {"the best lie at its high end", "higher is better"}


def test_what_may_be_chance_has_no_number_and_comes_last() -> None:
    """Its settings follow those of another that decides, as a search's do: "decides 81 %" was said of either."""
    results = tuned(falling("high"), RATE, 12)
    trials = [
        replace(trial, hyperparameters={**trial.hyperparameters, "momentum": repr(0.5 + 0.1 * math.log10(float(rate)))})
        for trial in results.trials
        for rate in [trial.hyperparameters["learning_rate"]]
    ]
    ranges = [*results.tuning_jobs[0].ranges, Continuous("momentum", 0.1, 0.5)]
    diagnosis = diagnose(Results(tuning_jobs=[replace(results.tuning_jobs[0], ranges=ranges)], trials=trials))
    rate, momentum = effect(diagnosis, "learning_rate"), effect(diagnosis, "momentum")
    assert min(rate.importance, momentum.importance) > 0.3
    assert [each.decides for each in diagnosis.effects] == ["?", "?", "?"]
    assert rate.remarks[0] == "too few training jobs to tell it from momentum"
    assert momentum.remarks[0] == "too few training jobs to tell it from learning_rate"
    sure = diagnose(results).effects
    assert (sure[0].name, sure[0].decides, sure[1].decides) == ("learning_rate", f"{sure[0].importance:.0%}", "?")


def test_too_few_training_jobs_to_tell_one_from_chance() -> None:
    chance = random.Random(5)
    results = tuned(falling("high"), RATE, 10)
    trials = [replace(trial, reported=chance.gauss(0.5, 0.1)) for trial in results.trials]
    remarks = [each.remarks[0] for each in diagnose(replace(results, trials=trials)).effects if each.importance > 0.05]
    assert remarks
    assert set(remarks) == {"too few training jobs to tell it from chance"}
