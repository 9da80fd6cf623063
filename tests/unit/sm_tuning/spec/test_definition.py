"""A training job definition in AWS's form."""

import pytest

from sm_tuning import Definition, Metric, Network, Objective, Resources, Script, learning_rate
from sm_tuning.spec.security import Encryption

OBJECTIVE = Objective.minimize("loss", r"loss=(\S+)")


def test_what_was_not_said_is_not_sent() -> None:
    request = Definition().training_request("s3://b/p")
    assert set(request) == {
        *("StaticHyperParameters", "AlgorithmSpecification", "RoleArn", "OutputDataConfig", "ResourceConfig"),
        *("StoppingCondition", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"),
    }
    assert "/sagemaker-scikit-learn:" in request["AlgorithmSpecification"]["TrainingImage"]


def test_a_script_is_named_and_its_archive_lies_below_the_prefix() -> None:
    definition = Definition(script=Script("train.py"), hyperparameters={"epochs": 5, "flag": True, "rate": 1e-05})
    assert definition.training_request("s3://b/p")["StaticHyperParameters"] == {
        "epochs": "5",
        "flag": "True",
        "rate": "1e-05",
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://b/p/source/sourcedir.tar.gz",
    }


def test_equal_metrics_are_sent_once_and_those_that_differ_so_that_aws_refuses_them() -> None:
    metrics = [Metric("loss", r"loss=(\S+)"), Metric("acc", "a=(.)"), Metric("acc", "b=(.)")]
    definition = Definition(objective=OBJECTIVE, metrics=metrics)
    sent = definition.training_request("s3://b")["AlgorithmSpecification"]["MetricDefinitions"]
    assert [(metric["Name"], metric["Regex"]) for metric in sent] == [
        *(("loss", r"loss=(\S+)"), ("acc", "a=(.)"), ("acc", "b=(.)")),
    ]


def test_network_keys_and_limits() -> None:
    definition = Definition(
        network=Network(subnets=["s"], security_groups=["g"], isolated=True),
        encryption=Encryption(output_key="k", volume_key="v"),
        resources=Resources(spot=True, max_runtime=60, checkpoints="s3://b/c"),
        max_retries=2,
        environment={"A": "1"},
        output="s3://b/o/",
    )
    request = definition.training_request("s3://b/p")
    assert request["VpcConfig"] == {"SecurityGroupIds": ["g"], "Subnets": ["s"]}
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://b/o", "KmsKeyId": "k"}
    assert request["ResourceConfig"]["VolumeKmsKeyId"] == "v"
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}
    assert request["CheckpointConfig"] == {"S3Uri": "s3://b/c"}
    assert (request["RetryStrategy"], request["Environment"]) == ({"MaximumRetryAttempts": 2}, {"A": "1"})
    assert (request["EnableNetworkIsolation"], request["EnableManagedSpotTraining"]) == (True, True)


@pytest.mark.parametrize("objective", [None, OBJECTIVE])
def test_one_of_several_has_a_name_an_objective_and_ranges(objective: Objective | None) -> None:
    request = Definition(name="a", objective=objective, ranges=[learning_rate()]).named_request("s3://b/p")
    assert request["DefinitionName"] == "a"
    assert ("TuningObjective" in request) is (objective is not None)
    assert request["HyperParameterRanges"]["ContinuousParameterRanges"][0]["Name"] == "learning_rate"
