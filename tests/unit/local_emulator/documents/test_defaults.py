"""Requests as Describe shows them."""

from typing import Any

from local_emulator.documents import defaults

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SCORE = {"Name": "score", "Regex": "score=(.*)"}
TRAINING: dict[str, Any] = {
    "TrainingJobName": "job",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "HyperParameters": {"b": "2", "a": "1"},
    "InputDataConfig": [{"ChannelName": "train", "RecordWrapperType": "RecordIO"}],
    "OutputDataConfig": {"S3OutputPath": "s3://box/out"},
    "StoppingCondition": {},
    "EnableManagedSpotTraining": True,
    "Tags": [{"Key": "team", "Value": "blue"}],
}
DEFINITION: dict[str, Any] = {
    "StaticHyperParameters": {"z": "1"},
    "AlgorithmSpecification": {"TrainingImage": "image", "MetricDefinitions": [SCORE]},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def tuning(*definitions: dict[str, Any], **config: Any) -> dict[str, Any]:
    single = {"TrainingJobDefinition": definitions[0]} if len(definitions) == 1 else {"TrainingJobDefinitions": [*definitions]}
    objective = {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"}} if len(definitions) == 1 else {}
    limits = {"ResourceLimits": {"MaxParallelTrainingJobs": 1}}
    return {"HyperParameterTuningJobConfig": {**objective, **limits, **config}, **single, "Tags": []}


def test_a_training_job() -> None:
    echo = defaults.training_job(TRAINING)
    assert echo == {
        "TrainingJobName": "job",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "HyperParameters": {"a": "1", "b": "2"},
        "InputDataConfig": [{"ChannelName": "train", "CompressionType": "None", "RecordWrapperType": "RecordIO"}],
        "OutputDataConfig": {"KmsKeyId": "", "S3OutputPath": "s3://box/out"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        "EnableManagedSpotTraining": True,
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
    }
    assert list(echo["HyperParameters"]) == ["a", "b"]
    assert "Tags" in TRAINING, "the request itself stays as it was"


def test_the_objective_is_the_last_metric_and_a_static_hyperparameter() -> None:
    echo = defaults.tuning_job(tuning(DEFINITION, ResourceLimits={"MaxNumberOfTrainingJobs": 1}))["TrainingJobDefinition"]
    assert echo["StaticHyperParameters"] == {"_tuning_objective_metric": "score", "z": "1"}
    assert echo["AlgorithmSpecification"]["MetricDefinitions"] == [SCORE, {"Name": "ObjectiveMetric", "Regex": "score=(.*)"}]
    assert (echo["StoppingCondition"], echo["EnableNetworkIsolation"]) == ({"MaxRuntimeInSeconds": 60}, False)


def test_each_definition_has_its_own_objective_and_ranges() -> None:
    ranges = {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "2"}]}
    loss = {"Name": "loss", "Regex": "loss=(.*)"}
    second = {
        **DEFINITION,
        "AlgorithmSpecification": {"TrainingImage": "image", "MetricDefinitions": [loss]},
        "TuningObjective": {"Type": "Minimize", "MetricName": "loss"},
        "HyperParameterRanges": ranges,
    }
    first = {**DEFINITION, "TuningObjective": {"Type": "Maximize", "MetricName": "score"}}
    echo = defaults.tuning_job(tuning(first, second, ResourceLimits={"MaxNumberOfTrainingJobs": 1}))["TrainingJobDefinitions"]
    assert [definition["StaticHyperParameters"]["_tuning_objective_metric"] for definition in echo] == ["score", "loss"]
    assert echo[1]["HyperParameterRanges"]["IntegerParameterRanges"] == [
        {"Name": "n", "MinValue": "1", "MaxValue": "2", "ScalingType": "Auto"}
    ]


def test_numbers_have_a_scaling_and_a_grid_has_a_size() -> None:
    ranges = {
        "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "c"]}],
        "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "2", "ScalingType": "Linear"}],
        "AutoParameters": [{"Name": "auto", "ValueHint": "1"}],
    }
    config = defaults.tuning_job(tuning(DEFINITION, ParameterRanges=ranges))["HyperParameterTuningJobConfig"]
    assert config["ParameterRanges"] == ranges
    assert config["ResourceLimits"] == {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 6}


def test_the_metrics_of_an_algorithm_of_aws_are_its_own() -> None:
    definition = {
        **DEFINITION,
        "StaticHyperParameters": {"objective": "reg:squarederror"},
        "AlgorithmSpecification": {"TrainingImage": XGBOOST},
    }
    objective = {"Type": "Minimize", "MetricName": "validation:rmse"}
    request = tuning(definition, HyperParameterTuningJobObjective=objective, ResourceLimits={"MaxNumberOfTrainingJobs": 1})
    metrics = defaults.tuning_job(request)["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    assert metrics[-1]["Name"] == "ObjectiveMetric"
    assert metrics[-1]["Regex"] == next(metric["Regex"] for metric in metrics if metric["Name"] == "validation:rmse")
    training = {**TRAINING, "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}}
    assert {"validation:rmse", "train:rmse"} <= {
        metric["Name"] for metric in defaults.training_job(training)["AlgorithmSpecification"]["MetricDefinitions"]
    }
