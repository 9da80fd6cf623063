"""Requests that keep every rule, and changes of them."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sm_tuning.rules.registry import Section
from sm_tuning.rules.violation import Violation

IMAGE = "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
REMOVED = object()
_RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
_CHANNEL = {
    "ChannelName": "train",
    "DataSource": {
        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/train", "S3DataDistributionType": "FullyReplicated"}
    },
}
_DEFINITION: dict[str, Any] = {
    "StaticHyperParameters": {"width": "3"},
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*)"}],
    },
    "RoleArn": ROLE,
    "InputDataConfig": [_CHANNEL],
    "OutputDataConfig": {"S3OutputPath": "s3://box/output"},
    "ResourceConfig": _RESOURCES,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
_OBJECTIVE = {"Type": "Minimize", "MetricName": "score"}
_RANGES: dict[str, Any] = {
    "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}],
    "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"}],
    "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "d"]}],
}
TUNING: dict[str, Any] = {
    "HyperParameterTuningJobName": "good",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": _OBJECTIVE,
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
        "ParameterRanges": _RANGES,
    },
    "TrainingJobDefinition": _DEFINITION,
}
TRAINING: dict[str, Any] = {
    "TrainingJobName": "good",
    **{name: value for name, value in _DEFINITION.items() if name != "StaticHyperParameters"},
}
SEVERAL: dict[str, Any] = {
    "HyperParameterTuningJobName": "good",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
    },
    "TrainingJobDefinitions": [
        {"DefinitionName": name, "TuningObjective": _OBJECTIVE, "HyperParameterRanges": _RANGES, **_DEFINITION} for name in "ab"
    ],
}
GRID: Mapping[str, Any] = {
    "C.Strategy": "Grid",
    "C.ResourceLimits.MaxNumberOfTrainingJobs": 3,
    "C.ParameterRanges": {"CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "d"]}]},
}
"""Changes that make a grid of the request: three combinations."""

_SHORT = {"C": "HyperParameterTuningJobConfig", "D": "TrainingJobDefinition", "DD": "TrainingJobDefinitions"}


def changed(request: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A request with other values at some paths, whose steps are names and indices; REMOVED takes a member away."""
    document: dict[str, Any] = json.loads(json.dumps(request))  # parts that are the same object become two
    for path, value in changes.items():
        first, *rest = path.split(".")
        *above, last = [_SHORT.get(first, first), *rest]
        holder: Any = document
        for step in above:
            holder = holder[int(step) if isinstance(holder, list) else step]
        if value is REMOVED:
            del holder[last]
        else:
            holder[int(last) if isinstance(holder, list) else last] = copy.deepcopy(value)
    return document


def of_rule(violations: Iterator[Violation], name: str) -> list[tuple[str, str]]:
    """Path and message of every violation of a rule."""
    return [(violation.path, violation.message) for violation in violations if violation.rule == name]


def names(*sections: Section[Any]) -> Sequence[str]:
    """The rules of sections."""
    return [rule.name for section in sections for rule in section.rules]
