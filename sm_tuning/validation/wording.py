"""Members of AWS's request in the words that the user typed: Python's arguments, which are TOML's keys too."""

import re
from collections.abc import Mapping
from typing import Any

# Each member by its own name, or by its parent's and its own where that alone is ambiguous; empty for those that only group others.
# `../` stands before what users give outside of the table that is AWS's.
_WORDS: Mapping[str, str] = {
    "HyperParameterTuningJobName": "name",
    "HyperParameterTuningJobConfig": "",
    "Strategy": "strategy",
    "StrategyConfig": "strategy",
    "HyperbandStrategyConfig": "",
    "MaxResource": "max_resource",
    "MinResource": "min_resource",
    "TrainingJobEarlyStoppingType": "strategy.early_stopping",
    "RandomSeed": "strategy.seed",
    "HyperParameterTuningJobObjective": "objective",
    "TuningObjective": "objective",
    "MetricName": "metric",
    "Type": "goal",
    "ResourceLimits": "",
    "MaxNumberOfTrainingJobs": "max_jobs",
    "MaxParallelTrainingJobs": "max_parallel",
    "ResourceLimits.MaxRuntimeInSeconds": "completion.max_runtime",
    "TuningJobCompletionCriteria": "completion",
    "TargetObjectiveMetricValue": "target",
    "BestObjectiveNotImproving": "not_improving",
    "MaxNumberOfTrainingJobsNotImproving": "",
    "ConvergenceDetected": "on_convergence",
    "CompleteOnConvergence": "",
    "ParameterRanges": "ranges",
    "HyperParameterRanges": "ranges",
    "IntegerParameterRanges": "",
    "ContinuousParameterRanges": "",
    "CategoricalParameterRanges": "",
    "AutoParameters": "",
    "Name": "name",
    "MinValue": "low",
    "MaxValue": "high",
    "ScalingType": "scaling",
    "Values": "values",
    "ValueHint": "hint",
    "WarmStartConfig": "warm_start",
    "ParentHyperParameterTuningJobs": "parents",
    "ParentHyperParameterTuningJobs.HyperParameterTuningJobName": "",
    "WarmStartType": "type",
    "Autotune": "autotune",
    "Mode": "",
    "Tags": "tags",
    "Key": "",
    "Value": "",
    "TrainingJobDefinition": "",
    "TrainingJobDefinitions": "definitions",
    "DefinitionName": "name",
    "StaticHyperParameters": "hyperparameters",
    "Environment": "environment",
    "AlgorithmSpecification": "",
    "TrainingImage": "image",
    "AlgorithmName": "algorithm",
    "TrainingInputMode": "input_mode",
    "MetricDefinitions": "metrics",
    "Regex": "regex",
    "RoleArn": "role",
    "InputDataConfig": "channels",
    "ChannelName": "name",
    "DataSource": "",
    "S3DataSource": "",
    "S3DataType": "data_type",
    "S3Uri": "source",
    "S3DataDistributionType": "distribution",
    "AttributeNames": "attributes",
    "InstanceGroupNames": "groups",
    "ModelAccessConfig": "",
    "AcceptEula": "accept_eula",
    "HubAccessConfig": "",
    "HubContentArn": "hub_content",
    "FileSystemDataSource": "source",
    "FileSystemId": "id",
    "FileSystemAccessMode": "access",
    "FileSystemType": "kind",
    "DirectoryPath": "path",
    "DatasetSource": "source",
    "DatasetArn": "arn",
    "ContentType": "content_type",
    "CompressionType": "compression",
    "RecordWrapperType": "record_wrapper",
    "InputMode": "input_mode",
    "ShuffleConfig": "",
    "Seed": "shuffle_seed",
    "VpcConfig": "network",
    "SecurityGroupIds": "security_groups",
    "Subnets": "subnets",
    "EnableNetworkIsolation": "network.isolated",
    "EnableInterContainerTrafficEncryption": "network.encrypted",
    "OutputDataConfig": "",
    "S3OutputPath": "output",
    "KmsKeyId": "encryption.output_key",
    "OutputDataConfig.CompressionType": "output_compression",
    "ResourceConfig": "resources",
    "HyperParameterTuningResourceConfig": "resources",
    "AllocationStrategy": "alternatives",
    "InstanceConfigs": "alternatives",
    "InstanceType": "instance_type",
    "InstanceCount": "instance_count",
    "VolumeSizeInGB": "volume_gb",
    "VolumeKmsKeyId": "../encryption.volume_key",
    "KeepAlivePeriodInSeconds": "keep_alive",
    "InstanceGroups": "groups",
    "InstanceGroupName": "name",
    "InstanceGroups.InstanceType": "type",
    "InstanceGroups.InstanceCount": "count",
    "InstancePreferences": "preferences",
    "InstancePreferences.InstanceType": "type",
    "InstancePreferences.InstanceCount": "count",
    "InstanceConfigs.InstanceType": "type",
    "InstanceConfigs.InstanceCount": "count",
    "TrainingPlanArns": "training_plans",
    "TrainingPlanArn": "training_plan",
    "InstancePlacementConfig": "placement",
    "EnableMultipleJobs": "several_jobs",
    "PlacementSpecifications": "servers",
    "UltraServerId": "",
    "PlacementSpecifications.InstanceCount": "",
    "StoppingCondition": "",
    "StoppingCondition.MaxRuntimeInSeconds": "resources.max_runtime",
    "MaxWaitTimeInSeconds": "resources.max_wait",
    "MaxPendingTimeInSeconds": "resources.max_pending",
    "EnableManagedSpotTraining": "resources.spot",
    "CheckpointConfig": "resources",
    "CheckpointConfig.S3Uri": "checkpoints",
    "LocalPath": "checkpoint_path",
    "RetryStrategy": "",
    "MaximumRetryAttempts": "max_retries",
}
_OF_THE_USER = ("StaticHyperParameters", "Environment")
_NAMES = ("Name", "ChannelName", "DefinitionName", "InstanceGroupName", "Key", "UltraServerId")
_LONGEST_NAME = 64
_ELSEWHERE = "../"
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")


def argument(path: str, request: Mapping[str, Any]) -> str:
    """What the user has typed for a member of the request, as `resources.max_runtime`; empty where that is the path itself."""
    path, is_key, _ = path.partition(" (key)")
    words: list[str] = []
    value: Any = request
    parent = ""
    steps = path.split(".")
    for index, step in enumerate(steps):
        parsed = _STEP.fullmatch(step)
        word = None if parsed is None or parent in _OF_THE_USER else _word(parent, parsed[1])
        if parsed is None or word is None:
            words += steps[index:]  # a name of the user's, or no member of the request
            break
        if word.startswith(_ELSEWHERE):
            words.pop()
        words.append(word.removeprefix(_ELSEWHERE))
        parent = parsed[1]
        value = value.get(parent) if isinstance(value, Mapping) else None
        if parsed[2] is not None:
            value = value[int(parsed[2])] if isinstance(value, list) else None
            words.append(_item(value, parsed[2]))
    typed = ".".join(word for word in words if word).replace(".[", "[") + is_key
    return "" if typed == path else typed


def _word(parent: str, member: str) -> str | None:
    return _WORDS.get(f"{parent}.{member}", _WORDS.get(member))


def _item(item: object, index: str) -> str:
    """Items of a list by their names, else by their numbers."""
    names = [item[name] for name in _NAMES if name in item] if isinstance(item, Mapping) else []
    name = str(names[0]) if names else ""
    return name if 0 < len(name) <= _LONGEST_NAME else f"[{index}]"
