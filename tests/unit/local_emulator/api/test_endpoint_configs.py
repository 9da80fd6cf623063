"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.made_endpoints import IMAGE

Ask = Callable[..., tuple[int, Any]]
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c"
VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m6i.large", "InitialInstanceCount": 1}
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


@pytest.fixture
def model(ask: Ask) -> None:
    assert ask("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE}})[0] == 200


@pytest.mark.usefixtures("model")
def test_a_configuration_is_shown_as_it_was_sent(ask: Ask) -> None:
    sent = {
        "EndpointConfigName": "c",
        "ProductionVariants": [VARIANT | {"InitialVariantWeight": 3}, VARIANT | {"VariantName": "w"}],
        "ShadowProductionVariants": [VARIANT | {"VariantName": "s"}],
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}},
        "ExplainerConfig": {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "0"}}}},
    }
    assert ask("CreateEndpointConfig", sent) == (200, {"EndpointConfigArn": ARN})
    described = ask("DescribeEndpointConfig", {"EndpointConfigName": "c"})[1]
    assert [variant["InitialVariantWeight"] for variant in described["ProductionVariants"]] == [3, 1.0]
    for member in ("ShadowProductionVariants", "AsyncInferenceConfig", "ExplainerConfig"):
        assert described[member] == sent[member]
    assert [row["EndpointConfigName"] for row in ask("ListEndpointConfigs", {})[1]["EndpointConfigs"]] == ["c"]
    assert ask("CreateEndpointConfig", sent)[1]["message"] == f'Cannot create already existing endpoint configuration "{ARN}".'
    assert ask("DeleteEndpointConfig", {"EndpointConfigName": "c"}) == (200, None)
    for operation in ("DescribeEndpointConfig", "DeleteEndpointConfig"):
        assert ask(operation, {"EndpointConfigName": "c"})[1]["message"] == f'Could not find endpoint configuration "{ARN}".'


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("variants", "sentence"),
    [
        ([VARIANT, VARIANT], "The names of variants must be unique: v is there more than once."),
        ([VARIANT | {"ModelName": "n"}], 'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/n".'),
        ([{"VariantName": "v", "ModelName": "m"}], "must have an InstanceType or a ServerlessConfig"),
        ([{"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large"}], "must have an InitialInstanceCount"),
        ([VARIANT | {"ServerlessConfig": SERVERLESS}], "may have no InstanceType and no InitialInstanceCount"),
        (
            [{"VariantName": "v", "ModelName": "m", "ServerlessConfig": SERVERLESS | {"MemorySizeInMB": 1500}}],
            "it must be one of 1024, 2048,",
        ),
        ([VARIANT | {"InitialInstanceCount": 0}], "greater than or equal to 1"),
        ([], "length greater than or equal to 1"),
        ([VARIANT | {"VariantName": f"v{number}"} for number in range(11)], "length less than or equal to 10"),
    ],
)
def test_bad_variants_are_refused(ask: Ask, variants: list[dict[str, Any]], sentence: str) -> None:
    status, document = ask("CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": variants})
    assert status == 400
    assert sentence in document["message"]
