"""What a tuning job's description says, in the package's own types."""

import pytest

from sm_tuning import Categorical, Continuous, Integer, Objective, Scaling, WarmStart
from sm_tuning.client.description import description, optional_metrics

DEFINITION = {
    "StaticHyperParameters": {"epochs": "5"},
    "AlgorithmSpecification": {
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}, {"Name": "ObjectiveMetric", "Regex": "loss=(.*)"}]
    },
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
}
RANGES = {
    "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "1e-4", "MaxValue": "1", "ScalingType": "Logarithmic"}],
    "IntegerParameterRanges": [{"Name": "units", "MinValue": "8", "MaxValue": "64", "ScalingType": "Auto"}],
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
    "AutoParameters": [{"Name": "depth", "ValueHint": "3"}],
}
TYPED = [
    Continuous("rate", 1e-4, 1, Scaling.LOGARITHMIC),
    Integer("units", 8, 64),
    Categorical("kind", ["a", "b"]),
]


def test_one_definition() -> None:
    answer = {
        "HyperParameterTuningJobName": "mine",
        "HyperParameterTuningJobArn": "arn",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "acc"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 3},
            "ParameterRanges": RANGES,
            "RandomSeed": 7,
        },
        "TrainingJobDefinition": {
            **DEFINITION,
            "AlgorithmSpecification": {"TrainingImage": "image:1", "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}]},
            "InputDataConfig": [{"ChannelName": "train", "ContentType": "image/png"}, {"ChannelName": "other"}],
        },
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "first"}],
            "WarmStartType": "TransferLearning",
        },
        "BestTrainingJob": {"TrainingJobName": "mine-003"},
    }
    job = description(answer)
    assert (job.name, job.objective, job.strategy, job.seed) == ("mine", Objective.maximize("acc"), "Bayesian", 7)
    assert list(job.ranges) == TYPED  # what AWS chooses itself is not known before
    assert job.warm_start is not None
    assert list(job.warm_start.parents) == ["first"]
    assert job.warm_start.type == WarmStart.transfer("first").type
    assert (job.max_parallel, job.instance_count, job.best_training_job) == (3, 2, "mine-003")
    assert (dict(job.static_hyperparameters), dict(job.metrics)) == ({"epochs": "5"}, {"loss": "loss=(.*)"})
    assert (job.content_types, job.image) == ({"train": "image/png"}, "image:1")
    assert set(job.request) == set(answer) - {"HyperParameterTuningJobArn", "BestTrainingJob"}


XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
METRICS = [{"Name": name, "Regex": f"{name}:(.*)"} for name in ("validation:auc", "validation:mae")]


@pytest.mark.parametrize(("image", "optional"), [(XGBOOST, {"validation:mae"}), ("mine:1", set()), (None, set())])
def test_an_algorithm_of_aws_s_prints_what_its_settings_ask_for(image: str | None, optional: set[str]) -> None:
    definition = {"AlgorithmSpecification": {"TrainingImage": image, "MetricDefinitions": METRICS}}
    assert optional_metrics([definition], ["validation:auc"]) == optional


def test_of_an_algorithm_of_aws_s_the_objective_alone_must_be_printed() -> None:
    job = description(
        {
            "HyperParameterTuningJobName": "mine",
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
                "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            },
            "TrainingJobDefinition": {"AlgorithmSpecification": {"TrainingImage": XGBOOST, "MetricDefinitions": METRICS}},
        }
    )
    assert set(job.metrics) == {"validation:auc", "validation:mae"}
    assert job.optional_metrics == {"validation:mae"}


def test_a_range_that_is_not_known_is_left_out() -> None:
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": "rate", "MinValue": "1", "MaxValue": "2", "ScalingType": "Cubic"},
            {"Name": "momentum", "MinValue": "0", "MaxValue": "1"},
        ],
        "OrdinalParameterRanges": [{"Name": "size", "Values": ["s", "m"]}],
    }
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "acc"},
        "ResourceLimits": {"MaxParallelTrainingJobs": 1},
        "ParameterRanges": ranges,
    }
    answer = {"HyperParameterTuningJobName": "mine", "HyperParameterTuningJobConfig": config, "TrainingJobDefinition": DEFINITION}
    assert list(description(answer).ranges) == [Continuous("momentum", 0, 1)]


def test_of_several_definitions_the_first_counts() -> None:
    more = {"ContinuousParameterRanges": [{"Name": "momentum", "MinValue": "0", "MaxValue": "1"}]}
    objective = {"Type": "Minimize", "MetricName": "loss"}
    other = {"InstanceGroups": [{"InstanceType": kind, "InstanceCount": 2} for kind in ("ml.c5.large", "ml.p3.2xlarge")]}
    first = {**DEFINITION, "DefinitionName": "first", "TuningObjective": objective, "HyperParameterRanges": RANGES}
    job = description(
        {
            "HyperParameterTuningJobName": "mine",
            "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
            "TrainingJobDefinitions": [
                first,
                {**first, "DefinitionName": "second", "ResourceConfig": other, "HyperParameterRanges": more},
            ],
        }
    )
    assert (job.objective, list(job.ranges)) == (Objective.minimize("loss"), [*TYPED, Continuous("momentum", 0, 1)])
    assert (job.instance_count, dict(job.static_hyperparameters)) == (2, {"epochs": "5"})
    assert [job.instances(name) for name in ("first", "second")] == [2, 4]  # but for what they cost
    assert job.instance_type == "ml.m5.large, ml.c5.large, ml.p3.2xlarge"
    assert (job.seed, job.warm_start, job.best_training_job, dict(job.metrics)) == (None, None, None, {"loss": "loss=(.*)"})
