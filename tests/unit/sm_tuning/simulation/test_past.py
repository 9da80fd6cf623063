"""What Bayesian search knew: results with their times say what a strategy was asked with."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.strategies.bayesian import Bayesian
from sm_tuning.analysis.proposals import Kind
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import description
from sm_tuning.simulation.past import Past
from sm_tuning.simulation.proposals import explain

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RANGES = {
    "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.0001", "MaxValue": "1"}],
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
}


def described(strategy: str = "Bayesian", ranges: object = None, name: str = "tune", **more: Any) -> dict[str, Any]:
    """What Describe answers of a tuning job."""
    config = {
        "Strategy": strategy,
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 30, "MaxParallelTrainingJobs": 3},
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ParameterRanges": ranges or RANGES,
        **more.pop("config", {}),
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"layers": "2"},
            "AlgorithmSpecification": {"MetricDefinitions": []},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
        **more,
    }


def job(
    name: str, point: dict[str, str], begin: float, end: float | None, loss: float | None, tuning_job: str = "tune"
) -> TrialResult:
    return TrialResult(
        tuning_job=tuning_job,
        name=name,
        status="InProgress" if end is None else "Failed" if loss is None else "Completed",
        hyperparameters={key: f'"{value}"' if key == "kind" else value for key, value in point.items()},  # as AWS quotes texts
        reported=loss,
        created=BEGIN + timedelta(seconds=begin),
        ended=None if end is None else BEGIN + timedelta(seconds=end),
    )


def loss_of(point: dict[str, str]) -> float:
    return (math.log10(float(point["rate"])) + 2.0) ** 2 + (point["kind"] == "b")


def searched(
    count: int, at_once: int, answer: dict[str, Any] | None = None, parents: Sequence[Trial] = ()
) -> tuple[Results, list[History]]:
    """A tuning job as it is searched, so many at once, and what its strategy knew at each proposal."""
    answer = answer or described()
    plan = parse.tuning(answer)
    strategy = Bayesian(plan.definitions[0].space, seed=3)
    jobs: list[TrialResult] = []
    known: list[History] = []
    trials: list[Trial] = []
    for number in range(count):
        begin = 10.5 * number
        if number >= at_once:  # the one that has run longest ends right before
            ended = number - at_once
            jobs[ended] = job(
                jobs[ended].name, dict(trials[ended].point), 10.5 * ended, begin - 0.001, loss_of(dict(trials[ended].point))
            )
            trials[ended] = replace(trials[ended], status=Status.COMPLETED, final=jobs[ended].reported, ended=jobs[ended].ended)
        history = History(goal=Goal.MINIMIZE, trials=tuple(trials), parents=parents, transfer=plan.transfer)
        (point,) = strategy.ask(history, 1)
        known.append(history)
        trials.append(Trial(name=f"tune-{number + 1:03d}", index=number + 1, point=point, status=Status.IN_PROGRESS))
        jobs.append(job(trials[-1].name, dict(point), begin, None, None))
    return Results(tuning_jobs=[description(answer)], trials=jobs), known


def test_what_is_explained_is_what_the_search_knew() -> None:
    results, known = searched(17, at_once=3)
    proposals = explain(results)
    assert not proposals.missing
    strategy = Bayesian(parse.tuning(described()).definitions[0].space, seed=3)
    kinds = [proposals.by_name[trial.name].kind for trial in results.trials]
    assert kinds[:6] == [Kind.SPREAD] * 6
    assert set(kinds[6:]) <= {Kind.EXPLORES, Kind.EXPLOITS}
    for trial, history in zip(results.trials[6:], known[6:], strict=True):
        proposal = proposals.by_name[trial.name]
        point = {key: value.strip('"') for key, value in trial.hyperparameters.items()}
        expectation = strategy.expectation(history, point)
        assert expectation is not None
        assert (proposal.expected, proposal.low, proposal.high, proposal.gain) == pytest.approx(
            (expectation.mean, expectation.low, expectation.high, expectation.gain)
        )
        assert (proposal.kind is Kind.EXPLORES) is expectation.explores
        assert history.best is not None
        assert f"best result by then: {history.best.final:.4g}" in proposal.reason


def test_a_result_that_came_later_changes_nothing() -> None:
    results, _ = searched(13, at_once=2)
    (chosen,) = (trial for trial in results.trials if trial.name == "tune-012")
    later = [replace(trial, reported=-9.0) if trial.name in {"tune-011", "tune-013"} else trial for trial in results.trials]
    before = [replace(trial, reported=-9.0) if trial.name == "tune-001" else trial for trial in results.trials]
    same, other = (replace(results, trials=trials) for trials in (later, before))
    reason = explain(results).by_name[chosen.name].reason
    assert explain(same).by_name[chosen.name].reason == reason
    assert explain(other).by_name[chosen.name].reason != reason
    assert "best result by then: -9 (" in explain(other).by_name[chosen.name].reason


def test_times_in_whole_seconds_are_compared_as_such() -> None:
    """A training job that runs is known by its list alone, which has whole seconds; its predecessor's end has milliseconds."""
    results, _ = searched(12, at_once=1)
    whole = replace(results.trials[-1], created=results.trials[-1].created.replace(microsecond=0))  # type: ignore[union-attr] # it has one
    assert whole.created < (results.trials[-2].ended or BEGIN)  # type: ignore[operator] # it has one
    coarse = explain(replace(results, trials=[*results.trials[:-1], whole]))
    assert coarse.by_name[whole.name].reason == explain(results).by_name[whole.name].reason


def warm(kind: str) -> dict[str, Any]:
    return described(
        WarmStartConfig={"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}], "WarmStartType": kind}
    )


def test_parents_are_learnt_from() -> None:
    parent, _ = searched(14, at_once=1)
    parents = {"parent": parent}
    results, _ = searched(1, 1, warm("IdenticalDataAndAlgorithm"))
    proposal = explain(results, parents).by_name["tune-001"]
    assert proposal.kind in {Kind.EXPLORES, Kind.EXPLOITS}  # ten results are known: no first points
    results, _ = searched(3, 1, warm("TransferLearning"))
    by_name = explain(results, parents).by_name
    first, second = by_name["tune-001"], by_name["tune-002"]
    assert first.kind is Kind.PARENTS
    assert first.expected is None
    assert second.expected is not None
    missing = explain(results)
    assert missing.by_name == {}
    assert missing.missing == [
        "Why the points of tune were proposed is not known: it learnt from parent too, which cannot be read"
    ]


def test_a_training_job_without_an_end_teaches_nothing() -> None:
    results, known = searched(4, at_once=2)
    plan = parse.tuning(described())
    past = Past(plan, plan.definitions[0], Bayesian(plan.definitions[0].space, seed=3), results, {})
    assert past.proposal(results.trials[3], known[3].trials[0].point).kind is Kind.SPREAD
