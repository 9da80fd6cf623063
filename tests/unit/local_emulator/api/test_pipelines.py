import json
from typing import Any

import pytest

from tests.made_pipelines import document, step
from tests.pipeline_world import ROLE, RefusedError, World, train

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/Abalone"


def create(world: World, name: str = "Abalone", letter: str = "c", **members: Any) -> Any:
    request = {"PipelineDefinition": document(step("A")), "RoleArn": ROLE, "ClientRequestToken": letter * 32, **members}
    return world.ask("CreatePipeline", PipelineName=name, **request)


def test_a_pipeline_is_described_as_it_was_created(world: World) -> None:
    config = {"MaxParallelExecutionSteps": 3}
    text = document(step("A"))
    assert create(world, PipelineDescription="d", ParallelismConfiguration=config, Tags=[{"Key": "a", "Value": "b"}]) == {
        "PipelineArn": ARN
    }
    described = world.ask("DescribePipeline", PipelineName="Abalone")
    time = 1777636800.0
    assert described == {
        "PipelineArn": ARN,
        "PipelineName": "Abalone",
        "PipelineDisplayName": "Abalone",
        "PipelineDescription": "d",
        "PipelineDefinition": text,
        "RoleArn": ROLE,
        "PipelineStatus": "Active",
        "CreationTime": time,
        "LastModifiedTime": time,
        "ParallelismConfiguration": config,
    }
    assert world.ask("DescribePipeline", PipelineName=ARN) == described
    assert world.ask("ListTags", ResourceArn=ARN)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_names_are_unique_and_a_repeated_request_is_one(world: World) -> None:
    create(world)
    assert create(world) == {"PipelineArn": ARN}
    with pytest.raises(RefusedError, match="ValidationException: Pipeline names must be unique within an AWS account and region"):
        create(world, letter="d")


def test_an_update_changes_later_executions_only(world: World) -> None:
    create(world)
    arn = world.start()
    world.pass_time(5)
    world.ask("UpdatePipeline", PipelineName="Abalone", PipelineDefinition=document(step("B")), PipelineDescription="new")
    described = world.ask("DescribePipeline", PipelineName="Abalone")
    assert json.loads(described["PipelineDefinition"])["Steps"][0]["Name"] == "B"
    assert (described["PipelineDescription"], described["LastModifiedTime"]) == ("new", described["CreationTime"] + 5)
    assert described["LastRunTime"] == described["CreationTime"]
    kept = world.ask("DescribePipelineDefinitionForExecution", PipelineExecutionArn=arn)["PipelineDefinition"]
    assert json.loads(kept)["Steps"][0]["Name"] == "A"


def test_definitions_in_s3(world: World) -> None:
    location = {"Bucket": "bucket", "ObjectKey": "definition.json"}
    with pytest.raises(RefusedError, match=r"cannot be read: s3://bucket/definition\.json does not exist"):
        create(world, PipelineDefinition=None, PipelineDefinitionS3Location=location)
    world.objects["s3://bucket/definition.json"] = document(step("S")).encode()
    create(world, PipelineDefinition=None, PipelineDefinitionS3Location=location)
    assert "S" in world.ask("DescribePipeline", PipelineName="Abalone")["PipelineDefinition"]
    for members, sentence in (
        ({"PipelineDefinition": None}, "Either Pipeline Definition or Pipeline Definition S3 location should be provided"),
        (
            {"PipelineDefinitionS3Location": location},
            "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present",
        ),
        (
            {"PipelineDefinition": None, "PipelineDefinitionS3Location": {**location, "VersionId": "1"}},
            "VersionId is not emulated",
        ),
    ):
        with pytest.raises(RefusedError, match=sentence):
            create(world, "Other", **members)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"PipelineDefinition": document(step("A", "EMR"))}, "Step 'A' is of Type 'EMR', which is not emulated"),
        ({"PipelineDefinition": document(step("A", "QualityCheck"))}, "of Type 'QualityCheck', which is not emulated"),
        (
            {"PipelineDefinition": document(step("A", "Lambda", FunctionArn="arn:aws:lambda:us-east-1:123456789012:function:f"))},
            "Step 'A' invokes the function 'f', and there is none: make it with CreateFunction",
        ),
        ({"PipelineDefinition": document(train("A", DependsOn=["A"]))}, "Cycle detected in pipeline step graph: A -> A"),
        ({"ParallelismConfiguration": {"MaxParallelExecutionSteps": 201}}, "MaxParallelExecutionSteps is 201"),
        ({"PipelineVersionAliases": ["a"]}, "PipelineVersionAliases is not emulated"),
    ],
)
def test_what_cannot_be_executed_is_refused_when_it_is_created(world: World, members: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RefusedError, match=sentence) as error:
        create(world, **members)
    assert str(error.value).startswith("ValidationException")
    with pytest.raises(RefusedError, match=r"ResourceNotFound: Pipeline 'arn:.*pipeline/abalone' does not exist"):
        world.ask("DescribePipeline", PipelineName="Abalone")


def test_a_program_that_cannot_run_is_refused_when_that_is_known(world: World) -> None:
    def processed(**application: Any) -> str:
        resources = {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}}
        arguments = {"AppSpecification": application, "ProcessingResources": resources, "RoleArn": ROLE}
        return document(step("Explain", "Processing", arguments), Parameters=[{"Name": "Image", "Type": "String"}])

    for entrypoint in ({}, {"ContainerEntrypoint": None}):
        with pytest.raises(RefusedError, match="Step 'Explain': The image clarify:1 cannot be run here"):
            create(world, PipelineDefinition=processed(ImageUri="clarify:1", **entrypoint))
    create(world, PipelineDefinition=processed(ImageUri="clarify:1", ContainerEntrypoint=["python3", "a.py"]))
    create(world, "Later", PipelineDefinition=processed(ImageUri={"Get": "Parameters.Image"}))


def test_lists(world: World) -> None:
    for name in ("b-one", "a-two", "A-three"):
        create(world, name)
        world.pass_time(1)
    assert names(world) == ["A-three", "a-two", "b-one"]
    assert names(world, SortBy="Name", SortOrder="Ascending") == ["A-three", "a-two", "b-one"]
    assert names(world, SortOrder="Ascending") == ["b-one", "a-two", "A-three"]
    assert names(world, PipelineNamePrefix="a") == ["A-three", "a-two"]
    first = world.ask("ListPipelines", MaxResults=2)
    rest = world.ask("ListPipelines", MaxResults=2, NextToken=first["NextToken"])
    assert [item["PipelineName"] for item in (*first["PipelineSummaries"], *rest["PipelineSummaries"])] == [
        "A-three",
        "a-two",
        "b-one",
    ]
    answer = world.ask("Search", Resource="Pipeline", SearchExpression={"Filters": [{"Name": "PipelineName", "Value": "a-two"}]})
    assert [result["Pipeline"]["PipelineName"] for result in answer["Results"]] == ["a-two"]


def names(world: World, **request: Any) -> list[str]:
    return [item["PipelineName"] for item in world.ask("ListPipelines", **request)["PipelineSummaries"]]


def test_deleting_takes_the_executions_along_and_waits_for_none(world: World) -> None:
    world.create(train("Train"))
    arn = world.start()
    world.move()
    with pytest.raises(RefusedError, match=r"ConflictException: Pipeline .* has running executions"):
        world.ask("DeletePipeline", PipelineName="Abalone", ClientRequestToken="x" * 32)
    world.end(arn, "Train")
    assert world.ask("DeletePipeline", PipelineName="Abalone", ClientRequestToken="x" * 32) == {"PipelineArn": ARN}
    with pytest.raises(RefusedError, match="ResourceNotFound: Pipeline execution"):
        world.ask("DescribePipelineExecution", PipelineExecutionArn=arn)
    with pytest.raises(RefusedError, match="ResourceNotFound: Pipeline "):
        world.ask("DeletePipeline", PipelineName="Abalone", ClientRequestToken="x" * 32)
