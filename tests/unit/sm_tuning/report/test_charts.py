"""The charts that there are, and those of the objective and of time."""

import json
from dataclasses import replace
from typing import Any

from sm_tuning.analysis.results import Results
from sm_tuning.report import charts
from sm_tuning.report.view_model import view_model
from tests.unit.sm_tuning.made_results import made


def params(spec: Any) -> dict[str, Any]:
    return {param["name"]: param["value"] for param in spec["params"]}


def test_every_chart_has_a_title_and_data() -> None:
    drawn = charts.charts(view_model(made(30)))
    assert set(drawn) == {"history", "history-over-time", "curves-0", "importances", "parallel-coordinates", "slice-learning_rate",
                          "slice-units", "slice-kind", "contour", "timeline"}  # fmt: skip
    for name, chart in drawn.items():
        assert chart.title, name
        assert chart.uses("trials") or chart.uses("effects") or chart.uses("curves"), name
        json.dumps(chart.spec, allow_nan=False)


def test_a_chart_without_data_is_not_drawn() -> None:
    assert charts.charts(view_model(made(0))) == {}
    running = replace(made(1).trials[0], status="InProgress", ended=None, reported=None, curves={})
    assert charts.charts(view_model(Results(tuning_jobs=made(1).tuning_jobs, trials=[running]))) == {}


def test_the_objective_over_number_and_time() -> None:
    view = view_model(made(30))
    by_number, over_time = charts.history(view), charts.history_over_time(view)
    assert by_number is not None
    assert over_time is not None
    assert params(by_number.spec)["last"] == 31
    assert params(over_time.spec)["last"] >= max(trial.end or 0 for trial in view.trials)
    assert by_number.logarithmic is not None
    assert by_number.logarithmic[0] < min(trial.objective for trial in view.ranking if trial.objective is not None)
    lost = sum(trial.objective is None for trial in view.trials)
    assert f"{lost} failed, diverged or rate too high without an objective" in by_number.note


def test_a_value_that_is_far_off_is_counted() -> None:
    results = made(12)
    far = replace(results.trials[0], reported=1e9)
    chart = charts.history(view_model(replace(results, trials=[far, *results.trials[1:]])))
    assert chart is not None
    assert params(chart.spec)["high"] < 10
    assert "1 value lies beyond the axis" in chart.note


def test_what_stays_the_same_while_a_tuning_job_runs() -> None:
    """Only the parameters' values change with new training jobs, so an open page keeps its zoom."""
    first, later = (charts.history(view_model(made(count))) for count in (30, 33))
    assert first is not None
    assert later is not None
    assert {**first.spec, "params": 0} == {**later.spec, "params": 0}
    assert params(first.spec) != params(later.spec)


def test_the_timeline_has_a_lane_for_each_slot() -> None:
    chart = charts.timeline(view_model(made(6)))
    assert chart is not None
    assert chart.spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert params(chart.spec)["last"] == 34


def test_what_ran_within_a_second_is_drawn_and_counted() -> None:
    """Lists of training jobs tell whole seconds: a bar of such a one has no width."""
    results = made(6)
    begun = results.trials[0].started
    short = [replace(trial, started=begun, ended=begun) for trial in results.trials[:2]]
    chart = charts.timeline(view_model(replace(results, trials=[*short, *results.trials[2:]])))
    assert chart is not None
    assert "2 began and ended in the same second" in chart.note
    marks = [(layer["mark"]["type"], layer["transform"]) for layer in chart.spec["layer"]]
    assert [{"filter": "datum.begin === datum.end"} in transform for kind, transform in marks if kind == "tick"] == [True]
    whole = charts.timeline(view_model(results))
    assert whole is not None
    assert "second" not in whole.note
    assert "not drawn" not in whole.note


def test_what_has_not_run_to_an_end_is_counted_below_the_timeline() -> None:
    results = made(9)
    running = [
        replace(trial, status="InProgress", ended=None) if index > 5 else trial for index, trial in enumerate(results.trials)
    ]
    chart = charts.timeline(view_model(replace(results, trials=running)))
    assert chart is not None
    assert chart.note.endswith("3 without a start or an end: not drawn")


def test_lanes_that_are_not_drawn_are_counted() -> None:
    results = made(130)
    at_once = [replace(trial, started=results.trials[0].started, ended=results.trials[0].ended) for trial in results.trials]
    chart = charts.timeline(view_model(replace(results, trials=at_once)))
    assert chart is not None
    assert "10 more lanes are not drawn" in chart.note


def test_a_mark_at_the_end_of_an_axis_is_whole_where_marks_are_clipped() -> None:
    """Half a star is 7 pixels: its area is 190 square pixels, as if it were a square."""
    clipped = [
        (name, layer["encoding"][letter]["scale"])
        for name, chart in charts.charts(view_model(made(30))).items()
        for layer in chart.spec.get("layer", [])
        if layer["mark"].get("clip") and layer["mark"]["type"] == "point"
        for letter in "xy"
        if layer["encoding"][letter]["type"] == "quantitative"
    ]
    assert {name for name, _ in clipped} >= {"history", "history-over-time", "slice-learning_rate", "slice-kind", "contour"}
    assert [name for name, scale in clipped if scale.get("padding", 0) < 190**0.5 / 2] == []
