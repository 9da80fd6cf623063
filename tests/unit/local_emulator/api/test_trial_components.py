"""Trial components, and the metrics that are reported to them."""

import json
from typing import Any

import pytest

from tests.pipeline_world import RefusedError, World

ASSOCIATED = {"TrialName": "t", "TrialComponentName": "c"}


@pytest.fixture
def made(world: World) -> World:
    """The component `c` of the trial `t` of the experiment `a`, and a component `alone`."""
    world.ask("CreateExperiment", ExperimentName="a")
    world.ask("CreateTrial", TrialName="t", ExperimentName="a")
    for name in ("c", "alone"):
        world.ask("CreateTrialComponent", TrialComponentName=name, Parameters={"rate": {"NumberValue": 0.1}})
    for _ in range(2):
        world.ask("AssociateTrialComponent", **ASSOCIATED)
    return world


def put(world: World, name: str, *values: Any) -> Any:
    body = json.dumps({"TrialComponentName": name, "MetricData": values}).encode()
    code, _, answer = world.api.put_metrics(body, "us-east-1")
    return json.loads(answer) if code == 200 else json.loads(answer)["message"]


def value(number: object, step: int = 0) -> dict[str, object]:
    return {"MetricName": "loss", "Value": number, "Timestamp": 1.7e9 + step, "Step": step}


def names(world: World, **request: Any) -> list[str]:
    return sorted(entry["TrialComponentName"] for entry in world.ask("ListTrialComponents", **request)["TrialComponentSummaries"])


def test_they_belong_to_trials(made: World) -> None:
    assert (names(made), names(made, TrialName="t"), names(made, ExperimentName="a")) == (["alone", "c"], ["c"], ["c"])
    (trial,) = made.ask("ListTrials", TrialComponentName="c")["TrialSummaries"]
    assert trial["TrialName"] == "t"
    for operation, request in (("DeleteTrial", {"TrialName": "t"}), ("DeleteTrialComponent", {"TrialComponentName": "c"})):
        with pytest.raises(RefusedError, match="isassociate"):
            made.ask(operation, **request)
    made.ask("DisassociateTrialComponent", **ASSOCIATED)
    made.ask("DeleteTrial", TrialName="t")
    made.ask("DeleteTrialComponent", TrialComponentName="c")
    assert names(made) == ["alone"]


def test_what_is_not_there_is_said(made: World) -> None:
    with pytest.raises(RefusedError, match=r"Trial component with name \(c\) already exists"):
        made.ask("CreateTrialComponent", TrialComponentName="c")
    for operation in ("DescribeTrialComponent", "UpdateTrialComponent", "DeleteTrialComponent", "ListTrials"):
        with pytest.raises(RefusedError, match="experiment-trial-component/none' does not exist"):
            made.ask(operation, TrialComponentName="none")
    for operation in ("AssociateTrialComponent", "DisassociateTrialComponent"):
        for wrong in ({"TrialName": "none"}, {"TrialComponentName": "none"}):
            with pytest.raises(RefusedError, match="none' does not exist"):
                made.ask(operation, **ASSOCIATED | wrong)
    with pytest.raises(RefusedError, match="components that SageMaker makes of jobs are not emulated"):
        made.ask("ListTrialComponents", SourceArn="arn:aws:sagemaker:us-east-1:123456789012:training-job/a")


def test_what_is_reported_is_described(made: World) -> None:
    made.ask(
        "UpdateTrialComponent",
        TrialComponentName="c",
        Parameters={"depth": {"NumberValue": 3}},
        Status={"PrimaryStatus": "Completed"},
    )
    assert put(made, "c", value(3.0), value(1.0, 2), value(2.0, 1)) == {"Errors": []}
    described = made.ask("DescribeTrialComponent", TrialComponentName="c")
    assert described["Parameters"] == {"rate": {"NumberValue": 0.1}, "depth": {"NumberValue": 3}}
    assert described["Status"] == {"PrimaryStatus": "Completed"}
    (metric,) = described["Metrics"]
    kept = [metric[name] for name in ("MetricName", "Last", "Min", "Max", "Avg", "Count", "SourceArn")]
    assert kept == ["loss", 1.0, 1.0, 3.0, 2.0, 3, described["TrialComponentArn"]]
    assert metric["StdDev"] == pytest.approx((2 / 3) ** 0.5)


def test_values_that_are_none_are_named(made: World) -> None:
    wrong = {"Code": "VALIDATION_ERROR"}
    assert put(made, "c", value("x"), value(1.0), {}) == {"Errors": [{**wrong, "MetricIndex": 0}, {**wrong, "MetricIndex": 2}]}
    assert put(made, "none", value(1.0)) == {"Errors": [{**wrong, "MetricIndex": 0}]}
    assert "a list of 1 to 10 values" in put(made, "c")
    assert "TrialComponentName must be there" in json.loads(made.api.put_metrics(b"{}", "us-east-1")[2])["message"]


def test_search_knows_their_trials_and_experiments(made: World) -> None:
    def search(resource: str, **condition: str) -> list[Any]:
        answer = made.ask("Search", Resource=resource, SearchExpression={"Filters": [{"Operator": "Equals", **condition}]})
        return [result[resource.removeprefix("Experiment")] for result in answer["Results"]]

    (component,) = search("ExperimentTrialComponent", Name="Parents.ExperimentName", Value="a")
    assert (component["TrialComponentName"], component["Parents"]) == ("c", [{"TrialName": "t", "ExperimentName": "a"}])
    assert search("ExperimentTrialComponent", Name="Parents.TrialName", Value="other") == []
    assert len(search("ExperimentTrialComponent", Name="Parameters.rate.NumberValue", Value="0.1")) == 2
    (trial,) = search("ExperimentTrial", Name="ExperimentName", Value="a")
    assert [entry["TrialComponentName"] for entry in trial["TrialComponentSummaries"]] == ["c"]
    with pytest.raises(RefusedError, match="components that SageMaker makes of jobs are not emulated"):
        search("ExperimentTrialComponent", Name="Source.SourceArn", Value="x")
