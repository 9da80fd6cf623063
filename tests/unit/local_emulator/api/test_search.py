"""Search over records of all kinds; what one row can say of it stands in the conformance file."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_emulator.api.operations import Api
from local_emulator.documents import parse
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import FinalMetric, TrainingJob
from local_emulator.settings import Settings
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import AnythingServed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = AwsScope(region="us-east-1", account="123456789012")


def channel(name: str, uri: str) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}


def training(number: int, rate: str, **changes: Any) -> TrainingJob:
    name = f"Job-{number}"
    request = {
        "TrainingJobName": name,
        "HyperParameters": {"learning_rate": rate, "optimizer.name": "adam" if number % 2 else "sgd"},
        "AlgorithmSpecification": {"TrainingImage": f"image:{number}", "TrainingInputMode": "File"},
        "InputDataConfig": [channel("train", f"s3://box/{number}/train"), channel("test", "s3://box/test")],
        "OutputDataConfig": {"S3OutputPath": "s3://box/out"},
        "EnableManagedSpotTraining": number % 2 == 0,
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": number},
    }
    job = TrainingJob(
        name=name,
        arn=SCOPE.training_arn(name),
        region="us-east-1",
        request=request,
        spec=parse.training(request),
        run=f"run-{number}",
        status=Status.COMPLETED,
        secondary=Secondary.COMPLETED,
        created=NOW + timedelta(hours=number),
        modified=NOW + timedelta(hours=number),
        final_metrics=(FinalMetric(name="validation:loss", value=number / 4, time=NOW),),
        tags={"cost.center": f"c{number}"} if number != 2 else {},
    )
    return replace(job, **changes)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    store = SqliteStore(None)
    for number, rate in enumerate(("0.5", "1.7", "1e-3", "auto"), 1):
        store.trainings.add(training(number, rate))
    china = AwsScope(region="cn-north-1", account="123456789012")
    store.trainings.add(training(9, "0.5", arn=china.training_arn("Job-9"), region="cn-north-1"))
    yield Api(
        store=store,
        settings=Settings(state=Path()),
        now=lambda: NOW,
        token=lambda: "0" * 32,
        chance=lambda: 1.0,
        notify=lambda: None,
        check=lambda _definition, _region: None,
        serving=AnythingServed(),
        check_processing=lambda _: None,
    )
    store.close()


def ask(api: Api, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    code, _, body = api.answer(operation, json.dumps(request).encode(), "us-east-1")
    answer: dict[str, Any] = json.loads(body)
    assert code == 200, answer
    return answer


def numbers(api: Api, expression: Mapping[str, Any], **more: Any) -> str:
    answer = ask(
        api,
        "Search",
        {"Resource": "TrainingJob", "SearchExpression": expression, "SortBy": "CreationTime", "SortOrder": "Ascending", **more},
    )
    return "".join(result["TrainingJob"]["TrainingJobName"].removeprefix("Job-") for result in answer["Results"])


FILTERS: Mapping[str, tuple[tuple[str, str, str | None], str]] = {
    "a decimal number": (("HyperParameters.learning_rate", "LessThan", "0.6"), "13"),
    "an integer cuts decimals": (("HyperParameters.learning_rate", "Equals", "1"), "2"),
    "a text is no number": (("HyperParameters.learning_rate", "GreaterThanOrEqualTo", "0"), "123"),
    "a text equals": (("HyperParameters.learning_rate", "Equals", "auto"), "4"),
    "a name with a dot": (("HyperParameters.optimizer.name", "Equals", "adam"), "13"),
    "a hyperparameter that is not there": (("HyperParameters.depth", "Exists", None), ""),
    "a metric with a colon": (("Metrics.validation:loss", "GreaterThanOrEqualTo", "0.75"), "34"),
    "a tag with a dot": (("Tags.cost.center", "In", "c1, c4"), "14"),
    "a tag that is not there": (("Tags.cost.center", "NotExists", None), "2"),
    "not equal, also where there is none": (("Tags.cost.center", "NotEquals", "c1"), "234"),
    "a boolean": (("EnableManagedSpotTraining", "Equals", "true"), "24"),
    "a member of a structure": (("ResourceConfig.InstanceCount", "GreaterThan", "2"), "34"),
    "a text of a structure": (("AlgorithmSpecification.TrainingImage", "Contains", ":3"), "3"),
    "case counts": (("TrainingJobName", "Contains", "job"), ""),
    "a time": (("CreationTime", "GreaterThan", "2026-01-01T02:30:00"), "34"),
    "a time with its zone": (("CreationTime", "LessThanOrEqualTo", "2026-01-01T02:00:00+01:00"), "1"),
    "any member of a list": (("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "box/3"), "3"),
}


@pytest.mark.parametrize("case", FILTERS)
def test_filters(api: Api, case: str) -> None:
    (name, operator, value), expected = FILTERS[case]
    condition = {"Name": name, "Operator": operator, **({} if value is None else {"Value": value})}
    assert numbers(api, {"Filters": [condition]}) == expected


def test_nested_filters_are_about_one_object(api: Api) -> None:
    def nested(uri: str) -> dict[str, Any]:
        prefix = "InputDataConfig."
        return {
            "NestedFilters": [
                {
                    "NestedPropertyName": "InputDataConfig",
                    "Filters": [
                        {"Name": prefix + "ChannelName", "Operator": "Equals", "Value": "train"},
                        {"Name": prefix + "DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": uri},
                    ],
                }
            ]
        }

    assert numbers(api, nested("s3://box/2/")) == "2"
    assert numbers(api, nested("s3://box/test")) == "", "the channel test has that URI, not the channel train"


def test_expressions_are_nested(api: Api) -> None:
    def count(operator: str, value: int) -> dict[str, Any]:
        return {"Name": "ResourceConfig.InstanceCount", "Operator": operator, "Value": str(value)}

    either = {"Operator": "Or", "Filters": [count("Equals", 1), count("Equals", 4)]}
    assert numbers(api, {"Filters": [count("GreaterThan", 1)], "SubExpressions": [either]}) == "4"
    assert numbers(api, {"Operator": "Or", "Filters": [count("Equals", 2)], "SubExpressions": [either]}) == "124"
    assert numbers(api, {}) == "1234", "no condition leaves all of this region"
    assert numbers(api, {}, CrossAccountFilterOption="CrossAccount") == ""


def test_pages_hold_everything_once(api: Api) -> None:
    request: dict[str, Any] = {"Resource": "TrainingJob", "MaxResults": 3, "SortBy": "Metrics.validation:loss"}
    first = ask(api, "Search", request)
    second = ask(api, "Search", {**request, "NextToken": first["NextToken"]})
    names = [result["TrainingJob"]["TrainingJobName"] for page in (first, second) for result in page["Results"]]
    assert names == ["Job-4", "Job-3", "Job-2", "Job-1"]
    assert "NextToken" not in second
    assert first["TotalHits"] == second["TotalHits"] == {"Value": 4, "Relation": "EqualTo"}


def test_conditions_of_visibility_are_refused(api: Api) -> None:
    request = {"Resource": "TrainingJob", "VisibilityConditions": [{"Key": "Tags.team", "Value": "a"}]}
    code, _, body = api.answer("Search", json.dumps(request).encode(), "us-east-1")
    assert (code, "VisibilityConditions are not emulated" in json.loads(body)["message"]) == (400, True)


def test_too_many_conditions_are_refused(api: Api) -> None:
    some = {"Filters": [{"Name": "TrainingJobName", "Operator": "NotEquals", "Value": str(number)} for number in range(17)]}
    code, _, body = api.answer(
        "Search",
        json.dumps({"Resource": "TrainingJob", "SearchExpression": {"SubExpressions": [some] * 3}}).encode(),
        "us-east-1",
    )
    assert code == 400
    assert "SearchExpression has 54 conditions; there may be at most 50." in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("operation", "request_", "ours"),
    [
        ("Search", {"Resource": "TrainingJob"}, True),
        ("Search", {"Resource": "Pipeline"}, True),
        ("Search", {"Resource": "Project"}, False),
        ("Search", {"Resource": "ExperimentTrialComponent"}, True),
        ("GetSearchSuggestions", {"Resource": "HyperParameterTuningJob"}, True),
        ("ListTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model-card/m"}, False),
        ("UpdateTrainingJob", {"TrainingJobName": "a"}, True),
        ("DescribeModelCard", {"ModelCardName": "m"}, False),
    ],
)
def test_what_is_about_other_resources_is_motos(api: Api, operation: str, request_: dict[str, Any], ours: bool) -> None:  # noqa: FBT001 - a parameter
    assert api.owns(operation, json.dumps(request_).encode()) is ours


def test_suggestions_know_the_jobs_of_the_region(api: Api) -> None:
    def names(hint: str) -> list[str]:
        request = {"Resource": "TrainingJob", "SuggestionQuery": {"PropertyNameQuery": {"PropertyNameHint": hint}}}
        return [suggestion["PropertyName"] for suggestion in ask(api, "GetSearchSuggestions", request)["PropertyNameSuggestions"]]

    assert names("HyperParameters.") == ["HyperParameters.learning_rate", "HyperParameters.optimizer.name"]
    assert names("Tags.") == ["Tags.cost.center"]
    assert "InputDataConfig.DataSource.S3DataSource.S3Uri" in names("InputDataConfig")
