"""Every rule of what training jobs are made of is broken once, in CreateTrainingJob and in a definition."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sm_tuning.rules import training_job, tuning_job
from tests.unit.sm_tuning.rules.requests import KMEANS, REMOVED, TRAINING, TUNING, changed, names, of_rule

METRICS = "AlgorithmSpecification.MetricDefinitions"
TIME = "StoppingCondition.MaxWaitTimeInSeconds"
PREFERENCES = [{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.m5.large"}]
CASES: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "builtin-metrics": (
        {"AlgorithmSpecification.TrainingImage": KMEANS},
        METRICS,
        (
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying "
            "metric definitions."
        ),
    ),
    "metric-unique": (
        {METRICS: [{"Name": "score", "Regex": "(.)"}, {"Name": "score", "Regex": "(.)"}]},
        METRICS,
        "The metric 'score' is defined more than once in MetricDefinitions.",
    ),
    "metric-reserved": (
        {f"{METRICS}.0.Name": "ObjectiveMetric"},
        METRICS,
        "The metric name 'ObjectiveMetric' is reserved.",
    ),
    "resources-form": (
        {"ResourceConfig.InstanceGroups": [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "a"}]},
        "ResourceConfig",
        "ResourceConfig takes either InstanceType and InstanceCount or a list of them, not both.",
    ),
    "resources-required": (
        {"ResourceConfig.InstanceCount": REMOVED},
        "ResourceConfig.InstanceCount",
        "InstanceCount is required in ResourceConfig.",
    ),
    "instance-preferences": (
        {"ResourceConfig": {"InstanceCount": 1, "InstancePreferences": PREFERENCES}},
        "ResourceConfig.InstancePreferences",
        "The InstanceType ml.m5.large is there more than once in InstancePreferences.",
    ),
    "image-one": (
        {"AlgorithmSpecification.AlgorithmName": "mine"},
        "AlgorithmSpecification.TrainingImage",
        "Exactly one of TrainingImage and AlgorithmName must be given in AlgorithmSpecification.",
    ),
    "max-runtime": (
        {"StoppingCondition.MaxRuntimeInSeconds": 2_419_201},
        "StoppingCondition.MaxRuntimeInSeconds",
        "MaxRuntimeInSeconds is 2419201; it must be at most 2419200 (28 days).",
    ),
    "max-wait": (
        {TIME: 59, "EnableManagedSpotTraining": True},
        TIME,
        "MaxWaitTimeInSeconds is 59; it must not be less than MaxRuntimeInSeconds, 60.",
    ),
    "spot-max-wait": (
        {"EnableManagedSpotTraining": True},
        TIME,
        "MaxWaitTimeInSeconds is required in StoppingCondition when EnableManagedSpotTraining is true.",
    ),
    "max-wait-spot": (
        {TIME: 60},
        TIME,
        "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
    ),
    "channel-unique": (
        {"InputDataConfig": [*TRAINING["InputDataConfig"], *TRAINING["InputDataConfig"]]},
        "InputDataConfig",
        "The channel 'train' is there more than once in InputDataConfig.",
    ),
    "channel-source": (
        {"InputDataConfig.0.DataSource": {}},
        "InputDataConfig[0].DataSource",
        "The channel 'train' must have exactly one data source.",
    ),
    "channel-s3": (
        {"InputDataConfig.0.DataSource.S3DataSource.S3Uri": "https://box"},
        "InputDataConfig[0].DataSource.S3DataSource.S3Uri",
        "S3Uri 'https://box' of the channel 'train' must begin with s3://.",
    ),
    "channel-pipe-only": (
        {"InputDataConfig.0.CompressionType": "Gzip"},
        "InputDataConfig[0].CompressionType",
        "Invalid compression type for channel train: File mode only supports NONE, got Gzip instead",
    ),
    "channel-augmented": (
        {
            "InputDataConfig.0.DataSource.S3DataSource.S3DataType": "AugmentedManifestFile",
            "InputDataConfig.0.DataSource.S3DataSource.AttributeNames": ["source-ref"],
        },
        "InputDataConfig[0].DataSource.S3DataSource.S3DataType",
        "AugmentedManifestFile of the channel 'train' can only be used if its input mode is Pipe, not File.",
    ),
    "channel-file-system": (
        {
            "InputDataConfig.0.InputMode": "FastFile",
            "InputDataConfig.0.DataSource": {
                "FileSystemDataSource": {
                    "FileSystemId": "fs-01234567890",
                    "FileSystemAccessMode": "ro",
                    "FileSystemType": "EFS",
                    "DirectoryPath": "/data",
                }
            },
        },
        "InputDataConfig[0].InputMode",
        "The channel 'train' reads a file system, which has the input mode File only, not FastFile.",
    ),
    "output-s3": (
        {"OutputDataConfig.S3OutputPath": "box"},
        "OutputDataConfig.S3OutputPath",
        "S3OutputPath 'box' must begin with s3://.",
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule(rule: str) -> None:
    changes, path, message = CASES[rule]
    assert of_rule(training_job.violations(changed(TRAINING, changes)), rule) == [(path, message)]
    tuning = changed(TUNING, {f"D.{where}": value for where, value in changes.items()})
    assert of_rule(tuning_job.violations(tuning), rule) == [(f"TrainingJobDefinition.{path}", message)]


def test_what_only_pipe_mode_has_is_allowed_there() -> None:
    source = {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://box/manifest", "AttributeNames": ["source-ref"]}
    channel = {"CompressionType": "Gzip", "RecordWrapperType": "RecordIO", "DataSource": {"S3DataSource": source}}
    changes = {f"InputDataConfig.0.{name}": value for name, value in channel.items()}
    for mode in ("AlgorithmSpecification.TrainingInputMode", "InputDataConfig.0.InputMode"):
        assert list(training_job.violations(changed(TRAINING, {**changes, mode: "Pipe"}))) == []
    nameless = {**changes, "InputDataConfig.0.InputMode": "Pipe", "InputDataConfig.0.DataSource.S3DataSource.AttributeNames": []}
    (violation,) = training_job.violations(changed(TRAINING, nameless))
    assert violation.rule == "channel-augmented"
    assert "must have AttributeNames" in violation.message


def test_every_rule_is_tried() -> None:
    assert {*CASES, "metric-regex", "resources-one"} == set(names(*training_job.SECTIONS))


def test_a_good_request_breaks_none() -> None:
    assert list(training_job.violations(TRAINING)) == []


@pytest.mark.parametrize("member", ["AlgorithmSpecification", "ResourceConfig", "StoppingCondition"])
def test_what_a_training_job_needs(member: str) -> None:
    (violation,) = training_job.violations(changed(TRAINING, {member: REMOVED}))
    assert (violation.rule, violation.path, violation.message) == ("training-required", member, f"{member} is required.")


def test_expressions_are_tried_by_who_can() -> None:
    def errors(expressions: Sequence[str]) -> Sequence[str | None]:
        return ["missing )" if "(" in expression else None for expression in expressions]

    request = changed(TRAINING, {METRICS: [{"Name": "a", "Regex": "a"}, {"Name": "b", "Regex": "("}]})
    (violation,) = training_job.violations(request, errors)
    assert (violation.rule, violation.path) == ("metric-regex", f"{METRICS}[1].Regex")
    assert violation.message == "The Regex '(' of the metric 'b' is no regular expression: missing )."
    assert list(training_job.violations(request)) == []


@pytest.mark.parametrize("configs", [(), ("ResourceConfig", "HyperParameterTuningResourceConfig")])
def test_a_definition_has_one_form_of_resources(configs: Sequence[str]) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    request = changed(TUNING, {"D.ResourceConfig": REMOVED})
    request["TrainingJobDefinition"] |= dict.fromkeys(configs, resources)
    (violation,) = tuning_job.violations(request)
    assert violation.rule == "resources-one"
    assert violation.message == "Exactly one of ResourceConfig and HyperParameterTuningResourceConfig must be given."


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"InstancePreferences": PREFERENCES[:1], "InstanceCount": 1}, []),
        (
            {"InstancePreferences": PREFERENCES[:1]},
            ["InstanceCount must be given either in ResourceConfig or in each of the InstancePreferences."],
        ),
        (
            {"InstancePreferences": PREFERENCES[:1], "InstanceCount": 1, "InstanceType": "ml.m5.large"},
            ["InstanceType must not be given in ResourceConfig beside InstancePreferences."],
        ),
        (
            {
                "InstancePreferences": [{"InstanceType": "ml.m5.large", "TrainingPlanArns": []}],
                "InstanceCount": 1,
                "TrainingPlanArn": "arn",
            },
            ["TrainingPlanArn must not be given in ResourceConfig beside TrainingPlanArns."],
        ),
    ],
)
def test_preferences(changes: Mapping[str, Any], messages: list[str]) -> None:
    violations = training_job.violations(changed(TRAINING, {"ResourceConfig": changes}))
    assert [violation.message for violation in violations] == messages


def test_preferences_are_not_for_spot() -> None:
    changes = {
        "ResourceConfig": {"InstancePreferences": PREFERENCES[:1], "InstanceCount": 1},
        "EnableManagedSpotTraining": True,
        TIME: 60,
    }
    (violation,) = training_job.violations(changed(TRAINING, changes))
    assert violation.message == "InstancePreferences must not be given when EnableManagedSpotTraining is true."
