"""What requests about models and endpoints say, and answers that botocore's model knows every member of."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_emulator.documents import hosting
from local_emulator.documents.hosting import ModelData
from local_emulator.domain.endpoint import EndpointStatus, Instance
from local_emulator.store.records import from_json, to_json
from sm_tuning.rules import schema
from tests.made_endpoints import deployment, endpoint, model, variant


@pytest.mark.parametrize(
    ("definition", "data"),
    [
        ({}, None),
        ({"ModelDataUrl": "s3://b/m.tar.gz"}, ModelData(uri="s3://b/m.tar.gz")),
        (
            {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}}},
            ModelData(uri="s3://b/m/", compressed=False, prefix=True),
        ),
        (
            {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m", "S3DataType": "S3Object", "CompressionType": "Gzip"}}},
            ModelData(uri="s3://b/m"),
        ),
    ],
)
def test_where_a_model_is(definition: Mapping[str, Any], data: ModelData | None) -> None:
    assert hosting.model_data(definition) == data


def test_the_only_container_of_a_model() -> None:
    described = model(Environment={"A": "b"}) | {"EnableNetworkIsolation": True}
    (container,) = hosting.container_specs(described)
    assert (container.environment, container.network_isolation, container.data) == (
        {"A": "b"},
        True,
        ModelData(uri="s3://bucket/model.tar.gz"),
    )
    assert hosting.container_specs({**described, "PrimaryContainer": None, "Containers": [described["PrimaryContainer"]]}) == [
        container
    ]
    assert container.name == "primary"


def test_several_containers_are_named_by_their_hostnames_or_numbers() -> None:
    several = {"ModelName": "m", "Containers": [{"Image": "a"}, {"Image": "b", "ContainerHostname": "second"}, {"Image": "c"}]}
    assert [(spec.name, spec.image) for spec in hosting.container_specs(several)] == [
        ("container-1", "a"),
        ("second", "b"),
        ("container-3", "c"),
    ]
    assert not hosting.is_direct(several)
    assert hosting.is_direct({**several, "InferenceExecutionConfig": {"Mode": "Direct"}})
    assert hosting.unemulated_model(several) is None


def test_how_long_a_program_may_take_to_come_up() -> None:
    assert hosting.ping_seconds({}) == 480
    assert hosting.ping_seconds({"ContainerStartupHealthCheckTimeoutInSeconds": 60}) == 60
    assert hosting.ping_seconds({"ServerlessConfig": {}}) == 180


@pytest.mark.parametrize("status", [EndpointStatus.CREATING, EndpointStatus.UPDATING, EndpointStatus.IN_SERVICE])
@pytest.mark.parametrize(
    "config",
    [{}, {"InstanceType": None, "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}, {"VolumeSizeInGB": 1}],
)
def test_answers_are_of_aws_form_and_records_come_back(status: EndpointStatus, config: dict[str, Any]) -> None:
    changed = {name: value for name, value in config.items() if value is not None}
    chosen = deployment(variant("v", Instance(run="r", healthy=True), **changed), AsyncInferenceConfig={"OutputConfig": {}})
    made = endpoint(status=status, serving=None if status is EndpointStatus.CREATING else chosen, pending=chosen)
    answer = hosting.described_endpoint(made)
    shape = schema.operation("DescribeEndpoint").output_shape
    assert schema.known(shape, answer) == answer
    assert from_json(type(made), to_json(made)) == made
