"""The operations on endpoints: what they record for the engine, and what they refuse."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local_emulator.domain.endpoint import Endpoint, EndpointStatus
from local_emulator.domain.names import ENDPOINT
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import IMAGE
from tests.made_jobs import SCOPE

Ask = Callable[..., tuple[int, Any]]
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"
VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
CREATE = {"EndpointName": "e", "EndpointConfigName": "c"}


def configure(ask: Ask, name: str, *variants: dict[str, Any], **members: Any) -> None:
    sent = {"EndpointConfigName": name, "ProductionVariants": list(variants) or [VARIANT], **members}
    status, answer = ask("CreateEndpointConfig", sent)
    assert status == 200, answer


@pytest.fixture(autouse=True)
def prepared(ask: Ask) -> None:
    ask("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE}})
    configure(ask, "c")


def stored(store: SqliteStore) -> Endpoint:
    return store.endpoints.get(SCOPE.arn(ENDPOINT, "e"))


def serve(store: SqliteStore) -> Endpoint:
    """What the engine does: the pending deployment serves."""
    endpoint = stored(store)
    return store.endpoints.put(replace(endpoint, status=EndpointStatus.IN_SERVICE, serving=endpoint.pending, pending=None))


def message(ask: Ask, operation: str, **members: Any) -> str:
    status, document = ask(operation, members)
    assert status == 400, document
    return str(document["message"])


def test_an_endpoint_begins_as_creating(ask: Ask, store: SqliteStore, notices: Any) -> None:
    assert ask("CreateEndpoint", CREATE | {"Tags": [{"Key": "k", "Value": "v"}]}) == (200, {"EndpointArn": ARN})
    described = ask("DescribeEndpoint", {"EndpointName": "e"})[1]
    assert described["EndpointStatus"] == "Creating"
    assert "ProductionVariants" not in described
    assert described["PendingDeploymentSummary"]["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    serve(store)
    described = ask("DescribeEndpoint", {"EndpointName": "E"})[1]
    (variant,) = described["ProductionVariants"]
    assert variant["DeployedImages"] == [{"SpecifiedImage": IMAGE}], "nothing was pulled"
    assert (variant["CurrentWeight"], variant["DesiredInstanceCount"], described["EndpointStatus"]) == (1.0, 1, "InService")
    assert ask("ListEndpoints", {"StatusEquals": "InService"})[1]["Endpoints"][0]["EndpointArn"] == ARN
    assert ask("ListEndpoints", {"StatusEquals": "OutOfService"})[1] == {"Endpoints": []}
    assert notices.count == 1


def test_definitions_may_go_while_their_endpoint_serves(ask: Ask, store: SqliteStore) -> None:
    ask("CreateEndpoint", CREATE)
    ask("DeleteEndpointConfig", {"EndpointConfigName": "c"})
    ask("DeleteModel", {"ModelName": "m"})
    assert serve(store).serving is not None
    assert ask("DescribeEndpoint", {"EndpointName": "e"})[1]["EndpointConfigName"] == "c"


def test_errors_are_told_as_by_aws(ask: Ask) -> None:
    config = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/x"
    missing = message(ask, "CreateEndpoint", EndpointName="e", EndpointConfigName="x")
    assert missing == f'Could not find endpoint configuration "{config}".'
    for operation in ("DescribeEndpoint", "DeleteEndpoint"):
        assert message(ask, operation, EndpointName="e") == f'Could not find endpoint "{ARN}".'
    ask("CreateEndpoint", CREATE)
    assert message(ask, "CreateEndpoint", **CREATE) == f'Cannot create already existing endpoint "{ARN}".'
    for operation, members in (("UpdateEndpoint", CREATE), ("DeleteEndpoint", {"EndpointName": "e"})):
        assert message(ask, operation, **members) == f'Cannot update in-progress endpoint "{ARN}".'


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"ShadowProductionVariants": [VARIANT | {"VariantName": "s"}]}, "has ShadowProductionVariants, which is not emulated"),
        (
            {
                "DataCaptureConfig": {
                    "EnableCapture": True,
                    "InitialSamplingPercentage": 1,
                    "DestinationS3Uri": "s3://bucket/x",
                    "CaptureOptions": [{"CaptureMode": "Input"}],
                }
            },
            "a DataCaptureConfig that is enabled",
        ),
        ({"ExplainerConfig": {}}, "an ExplainerConfig"),
        ({"MetricsConfig": {"EnableEnhancedMetrics": True}}, "a MetricsConfig with EnableEnhancedMetrics"),
    ],
)
def test_configurations_that_no_endpoint_can_have(ask: Ask, members: dict[str, Any], sentence: str) -> None:
    configure(ask, "d", **members)
    assert sentence in message(ask, "CreateEndpoint", EndpointName="e", EndpointConfigName="d")


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        ({"ManagedInstanceScaling": {"Status": "ENABLED"}}, "a variant with ManagedInstanceScaling"),
        ({"AcceleratorType": "ml.eia2.medium"}, "a variant with AcceleratorType"),
        ({"InitialInstanceCount": 9}, "at most 8 instances here"),
    ],
)
def test_variants_that_no_endpoint_can_have(ask: Ask, variant: dict[str, Any], sentence: str) -> None:
    configure(ask, "d", VARIANT | variant)
    assert sentence in message(ask, "CreateEndpoint", EndpointName="e", EndpointConfigName="d")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"Containers": [{"Image": IMAGE}, {"Image": IMAGE, "Mode": "MultiModel"}]}, "has MultiModel mode"),
        ({"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}}, "has MultiModel mode"),
    ],
)
def test_models_that_no_endpoint_can_have(ask: Ask, model: dict[str, Any], sentence: str) -> None:
    assert ask("CreateModel", {"ModelName": "n", **model})[0] == 200
    configure(ask, "d", VARIANT | {"ModelName": "n"})
    assert sentence in message(ask, "CreateEndpoint", EndpointName="e", EndpointConfigName="d")


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "WaitIntervalInSeconds": 1,
                        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    }
                }
            },
            "CANARY is not emulated",
        ),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 1}},
            "A RollingUpdatePolicy is not emulated",
        ),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}, "The Alarms of AutoRollbackConfiguration"),
    ],
)
def test_updates_that_shift_traffic_little_by_little_are_refused(ask: Ask, policy: dict[str, Any], sentence: str) -> None:
    assert sentence in message(ask, "CreateEndpoint", **CREATE, DeploymentConfig=policy)


def test_an_update_is_pending_beside_what_serves(ask: Ask, store: SqliteStore) -> None:
    ask("CreateEndpoint", CREATE)
    before = serve(store)
    configure(ask, "d", VARIANT | {"InitialInstanceCount": 2, "InitialVariantWeight": 5})
    assert ask("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"}) == (200, {"EndpointArn": ARN})
    after = stored(store)
    assert (after.status, after.serving) == (EndpointStatus.UPDATING, before.serving)
    assert after.pending is not None
    assert len(after.pending.runs) == 2
    assert not set(after.pending.runs) & set(before.all_runs)
    described = ask("DescribeEndpoint", {"EndpointName": "e"})[1]
    assert (described["EndpointConfigName"], described["PendingDeploymentSummary"]["EndpointConfigName"]) == ("c", "d")


def test_an_update_may_keep_weights_and_counts(ask: Ask, store: SqliteStore) -> None:
    ask("CreateEndpoint", CREATE)
    serve(store)
    configure(ask, "d", VARIANT | {"InitialInstanceCount": 2, "InitialVariantWeight": 5})
    retain = {"EndpointName": "e", "EndpointConfigName": "d", "RetainAllVariantProperties": True}
    ask("UpdateEndpoint", retain | {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}]})
    pending = stored(store).pending
    assert pending is not None
    assert [(variant.weight, len(variant.instances)) for variant in pending.variants] == [(5.0, 1)]


def test_weights_and_capacities(ask: Ask, store: SqliteStore) -> None:
    configure(ask, "d", VARIANT, VARIANT | {"VariantName": "w", "InitialInstanceCount": 2})
    ask("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    before = serve(store).serving
    desired = [
        {"VariantName": "v", "DesiredWeight": 3, "DesiredInstanceCount": 2},
        {"VariantName": "w", "DesiredInstanceCount": 1},
    ]
    assert ask("UpdateEndpointWeightsAndCapacities", {"EndpointName": "e", "DesiredWeightsAndCapacities": desired})[0] == 200
    after = stored(store).pending
    assert before is not None
    assert after is not None
    assert [(variant.weight, len(variant.instances)) for variant in after.variants] == [(3.0, 2), (1.0, 1)]
    assert after.variants[0].instances[0] == before.variants[0].instances[0]
    assert after.variants[1].instances == before.variants[1].instances[:1]
    described = ask("DescribeEndpoint", {"EndpointName": "e"})[1]
    shown = described["ProductionVariants"]
    assert [(part["CurrentInstanceCount"], part["DesiredInstanceCount"]) for part in shown] == [(1, 2), (2, 1)]
    assert "PendingDeploymentSummary" not in described, "AWS has it for a new endpoint configuration only"


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"VariantName": "x"}, 'Could not find variant "x"'),
        ({"VariantName": "v", "DesiredInstanceCount": 0}, "must be at least 1"),
        ({"VariantName": "v", "DesiredInstanceCount": 1000000}, "at most 8 instances"),
        ({"VariantName": "v", "ServerlessUpdateConfig": {"MaxConcurrency": 2}}, "ServerlessUpdateConfig is not emulated"),
    ],
)
def test_capacities_that_cannot_be(ask: Ask, store: SqliteStore, entry: dict[str, Any], sentence: str) -> None:
    ask("CreateEndpoint", CREATE)
    serve(store)
    refused = message(ask, "UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=[entry])
    assert sentence in refused


def test_a_failed_endpoint_can_only_be_deleted(ask: Ask, store: SqliteStore) -> None:
    ask("CreateEndpoint", CREATE)
    store.endpoints.put(replace(stored(store), status=EndpointStatus.FAILED, pending=None, failure_reason="why"))
    described = ask("DescribeEndpoint", {"EndpointName": "e"})[1]
    assert (described["FailureReason"], described["EndpointConfigName"]) == ("why", "c")
    assert 'with status "Failed"' in message(ask, "UpdateEndpoint", **CREATE)
    assert ask("DeleteEndpoint", {"EndpointName": "e"}) == (200, None)
    assert stored(store).status is EndpointStatus.DELETING


def test_endpoints_are_searched(ask: Ask, store: SqliteStore) -> None:
    ask("CreateEndpoint", CREATE | {"Tags": [{"Key": "team", "Value": "vision"}]})
    serve(store)

    def search(name: str, value: str) -> list[str]:
        expression = {"Filters": [{"Name": name, "Operator": "Equals", "Value": value}]}
        status, answer = ask("Search", {"Resource": "Endpoint", "SearchExpression": expression})
        assert status == 200, answer
        return [result["Endpoint"]["EndpointName"] for result in answer["Results"]]

    assert search("EndpointStatus", "InService") == search("Tags.team", "vision") == ["e"]
    assert search("EndpointStatus", "Failed") == []
