"""Parses requests into domain types.

Requests have passed the rules before; other JSON may raise LookupError, TypeError, ValueError or AttributeError.
"""

from collections.abc import Iterable, Mapping

from local_emulator.domain.history import Goal
from local_emulator.domain.jobs import Document, MetricDefinition
from local_emulator.domain.space import Categorical, Continuous, Integer, Scaling, Space
from local_emulator.domain.spec import (
    AlgorithmSpec,
    Channel,
    CheckpointConfig,
    FileSystemDataSource,
    InstanceGroup,
    OutputConfig,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
    TrainingSpec,
)
from local_emulator.domain.tuning import Definition, Objective, Plan

_NOTHING: Document = {}


def tags(request: Document) -> Mapping[str, str]:
    """Tags of a request by key."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}


# --- training jobs --------------------------------------------------------------------------------------------------------


def training(request: Document) -> TrainingSpec:
    """CreateTrainingJob, or a TrainingJobDefinition of a tuning job."""
    algorithm = _algorithm(request.get("AlgorithmSpecification", _NOTHING))
    profiler = request.get("ProfilerConfig")
    stopping = request.get("StoppingCondition", _NOTHING)
    checkpoints = request.get("CheckpointConfig")
    return TrainingSpec(
        role_arn=request.get("RoleArn", ""),
        algorithm=algorithm,
        hyperparameters=request.get("HyperParameters", request.get("StaticHyperParameters", _NOTHING)),
        environment=request.get("Environment", _NOTHING),
        channels=tuple(_channel(channel, algorithm) for channel in request.get("InputDataConfig", ())),
        output=_output(request.get("OutputDataConfig", _NOTHING)),
        checkpoints=None
        if checkpoints is None
        else CheckpointConfig(s3_uri=checkpoints["S3Uri"], local_path=checkpoints.get("LocalPath")),
        resources=_resources(request.get("ResourceConfig") or request.get("HyperParameterTuningResourceConfig", _NOTHING)),
        stopping=StoppingCondition(
            max_runtime=stopping.get("MaxRuntimeInSeconds"), max_wait_time=stopping.get("MaxWaitTimeInSeconds")
        ),
        maximum_retry_attempts=request.get("RetryStrategy", _NOTHING).get("MaximumRetryAttempts", 0),
        managed_spot=request.get("EnableManagedSpotTraining", False),
        network_isolation=request.get("EnableNetworkIsolation", False),
        profiler=profiler is not None and not profiler.get("DisableProfiler", False),
    )


def _algorithm(specification: Document) -> AlgorithmSpec:
    return AlgorithmSpec(
        image=specification.get("TrainingImage", specification.get("AlgorithmName", "")),
        training_input_mode=specification.get("TrainingInputMode", "File"),
        container_entrypoint=tuple(specification.get("ContainerEntrypoint", ())),
        container_arguments=tuple(specification.get("ContainerArguments", ())),
        metric_definitions=tuple(
            MetricDefinition(name=definition["Name"], regex=definition["Regex"])
            for definition in specification.get("MetricDefinitions", ())
        ),
    )


def _channel(channel: Document, algorithm: AlgorithmSpec) -> Channel:
    return Channel(
        channel_name=channel["ChannelName"],
        source=_source(channel["DataSource"]),
        input_mode=channel.get("InputMode", algorithm.training_input_mode),
        content_type=channel.get("ContentType"),
        compression_type=channel.get("CompressionType", "None"),
        record_wrapper_type=channel.get("RecordWrapperType", "None"),
        shuffle_seed=channel.get("ShuffleConfig", _NOTHING).get("Seed"),
    )


def _source(source: Document) -> S3DataSource | FileSystemDataSource:
    if "FileSystemDataSource" in source:
        system = source["FileSystemDataSource"]
        return FileSystemDataSource(
            file_system_id=system["FileSystemId"],
            directory_path=system["DirectoryPath"],
            writable=system["FileSystemAccessMode"] == "rw",
        )
    objects = source["S3DataSource"]
    return S3DataSource(
        s3_uri=objects["S3Uri"],
        s3_data_type=objects["S3DataType"],
        s3_data_distribution_type=objects.get("S3DataDistributionType", "FullyReplicated"),
        instance_group_names=tuple(objects.get("InstanceGroupNames", ())),
        attribute_names=tuple(objects.get("AttributeNames", ())),
    )


def _output(config: Document) -> OutputConfig:
    return OutputConfig(s3_output_path=config.get("S3OutputPath", ""), compressed=config.get("CompressionType") != "NONE")


def _resources(config: Document) -> ResourceConfig:
    """ResourceConfig or HyperParameterTuningResourceConfig."""
    selected = {name: config[f"Selected{name}"] for name in ("InstanceType", "InstanceCount") if f"Selected{name}" in config}
    single = config if "InstanceType" in config else selected
    groups = config.get("InstanceGroups") or ([single] if "InstanceType" in single else ())
    count = config.get("InstanceCount", 1)
    return ResourceConfig(
        groups=_groups(groups, count),
        alternatives=_groups(config.get("InstanceConfigs") or config.get("InstancePreferences") or (), count),
        instance_type=config.get("InstanceType", config.get("SelectedInstanceType")),
        volume_size=config.get("VolumeSizeInGB", 30),
        keep_alive_period=config.get("KeepAlivePeriodInSeconds", 0),
        training_plan_arn=config.get("TrainingPlanArn"),
    )


def _groups(groups: Iterable[Document], count: int) -> tuple[InstanceGroup, ...]:
    return tuple(
        InstanceGroup(
            instance_type=group["InstanceType"],
            instance_count=group.get("InstanceCount", count),
            volume_size=group.get("VolumeSizeInGB"),
            name=group.get("InstanceGroupName"),
        )
        for group in groups
    )


# --- tuning jobs ----------------------------------------------------------------------------------------------------------


def tuning(request: Document) -> Plan:
    """CreateHyperParameterTuningJob."""
    config = request["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    criteria = config.get("TuningJobCompletionCriteria", _NOTHING)
    hyperband = config.get("StrategyConfig", _NOTHING).get("HyperbandStrategyConfig", _NOTHING)
    warm = request.get("WarmStartConfig", _NOTHING)
    definitions = request.get("TrainingJobDefinitions") or (request["TrainingJobDefinition"],)
    return Plan(
        strategy=config["Strategy"],
        definitions=tuple(_definition(definition, config) for definition in definitions),
        max_parallel=limits["MaxParallelTrainingJobs"],
        max_jobs=limits.get("MaxNumberOfTrainingJobs"),
        max_runtime=limits.get("MaxRuntimeInSeconds"),
        early_stopping=config.get("TrainingJobEarlyStoppingType", "Off") == "Auto",
        target=criteria.get("TargetObjectiveMetricValue"),
        not_improving=criteria.get("BestObjectiveNotImproving", _NOTHING).get("MaxNumberOfTrainingJobsNotImproving"),
        complete_on_convergence=criteria.get("ConvergenceDetected", _NOTHING).get("CompleteOnConvergence") == "Enabled",
        seed=config.get("RandomSeed"),
        min_resource=hyperband.get("MinResource"),
        max_resource=hyperband.get("MaxResource"),
        parents=tuple(parent["HyperParameterTuningJobName"] for parent in warm.get("ParentHyperParameterTuningJobs", ())),
        transfer=warm.get("WarmStartType") == "TransferLearning",
    )


def _definition(definition: Document, config: Document) -> Definition:
    objective = definition.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
    return Definition(
        name=definition.get("DefinitionName"),
        objective=Objective(metric=objective["MetricName"], goal=Goal(objective["Type"])),
        space=space(definition.get("HyperParameterRanges") or config.get("ParameterRanges") or _NOTHING),
        spec=training(definition),
        document=definition,
    )


def space(ranges: Document) -> Space:
    """ParameterRanges: categorical, integer and continuous parameters, each in the request's order."""
    return Space(
        parameters=(
            *(
                Categorical(name=categorical["Name"], values=tuple(categorical["Values"]))
                for categorical in ranges.get("CategoricalParameterRanges", ())
            ),
            *(
                Integer(
                    name=integer["Name"],
                    low=int(integer["MinValue"]),
                    high=int(integer["MaxValue"]),
                    scaling=Scaling(integer.get("ScalingType", "Auto")),
                )
                for integer in ranges.get("IntegerParameterRanges", ())
            ),
            *(
                Continuous(
                    name=continuous["Name"],
                    low=float(continuous["MinValue"]),
                    high=float(continuous["MaxValue"]),
                    scaling=Scaling(continuous.get("ScalingType", "Auto")),
                )
                for continuous in ranges.get("ContinuousParameterRanges", ())
            ),
        )
    )
