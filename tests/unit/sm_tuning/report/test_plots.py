"""The report's charts in Python and in notebooks."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sm_tuning import Figure, Invalid, MissingExtra, Plots, Results
from sm_tuning.report import specifications, view_model
from tests.unit.sm_tuning.made_results import made

LITE, FULL = "application/vnd.vegalite.v5+json", "application/vnd.vega.v5+json"
DRAWN: dict[str, Callable[[Plots], Figure]] = {
    "history": Plots.history,
    "history-over-time": lambda plots: plots.history(over_time=True),
    "parallel-coordinates": Plots.parallel,
    "curves-0": Plots.curves,
    "importances": Plots.importances,
    "slice-learning_rate": Plots.slice,
    "slice-kind": lambda plots: plots.slice("kind"),
    "contour": Plots.contour,
}


@pytest.fixture(scope="module")
def results() -> Results:
    return Results.of(made(20))


def test_they_are_the_specifications_of_the_report(results: Results) -> None:
    ours = specifications(view_model(made(20)))
    for name, draw in DRAWN.items():
        assert draw(results.plot).specification == ours[name], name
    assert results.plot is results.plot


@pytest.mark.parametrize(("draw", "kind"), [(Plots.history, LITE), (Plots.parallel, FULL)])
def test_a_notebook_gets_vega_and_a_picture(results: Results, draw: Callable[[Plots], Figure], kind: str) -> None:
    figure = draw(results.plot)
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {kind, "image/svg+xml", "text/plain"}
    assert bundle[kind]["$schema"].endswith("v5.json")
    assert bundle[kind]["background"] == "#ffffff"
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == f"<Figure {figure.title!r}: save('chart.svg') draws it>"
    json.dumps(bundle, allow_nan=False)


def test_a_picture_needs_an_extra_and_vega_needs_none(results: Results, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    figure = results.plot.history()
    assert set(figure._repr_mimebundle_()) == {LITE, "text/plain"}
    for refused in (figure.svg, figure.png, lambda: figure.save(tmp_path / "chart.svg")):
        with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[results\]'"):
            refused()
    assert json.loads(figure.save(tmp_path / "chart.json").read_text()) == figure.specification


def test_they_are_written_as_the_name_of_the_file_says(results: Results, tmp_path: Path) -> None:
    figure = results.plot.importances()
    assert figure.save(str(tmp_path / "chart.svg")).read_text(encoding="utf-8").startswith("<svg")
    assert figure.save(tmp_path / "chart.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(Invalid, match=r"chart.pdf ends with '.pdf'; it must end with .svg, .png or .json"):
        figure.save(tmp_path / "chart.pdf")


def test_the_note_stands_below_the_title(results: Results) -> None:
    figure = results.plot.history()
    assert "2 failed, diverged or rate too high without an objective" in figure.note
    assert " ".join(figure.specification["title"]["subtitle"]) == figure.note
    assert figure.specification["title"]["text"] == figure.title


def test_curves_of_one_training_job(results: Results) -> None:
    figure = results.plot.curves("validation:loss", training_job="job-0003")
    assert figure.title == "loss"
    assert figure.specification["params"][4]["name"] == "front"
    assert figure.specification["params"][4]["value"] == 3
    assert {row["i"] for row in figure.specification["datasets"]["curves"]} == set(range(20))


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda plots: plots.slice("depth"), "hyperparameter is 'depth'; the tuned ones are learning_rate, units, kind"),
        (lambda plots: plots.curves("f1"), "metric is 'f1'; the metrics with learning curves are loss"),
        (lambda plots: plots.curves(training_job="x"), "training_job is 'x'; none of the 20 training jobs has that name"),
    ],
)
def test_what_there_is_not_is_refused_by_name(results: Results, draw: Callable[[Plots], Figure], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        draw(results.plot)


@pytest.mark.parametrize("name", list(DRAWN))
def test_before_there_is_anything_they_say_what_is_missing(name: str) -> None:
    empty = made(20)
    plots = Results(tuning_jobs=empty.tuning_jobs, trials=[]).plot
    with pytest.raises(Invalid, match=r"there is nothing to draw: |the tuned ones are none"):
        DRAWN[name](plots)
