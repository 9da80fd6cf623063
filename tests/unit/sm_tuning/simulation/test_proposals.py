"""Why points were proposed, for each strategy, and what is said where that is not known."""

import sys
from dataclasses import replace
from typing import Any

import pytest

from sm_tuning.analysis.proposals import Kind, Proposal
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import description
from sm_tuning.simulation import proposals as module
from sm_tuning.simulation.proposals import explain
from tests.unit.sm_tuning.simulation.test_past import described, job, searched

TWO = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}, {"Name": "size", "Values": ["1", "2", "3"]}]}


def results_of(answer: dict[str, Any], *trials: TrialResult) -> Results:
    return Results(tuning_jobs=[description(answer)], trials=trials)


def test_random_points_are_drawn() -> None:
    trial = job("tune-001", {"rate": "0.5", "kind": "a"}, 0, 5, 0.1)
    proposal = explain(results_of(described("Random"), trial)).by_name[trial.name]
    assert proposal == Proposal(kind=Kind.RANDOM, reason="drawn at random, whatever the results were")


def test_a_point_of_a_grid_has_its_number() -> None:
    trials = [job(f"tune-{kind}{size}", {"kind": kind, "size": size}, 0, 5, 0.1) for kind in "ab" for size in "123"]
    explained = explain(results_of(described("Grid", TWO), *trials))
    assert [proposal.reason for proposal in explained.by_name.values()] == [
        f"combination {number} of 6" for number in range(1, 7)
    ]
    assert {proposal.kind for proposal in explained.by_name.values()} == {Kind.GRID}


@pytest.mark.parametrize(
    ("values", "status", "reason"),
    [
        (0, "InProgress", "drawn at random"),
        (2, "InProgress", "drawn at random; judged at the rung 1 and not stopped there"),
        (9, "Stopped", "drawn at random; judged at the rungs 1, 3 and 9 and stopped at value 9"),
        (27, "Stopped", "drawn at random; judged at the rungs 1, 3 and 9 and stopped at MaxResource"),
    ],
)
def test_hyperband_draws_and_judges_at_rungs(values: int, status: str, reason: str) -> None:
    resources = {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}}}
    trial = job("tune-001", {"rate": "0.5", "kind": "a"}, 0, None if status == "InProgress" else 5, 0.1)
    trial = replace(trial, status=status, curves={"loss": [0.5] * values})
    explained = explain(results_of(described("Hyperband", config=resources), trial))
    assert explained.by_name[trial.name].reason == reason


def test_what_is_not_known_is_said() -> None:
    trial = job("tune-001", {"rate": "7", "kind": "a"}, 0, 5, 0.1)
    outside = explain(results_of(described("Random"), trial))
    assert (outside.by_name, outside.missing) == (
        {},
        ["1 training jobs of tune lie outside its ranges, or have no time of creation"],
    )
    (unknown,) = explain(results_of(described("Annealing"), trial)).missing
    assert unknown.startswith("Why the points of tune were proposed is not known: the strategy Annealing is not one of")
    (unread,) = explain(Results(tuning_jobs=[replace(description(described()), request={})], trials=[trial])).missing
    assert "its request cannot be read: KeyError" in unread


def test_without_the_extra_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "local_emulator.strategies.bayesian", None)
    (sentence,) = explain(results_of(described(), job("tune-001", {"rate": "0.5", "kind": "a"}, 0, 5, 0.1))).missing
    assert "pip install 'sm-tuning[simulation]'" in sentence


def test_what_was_computed_of_training_jobs_that_have_ended_is_not_computed_again() -> None:
    results, _ = searched(12, at_once=2)
    known: dict[str, Proposal] = {}
    first = explain(results, known=known)
    assert set(known) == {trial.name for trial in results.trials if trial.ended is not None}
    mark = Proposal(kind=Kind.RANDOM, reason="kept")
    known["tune-003"] = mark
    again = explain(results, known=known)
    assert again.by_name == {**first.by_name, "tune-003": mark}


def test_of_many_points_of_bayesian_search_the_best_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    results, _ = searched(9, at_once=1)
    monkeypatch.setattr(module, "MOST", 4)
    explained = explain(results)
    best = sorted(results.ranking[:3], key=lambda trial: trial.name)
    assert sorted(explained.by_name) == sorted([*(trial.name for trial in best), "tune-009"])  # one runs
    assert explained.missing == ["Of tune the points that run and the best, 4 together, are explained"]


def test_several_tuning_jobs_and_definitions_are_told_apart() -> None:
    bayesian, _ = searched(2, at_once=1)
    form = described("Random", name="other")
    ranges = form["HyperParameterTuningJobConfig"].pop("ParameterRanges")
    objective = form["HyperParameterTuningJobConfig"].pop("HyperParameterTuningJobObjective")
    definition = form.pop("TrainingJobDefinition")
    form["TrainingJobDefinitions"] = [
        {**definition, "DefinitionName": name, "TuningObjective": objective, "HyperParameterRanges": ranges}
        for name in ("x", "y")
    ]
    other = [
        replace(job(f"other-{name}", {"rate": "0.5", "kind": "a"}, 0, 5, 0.1, "other"), definition=name) for name in ("x", "y")
    ]
    both = Results(tuning_jobs=[*bayesian.tuning_jobs, description(form)], trials=[*bayesian.trials, *other])
    kinds = {name: proposal.kind for name, proposal in explain(both).by_name.items()}
    assert kinds == {"tune-001": Kind.SPREAD, "tune-002": Kind.SPREAD, "other-x": Kind.RANDOM, "other-y": Kind.RANDOM}


def test_an_interval_holds_its_ends() -> None:
    proposal = Proposal(kind=Kind.EXPLOITS, reason="", expected=0.5, low=0.4, high=0.6, gain=0.1)
    assert [proposal.holds(value) for value in (0.39, 0.4, 0.6, 0.61)] == [False, True, True, False]
    assert not Proposal(kind=Kind.RANDOM, reason="").holds(0.5)
