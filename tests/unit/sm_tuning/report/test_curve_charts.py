"""Learning curves: a chart for each kind of metric, with what lies beyond its axis counted."""

import math
from dataclasses import replace
from typing import Any

from sm_tuning.report.curve_charts import MOST_FAMILIES, curve_charts, families_left_out
from sm_tuning.report.view_model import ViewModel, view_model
from tests.unit.sm_tuning.made_results import made


def params(spec: Any) -> dict[str, Any]:
    return {param["name"]: param["value"] for param in spec["params"]}


def test_the_best_is_in_front() -> None:
    view = view_model(made(30))
    chart = curve_charts(view)["curves-0"]
    values = params(chart.spec)
    assert view.trials[values["front"]].is_best
    assert (values["behind"], values["last"], values["best_epoch"]) == (61, 20, view.fit.best_epoch)
    assert chart.title == "loss of the best training job"
    best = [value for values in view.ranking[0].curves.values() for value in values]
    assert values["low"] <= min(best)
    assert values["high"] >= max(best)


def test_a_chosen_one_is_alone() -> None:
    view = view_model(made(30))
    values = params(curve_charts(view, view.trials[3])["curves-0"].spec)
    assert (values["front"], values["behind"]) == (3, 0)


def test_the_specification_is_the_same_for_every_training_job() -> None:
    view = view_model(made(30))
    specs = [curve_charts(view, trial)["curves-0"].spec for trial in view.trials[:3]]
    assert len({str({**spec, "params": 0}) for spec in specs}) == 1


def test_the_objective_s_own_curve_beside_the_loss() -> None:
    results = made(3)
    trials = [replace(trial, curves={**trial.curves, "train:accuracy": (0.5, 0.6)}) for trial in results.trials]
    drawn = curve_charts(view_model(replace(results, trials=trials)))
    assert [chart.spec["usermeta"]["family"] for chart in drawn.values()] == ["loss", "accuracy"]


def with_curve(*values: float) -> ViewModel:
    results = made(1)
    trial = replace(results.trials[0], curves={"validation:loss": values, "train:loss": (1.0, 0.9, 0.8, 0.7)})
    return view_model(replace(results, trials=[trial]))


def test_values_beyond_the_axis_and_no_numbers_are_counted() -> None:
    note = curve_charts(with_curve(1.0, 0.9, 1e9, 0.8, math.nan, math.inf))["curves-0"].note
    assert "1 of its values beyond the axis: triangles" in note
    assert "2 of its values no number: crosses" in note
    assert "beyond" not in curve_charts(with_curve(1.0, 0.9))["curves-0"].note


def test_kinds_without_a_chart_are_named() -> None:
    results = made(1)
    many = {f"validation:m{letter}loss": (1.0, 0.5) for letter in "abcdefgh"}
    view = view_model(replace(results, trials=[replace(results.trials[0], curves=many)]))
    assert len(curve_charts(view)) == MOST_FAMILIES
    assert len(families_left_out(view)) == 2


def test_without_curves_there_is_no_chart() -> None:
    results = made(2)
    bare = replace(results, trials=[replace(trial, curves={}) for trial in results.trials])
    assert curve_charts(view_model(bare)) == {}
