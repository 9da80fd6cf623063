"""Axes hold every value that was tried, and leave out of the objective's only what is far off."""

import math
from dataclasses import replace

import pytest

from sm_tuning.report.axes import Axis, category, hyperparameter_axes, objective_axis, spread, unit_of
from sm_tuning.report.view_model import view_model
from sm_tuning.spec.parameters import Categorical, Continuous
from tests.unit.sm_tuning.made_results import RANGES, made


def test_what_is_far_off_does_not_widen_an_axis() -> None:
    low, high = spread([1.0, 1.1, 1.2, 1.3, 1e9, math.nan, math.inf])
    assert 0.9 < low < 1.0
    assert 1.3 < high < 1.5
    assert spread([]) == (0.0, 1.0)
    assert spread([3.0]) == pytest.approx((2.85, 3.15))


def test_each_hyperparameter_has_its_range() -> None:
    axes = hyperparameter_axes(view_model(made(30)))
    assert [(axis.field, axis.low, axis.high, axis.logarithmic) for axis in axes.values()][:2] == [
        ("h0", 1e-4, 1.0, True),
        ("h1", 8.0, 64.0, False),
    ]
    assert list(axes["kind"].categories) == ["a", "b"]


def test_the_axis_of_auto_is_that_on_which_the_emulator_searches() -> None:
    results = made(4)
    ranges = [Continuous("learning_rate", 1e-4, 1.0), Continuous("units", 8, 64)]
    axes = hyperparameter_axes(view_model(replace(results, tuning_jobs=[replace(results.tuning_jobs[0], ranges=ranges)])))
    assert (axes["learning_rate"].logarithmic, axes["units"].logarithmic) == (True, False)


def test_values_outside_the_range_are_on_the_axis_too() -> None:
    """Of a warm start or a compared tuning job."""
    results = made(4)
    far = replace(results.trials[0], hyperparameters={**results.trials[0].hyperparameters, "units": "500", "learning_rate": "0"})
    axes = hyperparameter_axes(view_model(replace(results, trials=[far, *results.trials[1:]])))
    assert axes["units"].high == 500
    assert (axes["learning_rate"].low, axes["learning_rate"].logarithmic) == (0.0, False)


def test_the_range_of_any_tuning_job_makes_the_axis() -> None:
    results = made(4)
    job = results.tuning_jobs[0]
    axes = hyperparameter_axes(view_model(replace(results, tuning_jobs=[replace(job, ranges=()), replace(job, name="other")])))
    known = hyperparameter_axes(view_model(results))
    assert [(axis.title, axis.low, axis.high) for axis in axes.values()] == [
        (axis.title, axis.low, axis.high) for axis in known.values()
    ]


def test_values_of_an_unknown_range_make_the_axis() -> None:
    results = made(30)
    view = view_model(replace(results, tuning_jobs=[replace(results.tuning_jobs[0], ranges=())]))
    axes = hyperparameter_axes(view)
    values = [float(trial.hyperparameters["units"]) for trial in view.trials]
    assert (axes["units"].low, axes["units"].high) == (min(values), max(values))
    assert axes["units"].title == "units (range not known)"
    assert list(axes["kind"].categories) == ["a", "b"]


def test_numeric_categories_are_in_the_order_of_numbers() -> None:
    results = made(3)
    ranges = [*RANGES[:2], Categorical("kind", [128, 8, 16])]
    trials = [
        replace(trial, hyperparameters={**trial.hyperparameters, "kind": f'"{kind}"'})
        for trial, kind in zip(results.trials, ("128", "16", "8"), strict=True)
    ]
    view = view_model(replace(results, trials=trials, tuning_jobs=[replace(results.tuning_jobs[0], ranges=ranges)]))
    axis = hyperparameter_axes(view)["kind"]
    assert list(axis.categories) == ["8", "16", "128"]


def test_positions_and_values_are_each_others_inverse() -> None:
    axis = Axis("h0", "rate", 1e-4, 1.0, logarithmic=True)
    assert axis.position(0.01) == pytest.approx(0.5)
    assert axis.at(0.5) == pytest.approx(0.01)
    assert axis.position("text") is None
    assert Axis("h1", "kind", categories=["a", "b", "c"]).position("b") == 0.5
    assert Axis("h1", "kind", categories=["a", "b", "c"]).position("z") is None


def test_a_logarithmic_axis_has_no_zero() -> None:
    scale = Axis("h0", "rate", 1e-4, 1.0, logarithmic=True).encoding()["scale"]
    assert (scale["type"], "zero" in scale) == ("log", False)


def test_the_objective_s_axis_is_of_what_did_not_diverge() -> None:
    view = view_model(made(30))
    axis = objective_axis(view)
    sound = [trial.objective for trial in view.trials if trial.objective is not None and not trial.died]
    assert axis.low < min(sound)
    assert axis.high > max(sound)


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (0.5, "0.5"), ("a\u202eb", "a#u202eb")])
def test_categories_are_texts(value: float | str, text: str) -> None:
    assert category(value) == text


@pytest.mark.parametrize(("seconds", "unit"), [(299, ("seconds", 1)), (300, ("minutes", 60)), (18_000, ("hours", 3600))])
def test_units_of_time(seconds: float, unit: tuple[str, float]) -> None:
    assert unit_of(seconds) == unit
