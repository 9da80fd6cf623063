"""A region of an account is a world of its own: no operation sees or changes what is beyond it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker

HOME, OTHER, CHINA, GOV = "us-east-1", "eu-west-1", "cn-northwest-1", "us-gov-west-1"
ARNS = {
    HOME: "arn:aws:sagemaker:us-east-1:123456789012",
    OTHER: "arn:aws:sagemaker:eu-west-1:123456789012",
    CHINA: "arn:aws-cn:sagemaker:cn-northwest-1:123456789012",
    GOV: "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012",
}


@pytest.fixture(scope="module", autouse=True)
def emulator() -> Iterator[None]:
    with emulated_sagemaker(
        Settings(
            state=Path(),
            images={
                "slow": ("sh", "-c", "exec sleep 600"),
                "*": ("sh", "-c", "echo score=1; echo m > ${SM_MODEL_DIR:-/opt/ml/model}/m"),
            },
            quotas=Quotas(tuning_jobs=1),
        )
    ):
        for region in ARNS:
            s3 = boto3.client("s3", region_name=region)
            location = {} if region == HOME else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            s3.create_bucket(Bucket=f"box-{region}", **location)
            s3.put_object(Bucket=f"box-{region}", Key="train/a", Body=b"1")
        yield


def sagemaker(region: str, **options: Any) -> Any:
    return boto3.client("sagemaker", region_name=region, **options)


def definition(region: str) -> dict[str, Any]:
    partition = ARNS[region].split(":")[1]
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://box-{region}/train"}
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+)"}],
        },
        "RoleArn": f"arn:{partition}:iam::123456789012:role/SageMakerRole",
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://box-{region}/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def start(region: str, name: str, *, image: str = "image", **more: Any) -> None:
    training = definition(region)
    training["AlgorithmSpecification"]["TrainingImage"] = image
    sagemaker(region).create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        },
        TrainingJobDefinition=training,
        **more,
    )


def ended(region: str, name: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = sagemaker(region).describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if job["HyperParameterTuningJobStatus"] in {"Completed", "Failed", "Stopped"}:
            return job
        time.sleep(0.02)


def tune(region: str, name: str, **more: Any) -> dict[str, Any]:
    start(region, name, **more)
    return ended(region, name)


def test_a_name_may_be_used_once_in_each_region() -> None:
    for region, prefix in ARNS.items():
        job = tune(region, "Same-Name")
        assert job["HyperParameterTuningJobArn"] == f"{prefix}:hyper-parameter-tuning-job/same-name"
        assert job["HyperParameterTuningJobStatus"] == "Completed", job
        best = job["BestTrainingJob"]
        assert best["TrainingJobArn"] == f"{prefix}:training-job/{best['TrainingJobName'].lower()}"
        client = sagemaker(region)
        child = client.describe_training_job(TrainingJobName=best["TrainingJobName"])
        assert child["TuningJobArn"] == job["HyperParameterTuningJobArn"]
        model = child["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://box-{region}/")
        assert boto3.client("s3", region_name=region).head_object(Bucket=f"box-{region}", Key=model)["ContentLength"] > 0
        assert [
            summary["HyperParameterTuningJobName"]
            for summary in client.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
        ] == ["Same-Name"]
        assert len(client.list_training_jobs()["TrainingJobSummaries"]) == 1
        assert (
            len(
                client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="same-name")[
                    "TrainingJobSummaries"
                ]
            )
            == 1
        )
        logs = boto3.client("logs", region_name=region)
        (stream,) = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
        assert stream["logStreamName"].startswith(best["TrainingJobName"])
        metrics = boto3.client("cloudwatch", region_name=region).list_metrics(Namespace="/aws/sagemaker/TrainingJobs")["Metrics"]
        values = {dimension["Value"] for metric in metrics for dimension in metric["Dimensions"]}
        assert {value.removesuffix("/algo-1") for value in values} == {best["TrainingJobName"]}  # memory is of a host


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("describe_hyper_parameter_tuning_job", "can't find a tuning job called only-here"),
        ("stop_hyper_parameter_tuning_job", "can't find a tuning job called only-here"),
        ("delete_hyper_parameter_tuning_job", "can't find a tuning job called only-here"),
        ("list_training_jobs_for_hyper_parameter_tuning_job", "can't find a tuning job called only-here"),
        ("describe_training_job", "Requested resource not found."),
        ("stop_training_job", "Requested resource not found."),
        ("delete_training_job", "Requested resource not found."),
    ],
)
def test_what_is_in_one_region_is_not_there_in_another(operation: str, text: str) -> None:
    home = sagemaker(HOME)
    if not home.list_hyper_parameter_tuning_jobs(NameContains="only-here")["HyperParameterTuningJobSummaries"]:
        tune(HOME, "only-here", Tags=[{"Key": "team", "Value": "ml"}])
    (child,) = home.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="only-here")[
        "TrainingJobSummaries"
    ]
    name = (
        {"TrainingJobName": child["TrainingJobName"]}
        if operation.endswith("_training_job")
        else {"HyperParameterTuningJobName": "only-here"}
    )
    for region in (OTHER, CHINA):
        with pytest.raises(ClientError, match=text):
            getattr(sagemaker(region), operation)(**name)
    assert (
        home.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="only-here")["HyperParameterTuningJobStatus"]
        == "Completed"
    )
    assert home.describe_training_job(TrainingJobName=child["TrainingJobName"])["TrainingJobStatus"] == "Completed"


def test_tags_of_another_region_are_out_of_reach() -> None:
    arn = tune(HOME, "tagged", Tags=[{"Key": "team", "Value": "ml"}])["HyperParameterTuningJobArn"]
    for operation, more in (
        ("list_tags", {}),
        ("add_tags", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("delete_tags", {"TagKeys": ["team"]}),
    ):
        with pytest.raises(ClientError, match="does not exist"):
            getattr(sagemaker(OTHER), operation)(ResourceArn=arn, **more)
    assert sagemaker(HOME).list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_quotas_are_a_regions_own() -> None:
    for region in (HOME, OTHER):
        start(region, "slow", image="slow")
    for region in (HOME, OTHER):
        with pytest.raises(ClientError, match="with current utilization of 1 Tuning Jobs and a request delta of 1 Tuning Jobs"):
            start(region, "more")
        sagemaker(region).stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="slow")
    for region in (HOME, OTHER):
        ended(region, "slow")


def test_an_event_goes_to_the_bus_of_the_jobs_region() -> None:
    heard = {}
    for region in (HOME, OTHER):
        url = boto3.client("sqs", region_name=region).create_queue(QueueName="events")["QueueUrl"]
        arn = boto3.client("sqs", region_name=region).get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        events = boto3.client("events", region_name=region)
        events.put_rule(Name="jobs", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
        events.put_targets(Rule="jobs", Targets=[{"Id": "queue", "Arn": arn}])
        heard[region] = url
    tune(OTHER, "told")

    def received(region: str) -> list[Any]:
        client = boto3.client("sqs", region_name=region)
        messages = client.receive_message(QueueUrl=heard[region], MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    seen: list[Any] = []
    while not any(event["detail"].get("HyperParameterTuningJobStatus") == "Completed" for event in seen):
        seen += received(OTHER)
    assert {event["region"] for event in seen} == {OTHER}
    assert received(HOME) == []


def test_an_assumed_role_of_another_account_sees_its_own_jobs() -> None:
    tune(HOME, "ours")
    keys = boto3.client("sts", region_name=HOME).assume_role(
        RoleArn="arn:aws:iam::111122223333:role/theirs", RoleSessionName="test"
    )["Credentials"]
    theirs = sagemaker(
        HOME,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert theirs.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    with pytest.raises(ClientError, match="can't find a tuning job called ours"):
        theirs.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="ours")
    request = definition(HOME) | {"TrainingJobName": "theirs"}
    del request["InputDataConfig"]
    assert (
        theirs.create_training_job(**request)["TrainingJobArn"] == "arn:aws:sagemaker:us-east-1:111122223333:training-job/theirs"
    )
    assert [summary["TrainingJobName"] for summary in theirs.list_training_jobs()["TrainingJobSummaries"]] == ["theirs"]
    assert "theirs" not in {
        summary["TrainingJobName"] for summary in sagemaker(HOME).list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    }
