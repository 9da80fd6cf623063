"""Experiments and trials, asked through the API."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.pipeline_world import RefusedError, World

PREFIX = "arn:aws:sagemaker:us-east-1:123456789012"


@pytest.fixture
def made(world: World) -> World:
    """The experiments `a` and `b`; `a` has the trials `t` and `u`."""
    for name in "ab":
        world.ask("CreateExperiment", ExperimentName=name, Description="d", Tags=[{"Key": "k", "Value": name}])
        world.pass_time(1)
    for name in "tu":
        world.ask("CreateTrial", TrialName=name, ExperimentName="a")
        world.pass_time(1)
    return world


def refused(world: World, operation: str, match: str, **request: Any) -> None:
    with pytest.raises(RefusedError, match=match):
        world.ask(operation, **request)


def test_they_are_what_was_said_of_them(made: World) -> None:
    described = made.ask("DescribeExperiment", ExperimentName="A")
    assert (described["ExperimentName"], described["ExperimentArn"], described["DisplayName"], described["Description"]) == (
        "a",
        f"{PREFIX}:experiment/a",
        "a",
        "d",
    )
    assert made.ask("ListTags", ResourceArn=f"{PREFIX}:experiment/b") == {"Tags": [{"Key": "k", "Value": "b"}]}
    made.ask("UpdateExperiment", ExperimentName="a", DisplayName="shown")
    changed = made.ask("DescribeExperiment", ExperimentName="a")
    assert (changed["DisplayName"], changed["Description"]) == ("shown", "d")
    assert changed["LastModifiedTime"] > changed["CreationTime"] == described["CreationTime"]
    made.ask("UpdateTrial", TrialName="t", DisplayName="shown")
    trial = made.ask("DescribeTrial", TrialName="t")
    assert (trial["TrialName"], trial["DisplayName"], trial["ExperimentName"]) == ("t", "shown", "a")


def test_names_are_unique_and_there(made: World) -> None:
    refused(made, "CreateExperiment", r"Experiment with name \(A\) already exists", ExperimentName="A")
    refused(made, "CreateTrial", r"Trial with name \(t\) already exists", TrialName="t", ExperimentName="b")
    missing: list[tuple[str, dict[str, str]]] = [
        *((f"{verb}Experiment", {"ExperimentName": "none"}) for verb in ("Describe", "Update", "Delete")),
        *((f"{verb}Trial", {"TrialName": "none"}) for verb in ("Describe", "Update", "Delete")),
        ("CreateTrial", {"TrialName": "v", "ExperimentName": "none"}),
        ("ListTrials", {"ExperimentName": "none"}),
    ]
    for operation, request in missing:
        refused(made, operation, r"experiment(-trial)?/none' does not exist", **request)


def test_lists(made: World) -> None:
    def names(operation: str, member: str, name: Callable[[Any], str], **request: Any) -> list[str]:
        return [name(summary) for summary in made.ask(operation, **request)[member]]

    def experiments(**request: Any) -> list[str]:
        return names("ListExperiments", "ExperimentSummaries", lambda summary: str(summary["ExperimentName"]), **request)

    def trials(**request: Any) -> list[str]:
        return names("ListTrials", "TrialSummaries", lambda summary: str(summary["TrialName"]), **request)

    assert (experiments(), experiments(SortBy="Name", SortOrder="Ascending")) == (["b", "a"], ["a", "b"])
    page = made.ask("ListExperiments", MaxResults=1)
    assert [page["ExperimentSummaries"][0]["ExperimentName"], *experiments(MaxResults=1, NextToken=page["NextToken"])] == [
        "b",
        "a",
    ]
    assert (trials(), trials(ExperimentName="a"), trials(ExperimentName="b")) == (["u", "t"], ["u", "t"], [])


def test_only_what_is_empty_is_deleted(made: World) -> None:
    refused(made, "DeleteExperiment", "The experiment a has trials", ExperimentName="a")
    for trial in "tu":
        made.ask("DeleteTrial", TrialName=trial)
    assert made.ask("DeleteExperiment", ExperimentName="a") == {"ExperimentArn": f"{PREFIX}:experiment/a"}
    refused(made, "DescribeExperiment", "does not exist", ExperimentName="a")
