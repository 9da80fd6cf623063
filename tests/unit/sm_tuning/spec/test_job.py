"""A tuning job in AWS's form, by its short form and by its definitions."""

import re
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, get_type_hints

import pytest

from sm_tuning import Completion, Definition, Grid, Hyperband, Objective, Random, TuningJob, WarmStart, learning_rate, unique_name
from sm_tuning.errors import Invalid
from sm_tuning.spec.definition import DefinitionMembers
from sm_tuning.spec.job import LONGEST_NAME

Make = Callable[..., TuningJob]
OBJECTIVE = Objective.maximize("m", "(.)")


def several(*names: str | None) -> dict[str, Any]:
    definitions = [Definition(name=name, objective=OBJECTIVE, ranges=[learning_rate()]) for name in names]
    return {"name": "t", "role": "r", "output": "s3://b/p", "strategy": Grid(), "definitions": definitions}


def test_names_are_unique_and_short() -> None:
    names = {unique_name("a-very-long-name-of-a-tuning-job-indeed") for _ in range(50)}
    assert len(names) > 40, "four random digits"
    assert all(len(name) <= LONGEST_NAME and name.startswith("a-very-long-") for name in names)


def test_a_unique_name_keeps_the_number_of_its_round() -> None:
    assert re.fullmatch(r"j-scikit-lear-2-\d{4}-\d{6}-[0-9a-f]{4}", unique_name("j-scikit-learn-2"))
    assert re.fullmatch(r"digits-12-\d{4}-\d{6}-[0-9a-f]{4}", unique_name("digits-12"))


@pytest.mark.parametrize(
    ("completion", "criteria"),
    [
        (Completion(), {}),
        (Completion(target=0.0), {"TargetObjectiveMetricValue": 0.0}),
        (Completion(not_improving=3), {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}),
        (Completion(on_convergence=True), {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}),
    ],
)
def test_completion(completion: Completion, criteria: dict[str, Any], job: Make) -> None:
    assert completion.request() == criteria
    assert (
        job(completion=completion).request()["HyperParameterTuningJobConfig"].get("TuningJobCompletionCriteria", {}) == criteria
    )


def test_parents() -> None:
    parents = [{"HyperParameterTuningJobName": name} for name in "ab"]
    assert WarmStart.identical("a", "b").request() == {
        "ParentHyperParameterTuningJobs": parents,
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    assert WarmStart.transfer("a", "b").request()["WarmStartType"] == "TransferLearning"


def test_hyperband_stops_early_by_itself(job: Make) -> None:
    config = job(strategy=Hyperband(max_resource=9, min_resource=3)).request()["HyperParameterTuningJobConfig"]
    assert config["StrategyConfig"] == {"HyperbandStrategyConfig": {"MinResource": 3, "MaxResource": 9}}
    assert config["TrainingJobEarlyStoppingType"] == "Off"


def test_definitions_have_their_own_ranges_and_folders() -> None:
    job = TuningJob(**several("a", "b"))
    assert [prefix for prefix, _ in job.parts()] == ["s3://b/p/t/a", "s3://b/p/t/b"]
    request = job.request()
    assert [part["DefinitionName"] for part in request["TrainingJobDefinitions"]] == ["a", "b"]
    assert all(part["RoleArn"] == "r" for part in request["TrainingJobDefinitions"]), "the tuning job's own"
    assert "ParameterRanges" not in request["HyperParameterTuningJobConfig"]
    with pytest.raises(Invalid, match="t has several definitions; choose one"):
        _ = job.definition


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        (several("a", None), r"definitions\[1\]\.name is None; of several definitions each needs a name"),
        (several(), "definitions is empty"),
        (several("a") | {"objective": OBJECTIVE}, "definitions and objective are given"),
    ],
)
def test_definitions_are_given_one_way(members: dict[str, Any], rule: str) -> None:
    with pytest.raises(Invalid, match=rule):
        TuningJob(**members)


def test_members_of_the_only_definition_are_changed_as_its_own(job: Make) -> None:
    changed = job().changed(max_jobs=7, environment={"A": "1"})
    assert (changed.max_jobs, changed.definition.environment) == (7, {"A": "1"})
    assert changed.definition.ranges == job().definition.ranges
    with pytest.raises(Invalid, match="several definitions"):
        TuningJob(**several("a", "b")).changed(environment={})
    assert job(definitions=[job().definition]) == job()


def test_the_only_definition_takes_the_same_members_as_keywords() -> None:
    own = {field.name for field in fields(TuningJob)}
    inner = {name: kind for name, kind in get_type_hints(Definition).items() if name not in own}
    assert get_type_hints(DefinitionMembers) == inner


MAKE: Any = TuningJob  # as a user writes it, unseen by a type checker
NEEDED: dict[str, Any] = {"name": "t", "strategy": Random()}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (MAKE, "TuningJob() missing 2 required keyword-only arguments: 'name' and 'strategy'"),
        (partial(MAKE, name="t"), "TuningJob() missing 1 required keyword-only argument: 'strategy'"),
        (partial(MAKE, "t"), "TuningJob() takes 1 positional argument but 2 were given"),
        (partial(MAKE, **NEEDED, rnges=[]), "TuningJob() got an unexpected keyword argument 'rnges'"),
        (lambda: MAKE(**NEEDED).changed(rnges=[]), "TuningJob() got an unexpected keyword argument 'rnges'"),
    ],
)
def test_errors_of_arguments_name_the_class_that_was_typed(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError) as raised:
        make()
    assert str(raised.value) == message
