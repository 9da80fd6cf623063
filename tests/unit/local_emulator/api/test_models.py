"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from collections.abc import Callable
from typing import Any

import pytest

from local_emulator.documents.hosting import ModelData
from local_emulator.domain.errors import ValidationException
from tests.made_endpoints import IMAGE

Ask = Callable[..., tuple[int, Any]]
CONTAINER = {"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"A": "b"}}
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model/m"


def test_a_model_is_shown_as_it_was_sent(ask: Ask) -> None:
    sent = {"ModelName": "M", "PrimaryContainer": CONTAINER, "VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}}
    assert ask("CreateModel", sent | {"Tags": [{"Key": "k", "Value": "v"}]}) == (200, {"ModelArn": ARN})
    described = ask("DescribeModel", {"ModelName": "m"})[1]
    assert described["PrimaryContainer"] == {**CONTAINER, "Mode": "SingleModel"}
    assert described["VpcConfig"] == sent["VpcConfig"]
    assert (described["ModelName"], described["ModelArn"], described["EnableNetworkIsolation"]) == ("M", ARN, False)
    assert "Tags" not in described
    assert ask("ListTags", {"ResourceArn": ARN})[1] == {"Tags": [{"Key": "k", "Value": "v"}]}


def test_what_nothing_here_serves_is_kept_too(ask: Ask) -> None:
    pipeline = [{**CONTAINER, "ContainerHostname": "a"}, {**CONTAINER, "Mode": "MultiModel"}]
    assert (
        ask("CreateModel", {"ModelName": "p", "Containers": pipeline, "InferenceExecutionConfig": {"Mode": "Direct"}})[0] == 200
    )
    described = ask("DescribeModel", {"ModelName": "p"})[1]
    assert [container["Mode"] for container in described["Containers"]] == ["SingleModel", "MultiModel"]
    assert described["InferenceExecutionConfig"] == {"Mode": "Direct"}


def test_names_are_unique_and_names_that_are_not_there_are_told_as_by_aws(ask: Ask) -> None:
    model = {"ModelName": "m", "PrimaryContainer": CONTAINER}
    ask("CreateModel", model)
    assert ask("CreateModel", model)[1]["message"] == f'Cannot create already existing model "{ARN}".'
    assert ask("DeleteModel", {"ModelName": "m"}) == (200, None)
    for operation in ("DescribeModel", "DeleteModel"):
        assert ask(operation, {"ModelName": "m"})[1]["message"] == f'Could not find model "{ARN}".'


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "Exactly one of PrimaryContainer and Containers"),
        ({"PrimaryContainer": CONTAINER, "Containers": [CONTAINER]}, "Exactly one of PrimaryContainer and Containers"),
        ({"PrimaryContainer": {"Environment": {}}}, "either an Image or a ModelPackageName"),
        ({"PrimaryContainer": CONTAINER | {"ModelDataUrl": "https://bucket/m"}}, "must be a URI of S3"),
        (
            {
                "PrimaryContainer": CONTAINER
                | {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/", "S3DataType": "S3Prefix", "CompressionType": "None"}}}
            },
            "ModelDataUrl or ModelDataSource, but not both",
        ),
        ({"PrimaryContainer": CONTAINER, "ModelName": "no good"}, "failed to satisfy constraint"),
    ],
)
def test_bad_models_are_refused(ask: Ask, members: dict[str, Any], sentence: str) -> None:
    status, document = ask("CreateModel", {"ModelName": "m", **members})
    assert status == 400
    assert sentence in document["message"]


def test_a_model_that_is_not_in_s3_is_refused(make_api: Callable[..., Any]) -> None:
    class NothingThere:
        def check_data(self, data: ModelData | None) -> None:
            assert data == ModelData(uri="s3://bucket/model.tar.gz")
            raise ValidationException(f"Could not find model data at {data.uri}.")

    api = make_api(serving=NothingThere())
    body = b'{"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}}'
    assert b"Could not find model data at s3://bucket/model.tar.gz." in api.answer("CreateModel", body, "us-east-1")[2]


def test_lists_begin_with_the_newest_and_have_pages(ask: Ask) -> None:
    for name in ("a-1", "b-1", "a-2"):
        ask("CreateModel", {"ModelName": name, "PrimaryContainer": CONTAINER})
    page = ask("ListModels", {"MaxResults": 2})[1]
    assert [model["ModelName"] for model in page["Models"]] == ["a-2", "b-1"]
    rest = ask("ListModels", {"MaxResults": 2, "NextToken": page["NextToken"]})[1]
    assert [model["ModelName"] for model in rest["Models"]] == ["a-1"]
    chosen = ask("ListModels", {"NameContains": "a-", "SortBy": "Name", "SortOrder": "Ascending"})[1]["Models"]
    assert [model["ModelName"] for model in chosen] == ["a-1", "a-2"]
    assert ask("ListModels", {}, region="eu-west-1")[1] == {"Models": []}
