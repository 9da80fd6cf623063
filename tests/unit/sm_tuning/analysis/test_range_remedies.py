"""What the effects of hyperparameters ask of their ranges."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sm_tuning import Categorical, Continuous, Scaling
from sm_tuning.analysis import Confidence, Effect, Fit, Remedy, Verdict
from sm_tuning.analysis.advice import Advice
from sm_tuning.analysis.effects import Edge
from sm_tuning.analysis.equal_epochs import compared
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.range_remedies import about_deaths, about_ranges
from sm_tuning.spec.parameters import Range
from tests.unit.sm_tuning.planted import RATE, diverging, falling, tuned

FIT = Fit(verdict=Verdict.GOOD, reason="")


def effect(name: str, **values: Any) -> Effect:
    usual: dict[str, Any] = {"importance": 0.5, "confidence": Confidence.HIGH, **values}
    return Effect(name=name, curve=[(1.0, 0.5, 0.1, 9), (2.0, 0.4, 0.1, 9)], best_around=2.0, **usual)


def evidence(parameter: Range, *effects: Effect, jobs: int = 24) -> Evidence:
    results = tuned(falling("high"), RATE, jobs)
    results = replace(results, tuning_jobs=[replace(results.tuning_jobs[0], ranges=[parameter])])
    fits = {trial.name: FIT for trial in results.trials}
    return Evidence(
        results=results,
        fit=FIT,
        fits=fits,
        comparison=compared(results, fits),
        effects={item.name: item for item in effects},
    )


def ranges(parameter: Range, *effects: Effect) -> list[Advice]:
    return list(about_ranges(evidence(parameter, *effects)))


def test_a_range_is_widened_beyond_its_edge() -> None:
    (advice,) = ranges(Continuous("x", 1, 100, Scaling.LOGARITHMIC), effect("x", edge=Edge.HIGH, better=Edge.HIGH))
    assert advice.remedy == "widen the range of x upwards"
    assert advice.reason == "the best training jobs lie at its high end, 100"
    assert (advice.ranges, advice.confidence, advice.toward) == ({"x": (1.0, 1000.0)}, Confidence.HIGH, Edge.HIGH)
    assert (
        ranges(Continuous("x", 0, 1, Scaling.LINEAR), effect("x", edge=Edge.LOW, better=Edge.LOW)) == []
    )  # there is nothing below


@pytest.mark.parametrize(("edge", "sign"), [(Edge.HIGH, 1), (Edge.LOW, -1)])
def test_where_the_objective_has_levelled_off_nothing_is_to_be_gained_beyond(edge: Edge, sign: int) -> None:
    parameter = Continuous("x", -1, 1, Scaling.LINEAR)
    known = evidence(parameter, effect("x", edge=edge, better=edge))

    def of(worth: Callable[[float], float]) -> list[Advice]:
        xs = [sign * (number - 11.5) / 12 for number in range(24)]
        trials = [
            replace(trial, hyperparameters={"x": repr(x)}, reported=-worth(sign * x))
            for trial, x in zip(known.results.trials, xs, strict=True)
        ]
        return list(about_ranges(replace(known, results=replace(known.results, trials=trials))))

    assert [advice.kind for advice in of(lambda x: x)] == [Remedy.WIDEN_RANGE]
    assert not of(lambda x: min(x, 0.3) + 0.01 * x)


def test_nothing_lies_beyond_a_category_whose_neighbours_were_not_tried() -> None:
    known = evidence(Categorical("x", ["16", "32", "64", "128", "256"]), effect("x", edge=Edge.HIGH, better=Edge.HIGH))
    once = ["128", *["16", "64", "256"] * 8]  # that one may have been bad by something else
    for values, kinds in ((["16", "64", "128", "256"], [Remedy.WIDEN_RANGE]), (["16", "32", "256"], []), (once, [])):
        trials = [
            replace(trial, hyperparameters={"x": values[number % len(values)]}, reported=-float(values[number % len(values)]))
            for number, trial in enumerate(known.results.trials)
        ]
        plan = about_ranges(replace(known, results=replace(known.results, trials=trials)))
        assert [advice.kind for advice in plan] == kinds


def test_an_edge_that_may_be_chance_is_no_reason() -> None:
    parameter = Continuous("x", 1, 100, Scaling.LOGARITHMIC)
    assert ranges(parameter, effect("x", edge=Edge.HIGH, better=Edge.HIGH, confidence=Confidence.LOW)) == []
    assert ranges(parameter, effect("x", edge=Edge.HIGH, better=Edge.HIGH, confidence=Confidence.MEDIUM)) == []
    assert ranges(parameter, effect("x", edge=Edge.HIGH))


@pytest.mark.parametrize(
    ("values", "edge", "wider"),
    [
        (["16", "32", "64"], Edge.HIGH, ["16", "32", "64", "128"]),
        (["16", "32", "64"], Edge.LOW, ["8", "16", "32", "64"]),
        (["1", "2", "3"], Edge.HIGH, ["1", "2", "3", "4"]),
        (["1", "2", "4"], Edge.LOW, None),  # half a unit
        (["16", "32"], Edge.HIGH, None),
        (["a", "b", "c"], Edge.HIGH, None),
        (["0.1", "0.2", "0.3"], Edge.HIGH, None),
    ],
)
def test_categories_that_are_numbers_in_a_row_get_the_next_one(values: list[str], edge: Edge, wider: list[str] | None) -> None:
    plan = ranges(Categorical("x", values), effect("x", edge=edge, better=edge))
    assert [advice.values for advice in plan] == ([] if wider is None else [{"x": wider}])


def test_bad_categories_are_left_out_while_two_remain() -> None:
    bad = effect("kind", bad_categories=["b"])
    (advice,) = about_ranges(of_kinds(["a", "b", "c"], bad))
    assert (advice.kind, advice.remedy, advice.values) == (Remedy.LEAVE_OUT, "leave out b of kind", {"kind": ["a", "c"]})
    assert not list(about_ranges(of_kinds(["a", "b"], bad)))
    assert not list(about_ranges(of_kinds(["a", "b", "c"], bad, jobs=12)))  # two or three of each
    assert not list(about_ranges(of_kinds(["a", "b", "c"], replace(bad, confidence=Confidence.LOW))))


def of_kinds(kinds: list[str], *effects: Effect, jobs: int = 24, good_for_b: float = 2.0) -> Evidence:
    """Each kind in turn over a range that is gone through; `b` is bad below a value of `x`, above it the best."""
    known = evidence(Categorical("kind", kinds), *effects, jobs=jobs)
    trials = []
    for number, trial in enumerate(known.results.trials):
        kind, x = kinds[number % len(kinds)], number / jobs
        value = ((2.0 if x < good_for_b else 0.1) if kind == "b" else 1.0) + 0.01 * (7 * number % jobs)
        trials.append(replace(trial, hyperparameters={"kind": kind, "x": repr(x)}, reported=value))
    job = replace(known.results.tuning_jobs[0], ranges=[Categorical("kind", kinds), Continuous("x", 0, 1, Scaling.LINEAR)])
    return replace(known, results=replace(known.results, tuning_jobs=[job], trials=trials))


def test_a_category_that_another_hyperparameter_makes_good_stays() -> None:
    bad, other = effect("kind", bad_categories=["b"]), effect("x")
    assert [advice.kind for advice in about_ranges(of_kinds(["a", "b", "c"], bad, other))] == [Remedy.LEAVE_OUT]
    assert not list(about_ranges(of_kinds(["a", "b", "c"], bad, other, good_for_b=0.8)))
    assert not list(about_ranges(of_kinds(["a", "b", "c"], bad, replace(other, importance=0.7))))  # they act together
    untried = of_kinds(["a", "b", "c"], bad, other)
    early = [trial for trial in untried.results.trials if trial.hyperparameters["kind"] != "b" or trial.settings["x"] < 0.5]  # type: ignore[operator] # a number
    assert not list(about_ranges(replace(untried, results=replace(untried.results, trials=early))))


def test_a_scale_is_asked_for_with_its_powers_of_ten() -> None:
    (advice,) = ranges(Continuous("x", 1e-3, 10, Scaling.LINEAR), effect("x", wants_logarithmic=True))
    assert (advice.kind, "4 powers of ten" in advice.reason) == (Remedy.LOGARITHMIC_SCALE, True)


def test_what_does_nothing_is_left_where_it_is() -> None:
    parameter, strong = Continuous("x", 0, 1), effect("x")
    idle = effect("regularization", importance=0.01, confidence=Confidence.LOW)
    (advice,) = about_ranges(evidence(parameter, strong, idle, jobs=60))
    assert (advice.kind, advice.remedy.split(" at ")[0]) == (Remedy.LEAVE, "leave regularization")
    assert not list(about_ranges(evidence(parameter, strong, idle, jobs=30)))  # too few to say so
    assert not list(about_ranges(evidence(parameter, replace(strong, confidence=Confidence.LOW), idle, jobs=60)))


def test_a_range_ends_where_training_dies() -> None:
    results = tuned(diverging, RATE, 40)
    died = Fit(verdict=Verdict.RATE_TOO_HIGH, reason="")
    fits = {trial.name: died if float(trial.hyperparameters["learning_rate"]) > 0.1 else FIT for trial in results.trials}
    dead = [rate for trial in results.trials if (rate := float(trial.hyperparameters["learning_rate"])) > 0.1]
    known = Evidence(
        results=results,
        fit=FIT,
        fits=fits,
        comparison=compared(results, fits),
        effects={"learning_rate": effect("learning_rate", dies_above=sorted(dead)[2])},
    )
    (advice,) = about_deaths(known)
    assert (f"{min(dead):.6g}", advice.ranges) == ("0.111975", {"learning_rate": (1e-4, 0.111)})  # not the third that died
    assert advice.remedy == "end the range of learning_rate at 0.111"
    assert f"of 40 training jobs {len(dead)} have 0.112 or more" in advice.reason


@pytest.mark.parametrize("high", [0.11197481, 0.112])
def test_no_range_is_to_end_where_it_ends(high: float) -> None:
    """Training died at the end of the range itself: another end would be the same one, but for its digits."""
    results = tuned(diverging, RATE, 40)
    died = Fit(verdict=Verdict.RATE_TOO_HIGH, reason="")
    fits = {trial.name: died if float(trial.hyperparameters["learning_rate"]) > 0.1 else FIT for trial in results.trials}
    job = replace(results.tuning_jobs[0], ranges=[Continuous("learning_rate", 1e-4, high, Scaling.LOGARITHMIC)])
    known = Evidence(
        results=replace(results, tuning_jobs=[job]),
        fit=FIT,
        fits=fits,
        comparison=compared(results, fits),
        effects={"learning_rate": effect("learning_rate", dies_above=0.112)},
    )
    assert not list(about_deaths(known))


def test_of_those_above_the_first_deaths_it_is_said_how_many_died() -> None:
    """The best has 0.01; of five above it up to 0.1 one died, of three from 0.1 on all."""
    rates = ["0.01", "0.02", "0.03", "0.04", "0.05", "0.06", "0.1", "0.2", "0.3"]
    results = tuned(falling("low"), RATE, len(rates))
    trials = [
        replace(trial, hyperparameters={"learning_rate": rate}, reported=float(rate))
        for trial, rate in zip(results.trials, rates, strict=True)
    ]
    results = replace(results, trials=trials)
    died = Fit(verdict=Verdict.DIVERGED, reason="")
    fits = {trial.name: died if trial.settings["learning_rate"] in {0.02, 0.1, 0.2, 0.3} else FIT for trial in trials}
    known = Evidence(
        results=results,
        fit=FIT,
        fits=fits,
        comparison=compared(results, fits),
        effects={"learning_rate": effect("learning_rate", dies_above=0.1)},
    )
    (advice,) = about_deaths(known)
    assert advice.remedy == "end the range of learning_rate at 0.0199"  # at 0.02 one died
    assert advice.reason.startswith(
        "of 9 training jobs 8 have 0.02 or more, and 4 of those came to nothing; from 0.1 on nearly all"
    )


def test_where_the_best_lie_at_the_other_end_the_range_moves_down() -> None:
    results = tuned(falling("low"), RATE, 40)
    died = Fit(verdict=Verdict.DIVERGED, reason="")
    fits = {trial.name: died if float(trial.hyperparameters["learning_rate"]) > 0.1 else FIT for trial in results.trials}
    for values, low in (({"better": Edge.LOW}, 1e-5), ({"edge": Edge.LOW}, 1e-5), ({}, 1e-4), ({"better": Edge.HIGH}, 1e-4)):
        known = Evidence(
            results=results,
            fit=FIT,
            fits=fits,
            comparison=compared(results, fits),
            effects={"learning_rate": effect("learning_rate", dies_above=0.5, **values)},
        )
        (advice,) = about_deaths(known)
        assert advice.ranges["learning_rate"][0] == pytest.approx(low)
        assert advice.ranges["learning_rate"][1] < 0.5
