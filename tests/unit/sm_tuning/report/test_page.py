"""The report: complete, safe with hostile names, and quick with a thousand training jobs."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from sm_tuning import WarmStart
from sm_tuning.analysis.results import Results
from sm_tuning.report import figures, page, view_model
from sm_tuning.spec.metrics import Objective
from tests.unit.sm_tuning.made_results import made


def test_everything_is_in_it() -> None:
    view = view_model(made(30))
    html = page(view)
    for trial in view.trials:
        assert f"<td>{trial.name}</td>" in html
    for title in (
        "Learning curves",
        "Best so far",
        "Importances",
        "Parallel coordinates",
        "Timeline",
        "What to do",
        "The request",
    ):
        assert title in html
    assert all(advice.remedy in html for advice in view.advice)
    assert view.fit.verdict.value in html
    drawn = figures(view)
    assert set(drawn) == {"learning-curves", "best-so-far", "importances", "parallel-coordinates", "timeline",
                          "effect-learning_rate", "effect-units", "effect-kind"}  # fmt: skip
    for svg in drawn.values():
        ET.fromstring(svg)  # noqa: S314 - made here
        assert "nan" not in re.sub(r"<title>.*?</title>", "", svg)


def test_several_tuning_jobs_are_compared() -> None:
    first, second = made(12, name="first"), made(5, name="second")
    jobs = [
        replace(first.tuning_jobs[0], strategy="Bayesian", seed=9),
        replace(second.tuning_jobs[0], warm_start=WarmStart.identical("first")),
    ]
    trials = [replace(trial, name=f"{trial.tuning_job}-{trial.name}") for trial in (*first.trials, *second.trials)]
    view = view_model(Results(tuning_jobs=jobs, trials=trials))
    html = page(view)
    assert "<td>Bayesian</td><td>9</td><td></td><td>12</td>" in html
    assert "<td>IdenticalDataAndAlgorithm: first</td>" in html
    assert {"compared-over-time", "compared-over-jobs"} <= set(figures(view))
    for name in ("first", "second"):
        assert f">{name}</text>" in figures(view)["compared-over-jobs"]
    assert "Compared" not in page(view_model(first))


def test_it_loads_nothing() -> None:
    html = page(view_model(made(5)))
    assert set(re.findall(r"https?://[^\"'\s<)]+", html)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|href)=", html)
    assert "default-src 'none'" in html


def test_hostile_text_is_text() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    results = made(12, others={"x<b>y": evil})
    job = replace(results.tuning_jobs[0], name=evil, objective=Objective.minimize(f"validation:loss{evil}"))
    trials = [replace(trial, name=f"{evil}{number}", tuning_job=evil) for number, trial in enumerate(results.trials)]
    hostile = view_model(Results(tuning_jobs=[job], trials=trials))
    html = page(hostile)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert html.count("<script>") == 1
    for svg in figures(hostile).values():
        ET.fromstring(svg)  # noqa: S314 - made here


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_training_jobs(count: int) -> None:
    html = page(view_model(made(count)))
    assert html.count("<tr") >= 1 + count
    assert ("Verdict on the best model: " in html) or count == 0
