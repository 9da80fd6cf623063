"""Plans for planted tuning jobs: in the order of worth, never against what was measured, never against themselves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from sm_tuning import MetricCheck, Objective
from sm_tuning.analysis import Confidence, Diagnosis, Remedy, Verdict, diagnose
from sm_tuning.analysis.advice import Advice
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.effects import Edge, Effect
from sm_tuning.analysis.equal_epochs import compared
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.fit import Fit
from sm_tuning.analysis.plan import advised, objections
from sm_tuning.analysis.results import Results
from tests.unit.sm_tuning.planted import RATE, diverging, effect, fall, falling, losses, overfitting, remedies, tuned


def kinds(diagnosis: Diagnosis) -> list[Remedy]:
    return [advice.kind for advice in diagnosis.advice]


def with_setting(results: Results, name: str, value: float) -> Results:
    """The same results with one value of a hyperparameter everywhere."""
    trials = [replace(trial, hyperparameters={**trial.hyperparameters, name: repr(value)}) for trial in results.trials]
    return replace(results, trials=trials)


def test_overfitting_asks_for_data_first() -> None:
    """Too many epochs everywhere; regularization helps a little, and that shows."""

    def play(point: Mapping[str, float]) -> Curves:
        train, held = overfitting(40, 12, 0.02 - 0.001 * math.log10(point["regularization"] / 1e-6))
        return losses(train, held)

    diagnosis = diagnose(tuned(play, RATE))
    assert diagnosis.fit.verdict is Verdict.OVERFIT
    assert kinds(diagnosis)[:3] == [Remedy.MORE_DATA, Remedy.STOP_EARLIER, Remedy.MORE_REGULARIZATION]
    assert diagnosis.advice[2].confidence is not Confidence.LOW
    assert all(any(letter.isdigit() for letter in advice.reason) for advice in diagnosis.advice[:2])


def test_too_few_epochs_ask_for_more() -> None:
    def play(_: Mapping[str, float]) -> Curves:
        curve = fall(6, 2.3, 0.1, 0.15)
        return losses(curve, [value + 0.05 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 10))
    assert kinds(diagnosis)[:2] == [Remedy.MORE_EPOCHS, Remedy.HIGHER_RATE]


def test_without_metrics_it_says_what_to_print() -> None:
    diagnosis = diagnose(tuned(lambda _: {}, RATE, 5))
    assert diagnosis.best is None
    assert remedies(diagnosis)[0].startswith("print the training and the validation metric")


@pytest.mark.parametrize("seed", range(3))
def test_an_unimportant_hyperparameter_is_left_alone(seed: int) -> None:
    plan = remedies(diagnose(tuned(falling("high"), RATE, 60, seed)))
    assert [remedy.split(" at ")[0] for remedy in plan if remedy.startswith("leave")] == ["leave regularization"]


def test_a_slow_rate_asks_for_a_higher_one_first() -> None:
    def play(point: Mapping[str, float]) -> Curves:
        curve = [2.3 - 0.01 * (1 + point["learning_rate"]) * epoch for epoch in range(25)]
        return losses(curve, [value + 0.02 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 12))
    assert kinds(diagnosis)[:2] == [Remedy.HIGHER_RATE, Remedy.MORE_EPOCHS]
    low, high = diagnosis.advice[0].ranges["learning_rate"]
    assert (low, high > 1) == (1e-4, True)  # wider, and nothing cut


def test_what_is_measured_outranks_theory() -> None:
    """Curves that fall evenly ask for a higher rate; here a lower one was better in every training job."""

    def play(point: Mapping[str, float]) -> Curves:
        curve = [2.3 - 0.01 * (2 - point["learning_rate"]) * epoch for epoch in range(25)]
        return losses(curve, [value + 0.02 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 12))
    assert effect(diagnosis, "learning_rate").better is Edge.LOW
    assert Remedy.HIGHER_RATE not in kinds(diagnosis)
    assert kinds(diagnosis)[0] is Remedy.MORE_EPOCHS


def test_theory_is_silent_where_training_jobs_show_no_direction() -> None:
    def play(point: Mapping[str, float]) -> Curves:
        rate = abs(math.log10(point["learning_rate"] / 1e-2))
        curve = [2.3 - 0.01 * (2 - 0.2 * rate) * epoch for epoch in range(25)]  # best in the middle of the range
        return losses(curve, [value + 0.02 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 24))
    assert effect(diagnosis, "learning_rate").better is None
    assert Remedy.HIGHER_RATE not in kinds(diagnosis)


def test_when_all_diverge_a_lower_rate_comes_first() -> None:
    diagnosis = diagnose(tuned(lambda _: losses([2.3, math.nan, math.nan], [2.3, math.nan, math.nan]), RATE, 5))
    assert diagnosis.best is None
    assert (diagnosis.fit.verdict, kinds(diagnosis)[0]) == (Verdict.DIVERGED, Remedy.LOWER_RATE)
    low, high = diagnosis.advice[0].ranges["learning_rate"]
    tried = [float(trial.hyperparameters["learning_rate"]) for trial in tuned(lambda _: {}, RATE, 5).trials]
    assert low < 1e-4
    assert 0.99 * min(tried) < high < min(tried)


def test_many_dead_trainings_come_first() -> None:
    """Eleven of twelve are dead: whatever the twelfth looks like, first the range ends where they begin."""

    def play(point: Mapping[str, float]) -> Curves:
        return diverging({"learning_rate": 1.0 if point["learning_rate"] > 3e-4 else 0.01})

    results = tuned(play, RATE, 12, seed=6)
    diagnosis = diagnose(results)
    dead = [float(trial.hyperparameters["learning_rate"]) for trial in results.trials if diagnosis.fits[trial.name].verdict.died]
    assert len(dead) > 6
    assert kinds(diagnosis)[0] is Remedy.END_RANGE
    low, high = diagnosis.advice[0].ranges["learning_rate"]
    assert low == 1e-4
    assert 0.99 * min(dead) < high < min(dead)
    assert not [advice for advice in diagnosis.advice[1:] if advice.hyperparameter == "learning_rate"]


def test_no_advice_undoes_another() -> None:
    """Overfitting by loss while the objective wants more epochs: that is what is tuned, so the epochs do not get fewer."""

    def play(point: Mapping[str, float]) -> Curves:
        return losses(*overfitting(round(point["epochs"]), 8, 0.03))

    ranges = {"epochs": (30.0, 40.0, "Linear")}
    results = tuned(play, ranges, 30)
    trials = [replace(trial, reported=-float(trial.hyperparameters["epochs"])) for trial in results.trials]
    job = replace(results.tuning_jobs[0], objective=Objective.minimize("validation:cost"))
    diagnosis = diagnose(replace(results, tuning_jobs=[job], trials=trials))
    assert effect(diagnosis, "epochs").edge == "high"
    assert Remedy.STOP_EARLIER not in kinds(diagnosis)
    assert "widen the range of epochs upwards" in remedies(diagnosis)
    assert "widen the range of epochs upwards" not in remedies(diagnose(replace(results, trials=trials)))  # the tuned loss turns


def test_a_cliff_is_where_the_range_ends() -> None:
    diagnosis = diagnose(tuned(diverging, RATE, 60))
    (cliff,) = (advice for advice in diagnosis.advice if advice.kind is Remedy.END_RANGE)
    assert cliff.remedy.startswith("end the range of learning_rate at 0.")
    assert cliff.ranges["learning_rate"][0] == 1e-4
    assert f"{cliff.ranges['learning_rate'][1]:.3g}" in cliff.remedy


def test_noise_asks_for_larger_batches() -> None:
    def play(_: Mapping[str, float]) -> Curves:
        jumping = [0.8 + 0.5 * (-1) ** epoch for epoch in range(30)]
        return losses([1.5, *fall(29, 1.0, 0.6, 0.2)], jumping)

    ranges = {"batch_size": (16.0, 256.0, "Logarithmic"), **RATE}
    diagnosis = diagnose(tuned(play, ranges, 6))
    assert kinds(diagnosis)[:3] == [Remedy.LARGER_BATCH, Remedy.LOWER_RATE, Remedy.MORE_VALIDATION_DATA]
    low, high = diagnosis.advice[0].ranges["batch_size"]
    assert 16 < low < 256 <= high


@pytest.mark.parametrize(("rate", "kind"), [(1e-3, Remedy.HIGHER_RATE), (0.5, Remedy.LOWER_RATE)])
def test_where_nothing_moves_the_rate_is_too_low_or_too_high(rate: float, kind: Remedy) -> None:
    diagnosis = diagnose(with_setting(tuned(lambda _: losses([2.3] * 20, [2.31] * 20), RATE, 6), "learning_rate", rate))
    assert diagnosis.fit.verdict is Verdict.UNDERFIT
    assert kinds(diagnosis)[0] is kind
    assert f"learning_rate is {rate:.4g} in the best training job: the steps are too" in diagnosis.advice[0].reason


def sound(point: Mapping[str, float]) -> Curves:
    """A good fit, best in the middle of the rate's range."""
    train = fall(40, 2.3, 0.3 + 0.05 * abs(math.log10(point["learning_rate"] / 1e-2)), 0.25)
    return losses(train, [value + 0.02 for value in train])


def test_a_good_fit_gets_a_next_step() -> None:
    results = tuned(sound, RATE, 24)
    best = results.best
    assert best is not None
    early = [best, *(trial for trial in results.trials if trial is not best)]
    diagnosis = diagnose(replace(results, trials=early))
    assert diagnosis.fit.verdict is Verdict.GOOD
    assert kinds(diagnosis)[:2] == [Remedy.ANOTHER_SEED, Remedy.TEST_SET]
    assert kinds(diagnosis)[-1] is Remedy.STOP
    late = [*(trial for trial in results.trials if trial is not best), best]
    assert kinds(diagnose(replace(results, trials=late)))[-1] is Remedy.NEXT_ROUND


def plan_of(results: Results, fit: Fit, fits: Mapping[str, Fit], effects: Sequence[Effect]) -> Sequence[Advice]:
    named = {effect.name: effect for effect in effects}
    return advised(Evidence(results=results, fit=fit, fits=fits, comparison=compared(results, fits), effects=named))


def test_a_better_scale_is_a_reason_to_search_on() -> None:
    """The best came early and is a good fit: with the scale that is advised the next round differs."""
    results = tuned(sound, RATE, 12)
    results = replace(results, trials=[*results.ranking])
    diagnosis = diagnose(results)
    rate = replace(effect(diagnosis, "learning_rate"), edge=None)
    assert results.best is results.trials[0]
    without, scaled = (
        plan_of(results, diagnosis.fit, diagnosis.fits, [replace(rate, wants_logarithmic=wanted)]) for wanted in (False, True)
    )
    assert without[-1].kind is Remedy.STOP
    assert without[-1].reason.endswith("none of the ranges asks for more")
    unsure = replace(rate, edge=Edge.LOW, confidence=Confidence.LOW)
    assert "the best lie at the low end of learning_rate" in plan_of(results, diagnosis.fit, diagnosis.fits, [unsure])[-1].reason
    assert [advice.kind for advice in scaled][-2:] == [Remedy.LOGARITHMIC_SCALE, Remedy.NEXT_ROUND]
    assert scaled[-1].reason.startswith("with the new ranges of learning_rate")


def test_no_plan_is_empty() -> None:
    """What the best training job lacks cannot be had by any hyperparameter, as far as it shows."""
    results = tuned(sound, {**RATE, "epochs": (8.0, 40.0, "Linear")}, 12)
    results = replace(results, trials=[*results.ranking])  # the best came first
    diagnosis = diagnose(results)
    improving = replace(diagnosis.fit, verdict=Verdict.IMPROVING, confidence=Confidence.LOW, reason="it still gets better")
    effects = [replace(each, better=None, edge=None) for each in diagnosis.effects]
    (last,) = plan_of(results, improving, diagnosis.fits, effects)
    assert (last.kind, last.confidence) == (Remedy.NEXT_ROUND, Confidence.LOW)
    assert last.reason.startswith("it still gets better, and no training job shows that a range should change; ")
    assert "? Not by what was measured: 12 training jobs show no direction of epochs" in last.reason


@pytest.mark.parametrize(
    ("jobs", "definitions", "how"),
    [
        (1, 1, "; `sm-tuning next` writes that tuning job"),
        (2, 1, "; in Python `Diagnosis.next_round` makes that tuning job"),
        (1, 2, ""),  # a warm start takes one definition
    ],
)
def test_how_the_next_round_is_written(jobs: int, definitions: int, how: str) -> None:
    results = tuned(lambda _: losses([2.3, math.nan, math.nan], [2.3, math.nan, math.nan]), RATE, 5)
    job = replace(results.tuning_jobs[0], request={"TrainingJobDefinitions": [{}] * definitions})
    last = diagnose(replace(results, tuning_jobs=[job] * jobs)).advice[-1]
    assert (last.kind, last.reason) == (Remedy.NEXT_ROUND, f"with the new ranges of learning_rate{how}")


def test_without_an_objective_it_says_what_is_to_be_mended_instead_of_searching_on() -> None:
    results = tuned(lambda _: {}, RATE, 3)
    name = results.objective.name
    (printing,) = diagnose(results).advice
    assert (printing.kind, printing.reason) == (Remedy.PRINT_METRICS, f"3 training jobs have ended without a value of {name}")
    check = MetricCheck(metric=name, regex="loss: (.+)", lines=7, matches=0)
    silent = replace(results, trials=[replace(trial, silent=[check]) for trial in results.trials])
    (matching,) = diagnose(silent).advice
    assert matching.kind is Remedy.MATCH_OBJECTIVE
    silence = "the regex 'loss: (.+)' has matched none of 7 lines of a log"
    assert matching.reason == f"3 training jobs have ended without a value of {name}; {silence}"
    failed = [replace(trial, status="Failed", failure_reason="KeyError: 'x'") for trial in results.trials]
    (mending,) = diagnose(replace(results, trials=failed)).advice
    assert mending.kind is Remedy.MEND_SCRIPT
    assert "KeyError: 'x'" in mending.reason
    running = [replace(trial, status="InProgress", ended=None) for trial in results.trials]
    assert diagnose(replace(results, trials=running)).advice == []


def test_each_advice_has_a_cost() -> None:
    diagnosis = diagnose(tuned(sound, RATE, 24))
    costs = {advice.kind: advice.cost for advice in diagnosis.advice}
    assert (costs[Remedy.ANOTHER_SEED].training_jobs, costs[Remedy.ANOTHER_SEED].seconds) == (2, 240)  # two minutes each
    assert costs[Remedy.TEST_SET].training_jobs == 0
    overfit = diagnose(tuned(lambda _: losses(*overfitting(40, 12, 0.02)), RATE, 5))
    saved = next(advice for advice in overfit.advice if advice.kind is Remedy.STOP_EARLIER)
    assert saved.cost.epochs is not None
    assert -35 < saved.cost.epochs < -15


# --- what speaks against an advice ------------------------------------------------------------------------------------------


def evidence(results: Results, **of_rate: object) -> Evidence:
    """Evidence that says something of the learning rate."""
    values = {"curve": [(1.0, 0.5, 0.1, 30)], "best_around": 1.0, "importance": 0.5, "confidence": Confidence.HIGH, **of_rate}
    diagnosis = diagnose(results)
    rate = Effect(name="learning_rate", **values)  # type: ignore[arg-type] # a test's
    return Evidence(
        results=results,
        fit=diagnosis.fit,
        fits=diagnosis.fits,
        comparison=diagnosis.comparison,
        effects={"learning_rate": rate},
    )


def advice(kind: Remedy, name: str | None = "learning_rate", toward: Edge | None = None) -> Advice:
    return Advice(kind=kind, remedy=kind.value, reason="", hyperparameter=name, toward=toward)


@pytest.mark.parametrize(
    ("of_rate", "kind", "toward", "said"),
    [
        ({"better": Edge.LOW}, Remedy.HIGHER_RATE, Edge.HIGH, ["the objective gets better towards the low end of learning_rate"]),
        ({"edge": Edge.HIGH}, Remedy.LOWER_RATE, Edge.LOW, ["the objective gets better towards the high end of learning_rate"]),
        ({"better": Edge.HIGH}, Remedy.HIGHER_RATE, Edge.HIGH, []),
        (
            {"better": Edge.HIGH, "dies_above": 0.02},
            Remedy.HIGHER_RATE,
            Edge.HIGH,
            ["training comes to little or nothing with learning_rate at 0.02"],
        ),
        ({}, Remedy.HIGHER_RATE, Edge.HIGH, ["24 training jobs show no direction of learning_rate"]),
        ({}, Remedy.STOP_EARLIER, Edge.LOW, []),  # the curve shows it
        ({"better": Edge.HIGH}, Remedy.MORE_EPOCHS, Edge.HIGH, []),
        ({}, Remedy.LEAVE, None, []),
        (
            {"better": Edge.HIGH, "confidence": Confidence.LOW},
            Remedy.HIGHER_RATE,
            Edge.HIGH,
            ["24 training jobs show no direction of learning_rate"],
        ),
    ],
)
def test_what_was_measured_speaks_against_an_advice(
    of_rate: Mapping[str, object], kind: Remedy, toward: Edge | None, said: list[str]
) -> None:
    assert list(objections(advice(kind, toward=toward), [], evidence(tuned(falling("high"), RATE, 24), **of_rate))) == said


def test_no_direction_where_the_objective_levels_off_before_the_end() -> None:
    (said,) = objections(advice(Remedy.HIGHER_RATE, toward=Edge.HIGH), [], evidence(tuned(sound, RATE, 24), better=Edge.HIGH))
    assert said == "the objective is hardly better at the high end of learning_rate than before it"


def test_more_epochs_are_not_asked_for_where_as_many_overfit() -> None:
    def play(point: Mapping[str, float]) -> Curves:
        epochs = round(point["epochs"])
        train = fall(epochs, 2.3, 0.3, 0.05)
        return losses(train, [value + 0.02 for value in train])

    ranges = {"epochs": (8.0, 12.0, "Linear")}
    diagnosis = diagnose(tuned(play, ranges, 12))
    assert diagnosis.fit.verdict is Verdict.IMPROVING
    assert Remedy.MORE_EPOCHS in kinds(diagnosis)
    known = Evidence(
        results=tuned(play, ranges, 12),
        fit=diagnosis.fit,
        fits={
            name: fit if name == diagnosis.best else replace(fit, verdict=Verdict.OVERFIT) for name, fit in diagnosis.fits.items()
        },
        comparison=diagnosis.comparison,
        effects={effect.name: effect for effect in diagnosis.effects},
    )
    more = next(advice for advice in diagnosis.advice if advice.kind is Remedy.MORE_EPOCHS)
    for proposed in (more, replace(more, kind=Remedy.WIDEN_RANGE)):
        (said,) = objections(proposed, [], known)
        assert said.endswith("training jobs with about as many epochs overfit")
    assert not list(objections(replace(more, kind=Remedy.WIDEN_RANGE, toward=Edge.LOW), [], known))


@pytest.mark.parametrize(
    ("best", "others", "asked"),
    [
        (12.0, Verdict.IMPROVING, True),
        (9.0, Verdict.IMPROVING, False),  # others had more, and were no better
        (12.0, Verdict.GOOD, False),  # with as many they have levelled off
    ],
)
def test_more_epochs_are_asked_for_where_nobody_has_tried_more_and_most_still_improve(
    best: float, others: Verdict, *, asked: bool
) -> None:
    def play(point: Mapping[str, float]) -> Curves:
        curve = fall(12, 2.3, 0.2, 0.05)
        return losses(curve, [value + 0.1 * abs(point["epochs"] - best) for value in curve])

    results = tuned(play, {"epochs": (8.0, 12.0, "Linear")}, 12)
    diagnosis = diagnose(results)
    fits = {name: fit if name == diagnosis.best else replace(fit, verdict=others) for name, fit in diagnosis.fits.items()}
    flat = Effect(name="epochs", curve=[], best_around=12.0, importance=0.0, confidence=Confidence.LOW)
    known = Evidence(results=results, fit=diagnosis.fit, fits=fits, comparison=diagnosis.comparison, effects={"epochs": flat})
    said = list(objections(advice(Remedy.MORE_EPOCHS, "epochs", Edge.HIGH), [], known))
    assert said == ([] if asked else ["12 training jobs show no direction of epochs"])


@pytest.mark.parametrize(
    ("chosen", "proposed", "speaks"),
    [
        (advice(Remedy.STOP_EARLIER, "epochs"), advice(Remedy.MORE_EPOCHS, None), True),  # opposites
        (advice(Remedy.LARGER_MODEL, None), advice(Remedy.SMALLER_MODEL, "depth"), True),
        (advice(Remedy.END_RANGE), advice(Remedy.WIDEN_RANGE), True),  # two changes of one range
        (advice(Remedy.END_RANGE), advice(Remedy.LOGARITHMIC_SCALE), False),
        (advice(Remedy.WIDEN_RANGE, "a"), advice(Remedy.WIDEN_RANGE, "b"), False),
        (advice(Remedy.MORE_DATA, None), advice(Remedy.MORE_DATA, None), True),
        (advice(Remedy.MORE_DATA, None), advice(Remedy.AUGMENTATION, None), False),
    ],
)
def test_what_was_chosen_speaks_against_an_advice(chosen: Advice, proposed: Advice, *, speaks: bool) -> None:
    assert any(objections(proposed, [chosen], evidence(tuned(sound, RATE, 12)))) is speaks
