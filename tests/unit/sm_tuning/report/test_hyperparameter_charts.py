"""What hyperparameters did: importances once, a slice for each, the contour of two."""

import math
from dataclasses import replace

import pytest

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.report.hyperparameter_charts import contour, importances, slices
from sm_tuning.report.view_model import view_model
from tests.unit.sm_tuning.made_results import made


def test_importances_are_those_of_the_effects() -> None:
    view = view_model(made(30))
    chart = importances(view)
    assert chart is not None
    assert chart.spec["layer"][0]["encoding"]["y"]["sort"] == ["learning_rate", "units", "kind"]
    assert importances(view_model(made(0))) is None


def test_what_was_stopped_is_drawn_at_the_epochs_that_are_compared() -> None:
    results = made(30)
    cut = [replace(trial, status="Stopped", curves={name: values[:4] for name, values in trial.curves.items()})
           if index % 2 and trial.status == "Completed" else trial for index, trial in enumerate(results.trials)]  # fmt: skip
    view = view_model(replace(results, trials=cut))
    assert view.diagnosis.comparison.epochs == 4
    title = "validation:loss after 4 values"
    chart, drawn = contour(view), slices(view)["slice-units"]
    points = next(part for part in drawn.spec["layer"] if part["mark"]["type"] == "point")
    assert (points["encoding"]["y"]["field"], points["encoding"]["y"]["title"]) == ("compared", title)
    assert chart is not None
    assert chart.spec["layer"][0]["encoding"]["color"]["title"] == title
    shown = importances(view)
    assert shown is not None
    assert shown.note.lower().startswith(f"how much of the differences of {title} each hyperparameter decides")


def test_a_slice_for_each_hyperparameter_the_most_important_first() -> None:
    view = view_model(made(30))
    drawn = slices(view)
    assert list(drawn) == [f"slice-{effect.name}" for effect in view.effects]
    rate = drawn["slice-learning_rate"]
    assert f"decides {view.effects[0].importance:.0%} of the differences" in rate.note
    assert rate.spec["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
    lost = sum(trial.objective is None for trial in view.trials)
    assert f"{lost} failed, diverged or rate too high without an objective" in rate.note


def test_a_bar_that_may_be_chance_has_the_sign_that_the_note_explains() -> None:
    chart = importances(view_model(made(8)))
    assert chart is not None
    assert "?: too few training jobs to tell" in chart.note
    unsure = "datum.confidence === 'low'"
    for layer in chart.spec["layer"]:  # neither a number nor a bar
        length, label = layer["transform"][-2:]
        assert length == {"calculate": f"{unsure} ? 0 : datum.importance", "as": "known"}
        assert label == {"calculate": f"{unsure} ? '?' : format(datum.importance, '.0%')", "as": "label"}
        assert layer["encoding"]["x"]["field"] == "known"
    (bars, *_) = chart.spec["layer"]
    precise = next(each for each in bars["transform"] if each.get("as") == "precise")
    assert precise["calculate"] == f"{unsure} ? '?' : format(datum.importance, '.1%')"
    assert {"precise", "importance"} & {each["field"] for each in bars["encoding"]["tooltip"]} == {"precise"}


def test_the_value_above_which_training_dies_is_marked_in_the_effect_s_own_words() -> None:
    """It may have had a rate too high there, which is no divergence."""
    view = view_model(made(30))
    effects = [replace(view.effects[0], dies_above=0.05), *view.effects[1:]]
    chart = slices(replace(view, diagnosis=replace(view.diagnosis, effects=effects)))["slice-learning_rate"]
    words = [part["data"]["values"][0]["word"] for part in chart.spec["layer"] if "word" in str(part["data"].get("values"))]
    assert set(words) == {"training dies above"}
    assert "training dies above 0.05" in chart.note


def test_a_slice_does_not_call_running_training_jobs_failed() -> None:
    results = made(30)
    first = next(trial for trial in results.trials if trial.status == "Completed")
    running = replace(first, status="InProgress", ended=None, reported=None, curves={})
    after = view_model(replace(results, trials=[running if trial is first else trial for trial in results.trials]))
    before = view_model(results)
    lost = [
        note.split(" failed, diverged or rate too high")[0].split("; ")[-1]
        for note in (slices(view)["slice-units"].note for view in (before, after))
    ]
    assert lost[0] == lost[1]


def test_the_contour_is_of_the_two_most_important() -> None:
    view = view_model(made(60))
    chart = contour(view)
    assert chart is not None
    cells, trials = chart.spec["layer"]
    assert (trials["encoding"]["x"]["title"], trials["encoding"]["y"]["title"]) == ("learning_rate (logarithmic)", "units")
    values = [cell["z"] for cell in cells["data"]["values"]]
    sound = [trial.objective for trial in view.trials if trial.objective is not None and not trial.died]
    assert min(sound) <= min(values) <= max(values) <= max(sound)


def test_a_contour_is_not_called_that_of_the_most_important_where_that_may_be_chance() -> None:
    view = view_model(made(60))
    effects = [replace(effect, confidence=Confidence.HIGH) for effect in view.effects]
    sure = replace(view, diagnosis=replace(view.diagnosis, effects=effects))
    assert view.effects[1].confidence is Confidence.LOW
    titles = [chart.title for each in (view, sure) if (chart := contour(each)) is not None]
    assert titles == ["Contour of two hyperparameters", "Contour of the two most important"]


def test_the_contour_is_low_where_the_objective_is() -> None:
    """The planted best rate is 0.01."""
    chart = contour(view_model(made(200)))
    assert chart is not None
    best = min(chart.spec["layer"][0]["data"]["values"], key=lambda cell: cell["z"])
    assert abs(math.log10(math.sqrt(best["x0"] * best["x1"]) / 0.01)) < 0.5


def test_a_contour_over_categories_has_a_cell_for_each() -> None:
    results = made(60)
    trials = [
        replace(trial, hyperparameters={name: trial.hyperparameters[name] for name in ("learning_rate", "kind")})
        for trial in results.trials
    ]
    chart = contour(view_model(replace(results, trials=trials)))
    assert chart is not None
    assert {cell["y"] for cell in chart.spec["layer"][0]["data"]["values"]} == {"a", "b"}


@pytest.mark.parametrize("count", [0, 2, 5])
def test_too_few_make_no_contour(count: int) -> None:
    assert contour(view_model(made(count))) is None
