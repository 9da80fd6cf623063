"""The facade of results: what is read has charts."""

from dataclasses import replace
from typing import Any

import pytest

from sm_tuning import Plots, Results, diagnose, read_data_scaling, read_proposals, read_results
from sm_tuning.analysis import reading
from sm_tuning.analysis.results import Results as ResultsData
from tests.unit.sm_tuning.made_results import made
from tests.unit.sm_tuning.simulation.test_past import searched, warm


def test_what_is_read_has_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def read(*runs: object, **words: object) -> ResultsData:
        asked.append((runs, words))
        return made(3)

    monkeypatch.setattr(reading, "read_results", read)
    monkeypatch.setattr(reading, "read_data_scaling", lambda *words: asked.append(words))
    cache: dict[str, Any] = {}
    results = read_results("run", curves=False, cache=cache)  # type: ignore[arg-type]
    assert asked == [(("run",), {"curves": False, "cache": cache, "described": None})]
    assert isinstance(results, Results)
    assert isinstance(results.plot, Plots)
    assert read_data_scaling(results, []) is None
    assert asked[1] == (results, [], None)
    monkeypatch.setattr(reading, "read_data_scaling", lambda *_: made(3))
    assert isinstance(read_data_scaling(results, []), Results)


def test_why_points_were_proposed_is_read_with_the_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    results, _ = searched(1, 1, warm("IdenticalDataAndAlgorithm"))
    parent, _ = searched(11, 1)
    monkeypatch.setattr(reading, "read_parents", lambda *_: {"parent": parent})
    assert read_proposals(results, []).by_name["tune-001"].expected is not None
    monkeypatch.setattr(reading, "read_parents", lambda *_: {})
    assert read_proposals(results, []).missing


def test_parts_have_charts_too() -> None:
    first, second = made(3, name="first"), made(3, name="second")
    both = Results(tuning_jobs=[*first.tuning_jobs, *second.tuning_jobs], trials=[*first.trials, *second.trials])
    assert [type(part) for part in both.parts] == [Results, Results]


def test_results_and_diagnosis_are_shown_in_short() -> None:
    results = Results.of(made(20))
    assert "best           0.500146 by job-0014" in repr(results)
    assert "the best 10 of 18:" in repr(results)
    assert max(map(len, repr(results).splitlines())) <= 80
    assert results._repr_html_().count("<tr>") == 4 + 1 + 10
    assert len(repr(results.best)) < 200  # without its curves
    diagnosis = diagnose(results)
    assert repr(diagnosis).startswith("Diagnosis of made\n  best     job-0014\n  verdict  overfit (low confidence):")
    assert "  1. more training data: " in repr(diagnosis)
    assert "<li>more training data: " in diagnosis._repr_html_()
    assert "none yet" in repr(Results(tuning_jobs=results.tuning_jobs, trials=[]))


def test_names_are_short_so_that_hyperparameters_have_room() -> None:
    plain = made(20)
    trials = [replace(trial, name=f"made-0101-120000-abcd-{trial.name[-3:]}-0a1b2c3d") for trial in plain.trials]
    results = Results(tuning_jobs=plain.tuning_jobs, trials=trials)
    assert "  014-0a1b2c3d     0.5001        0.01976     11  a" in repr(results)
    assert "0.500146 by made-0101-120000-abcd-014-0a1b2c3d" in repr(results)
    figures = [results.plot.curves(training_job=name) for name in (trials[3].name, "003-0a1b2c3d")]
    assert figures[0].specification == figures[1].specification
