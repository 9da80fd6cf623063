"""Parallel coordinates: an axis and a brush for each hyperparameter and the objective."""

from dataclasses import replace

from sm_tuning.report.parallel import parallel_coordinates
from sm_tuning.report.view_model import view_model
from tests.unit.sm_tuning.made_results import made


def test_a_brush_on_each_axis() -> None:
    chart = parallel_coordinates(view_model(made(30)))
    assert chart is not None
    assert chart.spec["usermeta"]["brushes"] == ["brush_0", "brush_1", "brush_2", "brush_3"]
    assert [scale["type"] for scale in chart.spec["scales"][1:]] == ["log", "linear", "point", "linear"]
    names = {signal["name"] for signal in chart.spec["signals"]}
    assert names == {"picked", "brush_0", "brush_1", "brush_2", "brush_3"}


def test_what_is_beyond_the_objective_s_axis_is_counted() -> None:
    results = made(12)
    far = replace(results.trials[0], reported=1e9)
    chart = parallel_coordinates(view_model(replace(results, trials=[far, *results.trials[1:]])))
    assert chart is not None
    assert "1 value lies beyond the axis" in chart.note
    assert "without an objective end before its axis" in chart.note


def test_nothing_to_compare() -> None:
    assert parallel_coordinates(view_model(made(1))) is None
    bare = [replace(trial, hyperparameters={}) for trial in made(5).trials]
    assert parallel_coordinates(view_model(replace(made(5), trials=bare))) is None
