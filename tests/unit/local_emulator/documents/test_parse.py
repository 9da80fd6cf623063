"""Requests as domain types: every member that the emulator acts on, what absent ones come to, and what is no request."""

from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.history import Goal
from local_emulator.domain.jobs import MetricDefinition
from local_emulator.domain.space import Categorical, Continuous, Integer, Scaling
from local_emulator.domain.spec import (
    AlgorithmSpec,
    Channel,
    CheckpointConfig,
    InstanceGroup,
    OutputConfig,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
    TrainingSpec,
)
from local_emulator.domain.tuning import Objective

FULL = {
    "RoleArn": "arn:aws:iam::123456789012:role/R",
    "AlgorithmSpecification": {
        "TrainingImage": "image:1",
        "TrainingInputMode": "FastFile",
        "ContainerEntrypoint": ["python", "-m"],
        "ContainerArguments": ["train"],
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
    },
    "HyperParameters": {"epochs": "3"},
    "Environment": {"SEED": "7"},
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "InputMode": "Pipe",
            "ContentType": "text/csv",
            "RecordWrapperType": "RecordIO",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "ManifestFile",
                    "S3Uri": "s3://box/manifest",
                    "S3DataDistributionType": "ShardedByS3Key",
                }
            },
        },
        {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/test"}}},
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://box/out", "CompressionType": "NONE"},
    "CheckpointConfig": {"S3Uri": "s3://box/checkpoints", "LocalPath": "/opt/ml/mine"},
    "ResourceConfig": {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 50,
        "KeepAlivePeriodInSeconds": 60,
        "TrainingPlanArn": "plan",
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
    "RetryStrategy": {"MaximumRetryAttempts": 2},
    "EnableManagedSpotTraining": True,
    "EnableNetworkIsolation": True,
    "ProfilerConfig": {"S3OutputPath": "s3://box/profile"},
}


def test_a_request_for_training() -> None:
    assert parse.training(FULL) == TrainingSpec(
        role_arn="arn:aws:iam::123456789012:role/R",
        algorithm=AlgorithmSpec(
            image="image:1",
            training_input_mode="FastFile",
            container_entrypoint=("python", "-m"),
            container_arguments=("train",),
            metric_definitions=(MetricDefinition(name="loss", regex="loss=(.*)"),),
        ),
        hyperparameters={"epochs": "3"},
        environment={"SEED": "7"},
        channels=(
            Channel(
                channel_name="train",
                source=S3DataSource(
                    s3_uri="s3://box/manifest", s3_data_type="ManifestFile", s3_data_distribution_type="ShardedByS3Key"
                ),
                input_mode="Pipe",
                content_type="text/csv",
                record_wrapper_type="RecordIO",
            ),
            Channel(channel_name="test", source=S3DataSource(s3_uri="s3://box/test"), input_mode="FastFile"),
        ),
        output=OutputConfig(s3_output_path="s3://box/out", compressed=False),
        checkpoints=CheckpointConfig(s3_uri="s3://box/checkpoints", local_path="/opt/ml/mine"),
        resources=ResourceConfig(
            groups=(InstanceGroup(instance_type="ml.m5.large", volume_size=50),),
            instance_type="ml.m5.large",
            volume_size=50,
            keep_alive_period=60,
            training_plan_arn="plan",
        ),
        stopping=StoppingCondition(max_runtime=600, max_wait_time=900),
        maximum_retry_attempts=2,
        managed_spot=True,
        network_isolation=True,
        profiler=True,
    )


def test_what_a_request_leaves_out_has_the_defaults_of_the_types() -> None:
    assert parse.training({}) == TrainingSpec()
    assert parse.training({"CheckpointConfig": {"S3Uri": "s3://box/c"}}).checkpoints == CheckpointConfig(s3_uri="s3://box/c")
    assert CheckpointConfig(s3_uri="s3://box/c").path == "/opt/ml/checkpoints"
    assert not parse.training({"ProfilerConfig": {"DisableProfiler": True}}).profiler


def test_an_algorithm_is_an_image_or_a_name_with_its_own_command_or_none() -> None:
    assert parse.training({"AlgorithmSpecification": {"AlgorithmName": "mine"}}).algorithm.image == "mine"
    assert parse.training(FULL).algorithm.command == ("python", "-m", "train")
    arguments = {"TrainingImage": "image", "ContainerArguments": ["train"]}
    assert parse.training({"AlgorithmSpecification": arguments}).algorithm.command == ()


GROUPS = (InstanceGroup(instance_type="ml.m5.large", instance_count=2), InstanceGroup(instance_type="ml.c5.large"))
LIST = [{"InstanceType": "ml.m5.large", "InstanceCount": 2}, {"InstanceType": "ml.c5.large", "InstanceCount": 1}]


@pytest.mark.parametrize(
    ("request_", "resources"),
    [
        ({"ResourceConfig": {"InstanceGroups": LIST}}, ResourceConfig(groups=GROUPS)),
        ({"ResourceConfig": {"InstancePreferences": LIST}}, ResourceConfig(alternatives=GROUPS)),
        (
            {"ResourceConfig": {"InstancePreferences": [{"InstanceType": "ml.c5.large"}], "InstanceCount": 2}},
            ResourceConfig(alternatives=(InstanceGroup(instance_type="ml.c5.large", instance_count=2),)),
        ),
        (
            {"ResourceConfig": {"InstancePreferences": LIST, "SelectedInstanceType": "ml.c5.large", "SelectedInstanceCount": 1}},
            ResourceConfig(groups=GROUPS[1:], alternatives=GROUPS, instance_type="ml.c5.large"),
        ),
        (
            {"HyperParameterTuningResourceConfig": {"InstanceConfigs": [{**config, "VolumeSizeInGB": 5} for config in LIST]}},
            ResourceConfig(
                alternatives=tuple(
                    InstanceGroup(instance_type=group.instance_type, instance_count=group.instance_count, volume_size=5)
                    for group in GROUPS
                )
            ),
        ),
    ],
)
def test_instances_are_groups_or_alternatives(request_: dict[str, Any], resources: ResourceConfig) -> None:
    assert parse.training(request_).resources == resources


TUNING: dict[str, Any] = {
    "HyperParameterTuningJobConfig": {
        "Strategy": "Hyperband",
        "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}},
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 9, "MaxRuntimeInSeconds": 3600},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.5", "MaxValue": "1", "ScalingType": "Linear"}],
            "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "8"}],
            "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b"]}],
        },
        "TrainingJobEarlyStoppingType": "Auto",
        "TuningJobCompletionCriteria": {
            "TargetObjectiveMetricValue": 0.25,
            "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 4},
            "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
        },
        "RandomSeed": 7,
    },
    "TrainingJobDefinition": {"StaticHyperParameters": {"epochs": "3"}, "AlgorithmSpecification": {"TrainingImage": "image"}},
    "WarmStartConfig": {
        "WarmStartType": "TransferLearning",
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "before"}],
    },
}


def test_a_request_for_tuning() -> None:
    plan = parse.tuning(TUNING)
    (definition,) = plan.definitions
    assert definition.objective == Objective(metric="loss", goal=Goal.MINIMIZE)
    assert definition.space.parameters == (
        Categorical(name="c", values=("a", "b")),
        Integer(name="n", low=1, high=8),
        Continuous(name="x", low=0.5, high=1.0, scaling=Scaling.LINEAR),
    )
    assert definition.spec == TrainingSpec(hyperparameters={"epochs": "3"}, algorithm=AlgorithmSpec(image="image"))
    assert (plan.strategy, plan.min_resource, plan.max_resource) == ("Hyperband", 1, 9)
    assert (plan.max_parallel, plan.max_jobs, plan.max_runtime) == (2, 9, 3600)
    assert (plan.early_stopping, plan.target, plan.not_improving, plan.complete_on_convergence) == (True, 0.25, 4, True)
    assert (plan.seed, plan.parents, plan.transfer) == (7, ("before",), True)


def test_definitions_have_objectives_and_ranges_of_their_own() -> None:
    config = {"Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 2}}
    definitions = [
        {
            "DefinitionName": name,
            "TuningObjective": {"Type": "Maximize", "MetricName": metric},
            "HyperParameterRanges": {"CategoricalParameterRanges": [{"Name": name, "Values": ["1", "2"]}]},
        }
        for name, metric in (("one", "score"), ("two", "score"), ("three", "loss"))
    ]
    plan = parse.tuning({"HyperParameterTuningJobConfig": config, "TrainingJobDefinitions": definitions})
    assert [definition.name for definition in plan.definitions] == ["one", "two", "three"]
    assert [definition.space.parameters[0].name for definition in plan.definitions] == ["one", "two", "three"]
    assert plan.ranked == {"one", "two"}


@pytest.mark.parametrize("no_request", [{"CheckpointConfig": {}}, {"InputDataConfig": [{"ChannelName": "train"}]}])
def test_what_no_rule_lets_through_is_no_request(no_request: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        parse.training(no_request)


def test_tags() -> None:
    assert parse.tags({}) == {}
    assert parse.tags({"Tags": [{"Key": "team", "Value": "blue"}, {"Key": "cost", "Value": ""}]}) == {"team": "blue", "cost": ""}
