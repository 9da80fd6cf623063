"""A tuning job's members from its request in AWS's form: the inverse of `TuningJobSpec.request`.

The members that were read make a request again; whatever that one lacks of the first was not understood, and is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sm_tuning.errors import Invalid
from sm_tuning.rules.metric_names import AWS_OWN_METRIC
from sm_tuning.spec.channels import Channel, Dataset, FileSystem
from sm_tuning.spec.job import Completion, TuningJobSpec, WarmStart
from sm_tuning.spec.metrics import Metric, Objective, number
from sm_tuning.spec.parameters import ranges_from_request
from sm_tuning.spec.request import given
from sm_tuning.spec.resources import Instance, InstanceGroup, Placement, Resources
from sm_tuning.spec.security import Encryption, Network
from sm_tuning.spec.strategies import Strategy, strategy_of

_Job = TypeVar("_Job", bound=TuningJobSpec)
_Form = Mapping[str, Any]

_OWN_HYPERPARAMETER = "_tuning_objective_metric"
# What AWS tells of a request that did not say it; it is the same as nothing.
_DEFAULTS = frozenset({None, False, "", "None", "Auto", "Off", "Linear", "FullyReplicated", "File", "GZIP", "Prioritized"})
_RESOURCES = {
    "InstanceType": "instance_type",
    "InstanceCount": "instance_count",
    "VolumeSizeInGB": "volume_gb",
    "KeepAlivePeriodInSeconds": "keep_alive",
    "TrainingPlanArn": "training_plan",
}
_STOPPING = {
    "MaxRuntimeInSeconds": "max_runtime",
    "MaxWaitTimeInSeconds": "max_wait",
    "MaxPendingTimeInSeconds": "max_pending",
}


def job_of(kind: type[_Job], request: _Form) -> _Job:
    """The tuning job that a request of CreateHyperParameterTuningJob, or what Describe tells of one, describes.

    Code and data lie where that tuning job has them, in S3.

    Raises:
        Invalid: It has several definitions, or members that a tuning job here has no word for; all are named.
    """
    name = request.get("HyperParameterTuningJobName", "the tuning job")
    if "TrainingJobDefinition" not in request:
        raise Invalid(f"{name} has several definitions; only a tuning job with one can be written again")
    wanted = _as_created(request)
    try:
        job = kind(**_members(wanted))
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(f"{name} cannot be written again: {type(error).__name__}: {error}") from error
    if lost := list(_lost(wanted, job.request(), "")):
        raise Invalid(f"{name} has members that a tuning job here has no word for: {'; '.join(lost)}")
    return job


def _as_created(request: _Form) -> dict[str, Any]:
    """A request without what AWS adds to it."""
    definition = dict(request["TrainingJobDefinition"])
    static = definition.get("StaticHyperParameters", {})
    definition["StaticHyperParameters"] = {name: text for name, text in static.items() if name != _OWN_HYPERPARAMETER}
    algorithm = dict(definition["AlgorithmSpecification"])
    algorithm["MetricDefinitions"] = [form for form in algorithm.get("MetricDefinitions", ()) if form["Name"] != AWS_OWN_METRIC]
    return {**request, "TrainingJobDefinition": {**definition, "AlgorithmSpecification": algorithm}}


def _members(request: _Form) -> dict[str, Any]:
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    algorithm, limits = definition["AlgorithmSpecification"], config["ResourceLimits"]
    metrics = {form["Name"]: Metric(form["Name"], form["Regex"]) for form in algorithm["MetricDefinitions"]}
    objective = config["HyperParameterTuningJobObjective"]
    tuned = objective["MetricName"]
    output = definition["OutputDataConfig"]
    return {
        "name": request["HyperParameterTuningJobName"],
        "role": definition["RoleArn"],
        "output": output["S3OutputPath"],
        "strategy": _strategy(config),
        "max_jobs": limits.get("MaxNumberOfTrainingJobs"),
        "max_parallel": limits["MaxParallelTrainingJobs"],
        "completion": _completion(config),
        "warm_start": warm_start(request.get("WarmStartConfig")),
        "autotune": request.get("Autotune", {}).get("Mode") == "Enabled",
        "tags": {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())},
        "objective": Objective(metrics.pop(tuned, Metric(tuned)), objective["Type"]),
        "ranges": ranges_from_request(config.get("ParameterRanges", {})),
        "metrics": tuple(metrics.values()),
        "hyperparameters": dict(definition["StaticHyperParameters"]),
        "channels": tuple(_channel(form) for form in definition.get("InputDataConfig", ())),
        "input_mode": algorithm.get("TrainingInputMode", "File"),
        "resources": _resources(definition),
        "image": algorithm.get("TrainingImage"),
        "algorithm": algorithm.get("AlgorithmName"),
        "environment": dict(definition.get("Environment") or {}),
        "output_compression": output.get("CompressionType"),
        "network": Network(
            subnets=tuple(definition.get("VpcConfig", {}).get("Subnets", ())),
            security_groups=tuple(definition.get("VpcConfig", {}).get("SecurityGroupIds", ())),
            isolated=definition.get("EnableNetworkIsolation", False),
            encrypted=definition.get("EnableInterContainerTrafficEncryption", False),
        ),
        "encryption": Encryption(output_key=output.get("KmsKeyId"), volume_key=_machines(definition).get("VolumeKmsKeyId")),
        "max_retries": definition.get("RetryStrategy", {}).get("MaximumRetryAttempts"),
    }


def _strategy(config: _Form) -> Strategy:
    settings = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    return strategy_of(
        config["Strategy"],
        seed=config.get("RandomSeed"),
        early_stopping=config.get("TrainingJobEarlyStoppingType") == "Auto",
        min_resource=settings.get("MinResource"),
        max_resource=settings.get("MaxResource"),
    )


def _completion(config: _Form) -> Completion:
    criteria = config.get("TuningJobCompletionCriteria", {})
    return Completion(
        target=criteria.get("TargetObjectiveMetricValue"),
        not_improving=criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving"),
        on_convergence=criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled",
        max_runtime=config["ResourceLimits"].get("MaxRuntimeInSeconds"),
    )


def warm_start(form: _Form | None) -> WarmStart | None:
    """The parents of a WarmStartConfig."""
    if form is None:
        return None
    parents = [parent["HyperParameterTuningJobName"] for parent in form["ParentHyperParameterTuningJobs"]]
    return WarmStart(parents, form["WarmStartType"])


# --- machines and data ------------------------------------------------------------------------------------------------------


def _machines(definition: _Form) -> _Form:
    machines: _Form = definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig", {})
    return machines


def _instance(form: _Form) -> Instance:
    members = given(count=form.get("InstanceCount"), volume_gb=form.get("VolumeSizeInGB"))
    return Instance(form["InstanceType"], training_plans=tuple(form.get("TrainingPlanArns", ())), **members)


def _resources(definition: _Form) -> Resources:
    machines = _machines(definition)
    several = [_instance(form) for form in machines.get("InstanceConfigs", ())]
    first = several[0] if several else None
    servers = machines.get("InstancePlacementConfig")
    checkpoints = definition.get("CheckpointConfig", {})
    known = {ours: machines.get(theirs) for theirs, ours in _RESOURCES.items()}
    stopping = {ours: definition.get("StoppingCondition", {}).get(theirs) for theirs, ours in _STOPPING.items()}
    if first is not None:
        known |= {"instance_type": first.type, "instance_count": first.count, "volume_gb": first.volume_gb}
    return Resources(
        **given(**known, **stopping),
        spot=definition.get("EnableManagedSpotTraining", False),
        checkpoints=checkpoints.get("S3Uri"),
        checkpoint_path=checkpoints.get("LocalPath"),
        alternatives=tuple(several[1:]),
        groups=tuple(
            InstanceGroup(form["InstanceGroupName"], form["InstanceType"], form["InstanceCount"])
            for form in machines.get("InstanceGroups") or ()
        ),
        placement=None if servers is None else _placement(servers),
        preferences=tuple(_instance(form) for form in machines.get("InstancePreferences") or ()),
    )


def _placement(form: _Form) -> Placement:
    servers = {entry["UltraServerId"]: entry["InstanceCount"] for entry in form.get("PlacementSpecifications", ())}
    return Placement(servers=servers, several_jobs=form.get("EnableMultipleJobs", False))


def _channel(form: _Form) -> Channel:
    source = form["DataSource"]
    s3 = source.get("S3DataSource", {})
    return Channel(
        form["ChannelName"],
        _source(source),
        content_type=form.get("ContentType"),
        input_mode=form.get("InputMode"),
        distribution=s3.get("S3DataDistributionType", "FullyReplicated"),
        data_type=s3.get("S3DataType", "S3Prefix"),
        compression=_unless_none(form.get("CompressionType")),
        record_wrapper=_unless_none(form.get("RecordWrapperType")),
        shuffle_seed=form.get("ShuffleConfig", {}).get("Seed"),
        attributes=tuple(s3.get("AttributeNames", ())),
        groups=tuple(s3.get("InstanceGroupNames", ())),
        accept_eula=s3.get("ModelAccessConfig", {}).get("AcceptEula"),
        hub_content=s3.get("HubAccessConfig", {}).get("HubContentArn"),
    )


def _source(form: _Form) -> str | FileSystem | Dataset:
    if "FileSystemDataSource" in form:
        system = form["FileSystemDataSource"]
        return FileSystem(
            system["FileSystemId"], system["DirectoryPath"], system["FileSystemType"], system["FileSystemAccessMode"]
        )
    if "DatasetSource" in form:
        return Dataset(form["DatasetSource"]["DatasetArn"])
    return str(form["S3DataSource"]["S3Uri"])


def _unless_none(text: str | None) -> str | None:
    return None if text == "None" else text


# --- what would be lost -----------------------------------------------------------------------------------------------------


def _lost(wanted: object, ours: object, path: str) -> Iterator[str]:
    """Members of a request that another one lacks or has otherwise, with their values."""
    if isinstance(wanted, Mapping):
        members = ours if isinstance(ours, Mapping) else {}
        for name, value in wanted.items():
            yield from _lost(value, members.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str):
        items = ours if isinstance(ours, Sequence) else ()
        for index, value in enumerate(wanted):
            yield from _lost(value, items[index] if index < len(items) else None, f"{path}[{index}]")
    elif not _same(wanted, ours):
        yield f"{path} is {wanted!r}"


def _same(wanted: object, ours: object) -> bool:
    if ours is None:
        return wanted in _DEFAULTS
    # AWS writes numbers of ranges as text, and in a form of its own; a slash at the end of a prefix says nothing.
    texts = (str(wanted).rstrip("/"), str(ours).rstrip("/"))
    return texts[0] == texts[1] or (number(texts[0]) is not None and number(texts[0]) == number(texts[1]))
