"""Models, endpoint configurations and endpoints: what their requests say, and AWS's answers about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_emulator.documents.serialize import milliseconds, present
from local_emulator.domain.endpoint import Endpoint, EndpointStatus, Variant
from local_emulator.domain.jobs import Document
from local_emulator.domain.model import EndpointConfig, Model

_NOTHING: Document = {}
_SERVERLESS_SIZES = (1024, 2048, 3072, 4096, 5120, 6144)  # MemorySizeInMB
_PING_SECONDS = 480  # that AWS waits for `/ping` by default


@dataclass(frozen=True, kw_only=True)
class ModelData:
    """Where a model's files are in S3: an archive, or, if not `compressed`, an object or all objects below a prefix."""

    uri: str
    compressed: bool = True
    prefix: bool = False


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What one container of a model runs; `name` is what logs and errors call it, and by which it is invoked directly."""

    image: str
    environment: Mapping[str, str]
    data: ModelData | None
    network_isolation: bool = False
    name: str = "primary"


# --- requests -------------------------------------------------------------------------------------------------------------


def containers(model: Document) -> Sequence[Document]:
    """The container definitions of a model."""
    primary = model.get("PrimaryContainer")
    return (primary,) if primary is not None else tuple(model.get("Containers", ()))


def container_specs(model: Document) -> Sequence[ContainerSpec]:
    """What the containers of a model run, in the order in which they answer."""
    return [
        ContainerSpec(
            name=name,
            image=definition.get("Image", ""),
            environment=definition.get("Environment", _NOTHING),
            data=model_data(definition),
            network_isolation=model.get("EnableNetworkIsolation", False),
        )
        for name, definition in zip(container_names(model), containers(model), strict=True)
    ]


def container_names(model: Document) -> Sequence[str]:
    """What AWS calls the containers of a model: `primary`, or those of several by their hostnames or numbers."""
    definitions = containers(model)
    if len(definitions) == 1:
        return ("primary",)
    return [definition.get("ContainerHostname", f"container-{number}") for number, definition in enumerate(definitions, 1)]


def is_direct(model: Document) -> bool:
    """Whether an invocation is answered by the container that it names, and not by one after another."""
    return model.get("InferenceExecutionConfig", _NOTHING).get("Mode") == "Direct" and len(containers(model)) > 1


def model_data(definition: Document) -> ModelData | None:
    """Where a container's model is; None if it has none."""
    source = definition.get("ModelDataSource", _NOTHING).get("S3DataSource")
    if source is not None:
        prefix = source["S3DataType"] == "S3Prefix"
        return ModelData(uri=source["S3Uri"], compressed=source["CompressionType"] == "Gzip", prefix=prefix)
    url = definition.get("ModelDataUrl")
    return ModelData(uri=url) if url else None


def variant_problem(variant: Document) -> str | None:
    """What AWS's model does not say and is wrong with a variant of an endpoint configuration, as a sentence; None if nothing."""
    name, serverless = variant["VariantName"], variant.get("ServerlessConfig")
    if serverless is None:
        if "InstanceType" not in variant and "InstancePools" not in variant:
            return f"The variant {name} must have an InstanceType or a ServerlessConfig."
        if "ModelName" in variant and "InitialInstanceCount" not in variant:
            return f"The variant {name} must have an InitialInstanceCount."
        return None
    if refused := [member for member in ("InstanceType", "InitialInstanceCount") if member in variant]:
        return f"The variant {name} has a ServerlessConfig and may have no {' and no '.join(refused)}."
    if (size := serverless["MemorySizeInMB"]) not in _SERVERLESS_SIZES:
        return f"The MemorySizeInMB of the variant {name} is {size}; it must be one of {', '.join(map(str, _SERVERLESS_SIZES))}."
    return None


def model_names(variants: Iterable[Document]) -> Sequence[str]:
    """The models that variants name."""
    return [variant["ModelName"] for variant in variants if "ModelName" in variant]


def unemulated_model(model: Document) -> str | None:
    """What of a model no endpoint here can serve, as a sentence; None if all can be."""
    definitions, name = containers(model), model["ModelName"]
    if not definitions:
        return f"The model {name} is of a model package without containers, which no endpoint here can serve."
    named = {
        "MultiModel mode": any(definition.get("Mode") == "MultiModel" for definition in definitions),
        "AdditionalModelDataSources": any(definition.get("AdditionalModelDataSources") for definition in definitions),
        "an AdditionalS3DataSource": any("AdditionalS3DataSource" in definition for definition in definitions),
        "an InferenceSpecificationName": any("InferenceSpecificationName" in definition for definition in definitions),
    }
    refused = [what for what, there in named.items() if there]
    return f"The model {name} has {' and '.join(refused)}, which no endpoint here can serve." if refused else None


def unemulated_config(config: Document) -> str | None:
    """What of an endpoint configuration no endpoint here can do, as a sentence; None if all can be."""
    variants = config["ProductionVariants"]
    capture = config.get("DataCaptureConfig")
    named = {
        "ShadowProductionVariants": bool(config.get("ShadowProductionVariants")),
        "an ExplainerConfig": "ExplainerConfig" in config,
        "a DataCaptureConfig that is enabled": capture is not None and capture.get("EnableCapture", True),
        "a CrossRegionTrafficConfig": "CrossRegionTrafficConfig" in config,
        "a MetricsConfig with EnableEnhancedMetrics": config.get("MetricsConfig", _NOTHING).get("EnableEnhancedMetrics", False),
        **_unemulated_async(config),
        "a variant without ModelName (for inference components)": any("ModelName" not in variant for variant in variants),
        **{
            f"a variant with {member}": any(member in variant for variant in variants)
            for member in ("ManagedInstanceScaling", "InstancePools", "AcceleratorType", "CoreDumpConfig")
        },
    }
    refused = [what for what, there in named.items() if there]
    name = config["EndpointConfigName"]
    return f"The endpoint configuration {name} has {' and '.join(refused)}, which is not emulated." if refused else None


def unemulated_policy(policy: Document | None) -> str | None:
    """What of a DeploymentConfig cannot be done, as a sentence: an update here shifts all traffic at once; None if all can be."""
    policy = policy or _NOTHING
    routing = (
        policy.get("BlueGreenUpdatePolicy", _NOTHING).get("TrafficRoutingConfiguration", _NOTHING).get("Type", "ALL_AT_ONCE")
    )
    if "RollingUpdatePolicy" in policy:
        return "A RollingUpdatePolicy is not emulated: an update shifts all traffic at once."
    if routing != "ALL_AT_ONCE":
        return f"The TrafficRoutingConfiguration {routing} is not emulated: an update shifts all traffic at once (ALL_AT_ONCE)."
    if policy.get("AutoRollbackConfiguration", _NOTHING).get("Alarms"):
        return (
            "The Alarms of AutoRollbackConfiguration are not emulated: an update is rolled back if a container does not come up."
        )
    return None


def volume_size(variant: Document) -> int:
    """GiB that the programs of a variant may use of the disk."""
    return int(variant.get("VolumeSizeInGB", 30))


def is_serverless(config: Document) -> bool:
    """Whether a configuration is of a serverless endpoint."""
    return any("ServerlessConfig" in variant for variant in config["ProductionVariants"])


def is_asynchronous(config: Document) -> bool:
    """Whether a configuration is of an asynchronous endpoint."""
    return "AsyncInferenceConfig" in config


@dataclass(frozen=True)
class AsyncOutput:
    """Where answers and errors of an asynchronous endpoint are written: prefixes in S3."""

    path: str
    failure_path: str | None


def async_output(config: Document) -> AsyncOutput:
    """Where an asynchronous endpoint writes."""
    output = config["AsyncInferenceConfig"]["OutputConfig"]
    return AsyncOutput(output["S3OutputPath"], output.get("S3FailurePath"))


def concurrent_invocations(config: Document) -> int | None:
    """How many invocations an instance of an asynchronous endpoint answers at a time; None if that is left open."""
    most: int | None = (
        config.get("AsyncInferenceConfig", _NOTHING).get("ClientConfig", _NOTHING).get("MaxConcurrentInvocationsPerInstance")
    )
    return most


def _unemulated_async(config: Document) -> Mapping[str, bool]:
    """What of an AsyncInferenceConfig cannot be done."""
    output = config.get("AsyncInferenceConfig", _NOTHING).get("OutputConfig", _NOTHING)
    return {
        "an AsyncInferenceConfig with a NotificationConfig": bool(output.get("NotificationConfig")),
        "an AsyncInferenceConfig without S3OutputPath": "AsyncInferenceConfig" in config and "S3OutputPath" not in output,
        "an AsyncInferenceConfig with ServerlessConfig": "AsyncInferenceConfig" in config and is_serverless(config),
    }


def ping_seconds(variant: Document) -> float:
    """How long a variant's containers may take until they answer `/ping`."""
    return (
        180.0
        if "ServerlessConfig" in variant
        else float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", _PING_SECONDS))
    )


def instance_count(variant: Document) -> int:
    """How many instances a variant begins with; of a serverless one there is one."""
    return int(variant.get("InitialInstanceCount", 1))


def instance_type(variant: Document) -> str | None:
    """A variant's instance type; a serverless one has none."""
    kind: str | None = variant.get("InstanceType")
    return kind


def weight(variant: Document) -> float:
    """A variant's weight at the beginning."""
    return float(variant.get("InitialVariantWeight", 1.0))


# --- answers --------------------------------------------------------------------------------------------------------------


def described_model(model: Model) -> Document:
    """Answer of DescribeModel."""
    return {**model.request, "ModelArn": model.arn, "CreationTime": milliseconds(model.created)}


def model_summary(model: Model) -> Document:
    """An item of ListModels."""
    return {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": milliseconds(model.created)}


def described_config(config: EndpointConfig) -> Document:
    """Answer of DescribeEndpointConfig."""
    return {**config.request, "EndpointConfigArn": config.arn, "CreationTime": milliseconds(config.created)}


def config_summary(config: EndpointConfig) -> Document:
    """An item of ListEndpointConfigs."""
    return {"EndpointConfigName": config.name, "EndpointConfigArn": config.arn, "CreationTime": milliseconds(config.created)}


def with_defaults_of_model(request: Document) -> Document:
    """CreateModel as Describe shows it."""
    echo: dict[str, Any] = {name: value for name, value in request.items() if name != "Tags"}
    if "PrimaryContainer" in echo:
        echo["PrimaryContainer"] = _with_mode(echo["PrimaryContainer"])
    if "Containers" in echo:
        echo["Containers"] = [_with_mode(definition) for definition in echo["Containers"]]
    return {"EnableNetworkIsolation": False, **echo}


def _with_mode(definition: Document) -> Document:
    return {"Mode": "SingleModel", "Environment": {}, **definition}


def with_defaults_of_config(request: Document) -> Document:
    """CreateEndpointConfig as Describe shows it."""
    variants = [{"InitialVariantWeight": 1.0, **variant} for variant in request["ProductionVariants"]]
    return {**{name: value for name, value in request.items() if name != "Tags"}, "ProductionVariants": variants}


def described_endpoint(endpoint: Endpoint) -> Document:
    """Answer of DescribeEndpoint."""
    deployment = endpoint.serving or endpoint.pending
    config = deployment.config if deployment else endpoint.request
    shown = endpoint.serving
    return present(
        {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": config["EndpointConfigName"],
            "ProductionVariants": None if shown is None else [_variant(variant, endpoint) for variant in shown.variants],
            "DataCaptureConfig": _capture(config),
            "EndpointStatus": endpoint.status.value,
            "FailureReason": endpoint.failure_reason,
            "CreationTime": milliseconds(endpoint.created),
            "LastModifiedTime": milliseconds(endpoint.modified),
            "LastDeploymentConfig": None if shown is None else shown.policy,
            "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
            "PendingDeploymentSummary": _pending(endpoint),
        }
    )


def endpoint_summary(endpoint: Endpoint) -> Document:
    """An item of ListEndpoints."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": milliseconds(endpoint.created),
        "LastModifiedTime": milliseconds(endpoint.modified),
        "EndpointStatus": endpoint.status.value,
    }


def _variant(variant: Variant, endpoint: Endpoint) -> Document:
    """A ProductionVariantSummary; what is desired is what is to serve next, if that is of the same configuration."""
    pending = endpoint.pending.variants if endpoint.pending and endpoint.status is EndpointStatus.UPDATING else ()
    desired = next((other for other in pending if _resized(endpoint) and other.name == variant.name), variant)
    shown: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": _images(variant),
        "CurrentWeight": variant.weight,
        "DesiredWeight": desired.weight,
    }
    if "ServerlessConfig" in variant.config:
        serverless = variant.config["ServerlessConfig"]
        return {**shown, "CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    routing = {"RoutingConfig": variant.config["RoutingConfig"]} if "RoutingConfig" in variant.config else {}
    counts = {"CurrentInstanceCount": len(variant.instances), "DesiredInstanceCount": len(desired.instances)}
    return {**shown, **counts, **routing}


def _images(variant: Variant) -> Sequence[Document]:
    """DeployedImages; no image was pulled, so there is neither ResolvedImage nor ResolutionTime."""
    return [{"SpecifiedImage": definition["Image"]} for definition in containers(variant.model) if "Image" in definition]


def _resized(endpoint: Endpoint) -> bool:
    """Whether what is to serve next is of the configuration that serves."""
    serving, pending = endpoint.serving, endpoint.pending
    return serving is not None and pending is not None and serving.config == pending.config


def _pending(endpoint: Endpoint) -> Document | None:
    """PendingDeploymentSummary, of a new configuration only."""
    deployment = endpoint.pending
    if deployment is None or _resized(endpoint):
        return None
    variants = []
    for variant in deployment.variants:
        status = [{"Status": "Creating", "StartTime": milliseconds(deployment.created)}]
        shown = {
            "VariantName": variant.name,
            "DeployedImages": _images(variant),
            "CurrentWeight": 0.0,
            "DesiredWeight": variant.weight,
            "VariantStatus": status,
        }
        if "ServerlessConfig" in variant.config:
            shown["DesiredServerlessConfig"] = variant.config["ServerlessConfig"]
        else:
            ready = sum(instance.healthy for instance in variant.instances)
            shown |= {
                "InstanceType": variant.config.get("InstanceType"),
                "CurrentInstanceCount": ready,
                "DesiredInstanceCount": len(variant.instances),
            }
        variants.append(present(shown))
    name = deployment.config["EndpointConfigName"]
    return {"EndpointConfigName": name, "ProductionVariants": variants, "StartTime": milliseconds(deployment.created)}


def _capture(config: Document) -> Document | None:
    """DataCaptureConfigSummary of a configuration that has one; no endpoint here captures."""
    capture = config.get("DataCaptureConfig")
    if capture is None:
        return None
    return {
        "EnableCapture": False,
        "CaptureStatus": "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
