"""Parts that charts share."""

import json
import math

import pytest

from sm_tuning.report.axes import Axis
from sm_tuning.report.vegalite import Chart, beyond, layer, lite, literal, points, positive, remarks, sentences, tooltip, zoomed
from sm_tuning.report.view_model import view_model
from sm_tuning.spec.metrics import Objective
from tests.unit.sm_tuning.made_results import made


def test_what_lies_beyond_an_axis_is_counted() -> None:
    assert beyond([1.0, 2.0, None], 0, 3) == ""
    assert beyond([1.0, 9.0, None], 0, 3) == "1 value lies beyond the axis: triangles at its edge"
    assert beyond([-1.0, 9.0], 0, 3) == "2 values lie beyond the axis: triangles at its edge"


def test_every_training_job_that_has_ended_has_one_mark() -> None:
    """Within the axis, above, below or without a value: the four layers divide them up."""
    view = view_model(made(30))
    axis = Axis("objective", "loss", 0.5, 0.6)
    layers = points({"field": "number"}, axis, view)
    tests = [part["transform"][-1]["filter"] for part in layers]
    assert tests == [
        "isValid(datum.objective) && datum.objective >= low && datum.objective <= high",
        "datum.objective > high",
        "isValid(datum.objective) && datum.objective < low",
        "!isValid(datum.objective) && datum.outcome === 'failed, diverged or rate too high'",
    ]
    assert all(part["transform"][0] == {"filter": "!picked || picked[datum.i]"} for part in layers)
    off = sum(trial.objective is not None and not 0.5 <= trial.objective <= 0.6 for trial in view.trials)
    lost = sum(trial.objective is None for trial in view.trials)
    said = remarks(view.trials, axis, view)
    assert said == (
        f"{off} values lie beyond the axis: triangles at its edge; {lost} failed, diverged or rate too high without an objective: "
        "crosses at the upper edge"
    )


@pytest.mark.parametrize(
    ("values", "ends"),
    [([1.0, 2.0, None, math.nan], (1 / 1.05, 2.1)), ([0.0, 1.0], None), ([1.0, 1.0], None), ([], None)],
)
def test_only_values_above_zero_have_a_logarithmic_axis(values: list[float | None], ends: tuple[float, float] | None) -> None:
    assert positive(values) == (pytest.approx(ends) if ends else None)


@pytest.mark.parametrize("text", ["loss", "a'b", 'a"b', "a\\b", "</script>", "\U0001d538\u2028", "it's ${x}"])
def test_texts_are_literals(text: str) -> None:
    written = literal(text)
    assert (written[0], written[-1]) == ("'", "'")
    assert "'" not in written[1:-1]
    assert json.loads('"' + written[1:-1] + '"') == text


def test_a_hyperparameter_of_a_taken_name_is_told_too() -> None:
    view = view_model(made(3, others={"status": "x"}))
    titles = [form["title"] for form in tooltip(view)]
    assert len(titles) == len(set(titles))
    assert "status (hyperparameter)" in titles


def test_a_chart_knows_its_data() -> None:
    chart = Chart("a chart", lite([zoomed(layer("trials", {"type": "point"}, {}))], low=0, high=1))
    assert (chart.uses("trials"), chart.uses("curves")) == (True, False)
    assert {param["name"] for param in chart.spec["params"]} == {"low", "high", "picked", "narrow"}


def test_an_objective_that_is_maximized_has_its_lost_ones_below() -> None:
    results = made(12)
    view = view_model(results)
    assert view.objective == Objective.minimize("validation:loss")
    assert points({}, Axis("objective", "loss"), view)[3]["encoding"]["y"] == {"value": 6}
    assert sentences("", "a", "", "b") == "a; b"
