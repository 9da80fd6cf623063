"""The rows of `conformance.toml` about AWS's own algorithms."""

import json
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from local_emulator.algorithms import contract, xgboost
from local_emulator.assembly import Emulator
from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms import running
from tests.unit import algorithms_page as page

pytestmark = pytest.mark.slow(16)

ROWS = tomllib.loads(Path(__file__).with_name("conformance.toml").read_text(encoding="utf-8"))
PROGRAM = ("sleep", "3600")  # of the first job alone: the others wait for a place


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS[kind]])


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    mapped = {row["image"]: PROGRAM for row in ROWS["tuning_of_algorithm"] if row.get("mapped")}
    with emulated_sagemaker(Settings(state=Path(), stop_grace=0.1, parallel=1, images=mapped)) as emulator:
        yield emulator


def ask(emulator: Emulator, operation: str, request: Mapping[str, Any], region: str) -> tuple[int, Any]:
    code, _, body = emulator.api.answer(operation, json.dumps(request).encode(), region)
    return code, json.loads(body) if body else {}


def tuning_job(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": row["objective"]},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1},
            "ParameterRanges": {kind: [limits] for kind, limits in row["range"].items()},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": row["static"],
            "AlgorithmSpecification": {"TrainingImage": row["image"], "TrainingInputMode": "File"},
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "OutputDataConfig": {"S3OutputPath": "s3://box/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
    }


@rows("tuning_of_algorithm")
def test_a_tuning_job_is_checked_as_aws_checks_it(row: dict[str, Any], emulator: Emulator) -> None:
    name = f"job-{ROWS['tuning_of_algorithm'].index(row)}"
    region = row["image"].split(".")[3]
    code, answer = ask(emulator, "CreateHyperParameterTuningJob", tuning_job(name, row), region)
    if "text" in row:
        assert (code, answer["__type"]) == (400, "ValidationException")
        assert row["text"] in answer["message"]
        assert "A metric is required" not in answer["message"]
        return
    assert code == 200, answer
    _, job = ask(emulator, "DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}, region)
    metrics = job["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    expressions = {metric["Name"]: metric["Regex"] for metric in metrics}
    assert [metric["Name"] for metric in metrics] == row.get("names", list(expressions))
    assert expressions == {**expressions, **row.get("expressions", {})}


@rows("autotune")
def test_autotune_knows_the_algorithm(row: dict[str, Any], emulator: Emulator) -> None:
    name = f"auto-{ROWS['autotune'].index(row)}"
    request = tuning_job(name, {**row, "range": {}, "static": {}}) | {"Autotune": {"Mode": "Enabled"}}
    auto = [{"Name": name, "ValueHint": hint} for name, hint in row["auto"].items()]
    own = [{"Name": name, "MinValue": low, "MaxValue": high} for name, (low, high) in row.get("own", {}).items()]
    request["HyperParameterTuningJobConfig"]["ParameterRanges"] = {"AutoParameters": auto, "ContinuousParameterRanges": own}
    code, answer = ask(emulator, "CreateHyperParameterTuningJob", request, "us-east-1")
    assert code == 200, answer
    _, job = ask(emulator, "DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}, "us-east-1")
    assert job["TrainingJobDefinition"]["StaticHyperParameters"] == row["static"]
    ranges = [entry for some in job["HyperParameterTuningJobConfig"]["ParameterRanges"].values() for entry in some]
    assert {entry["Name"]: entry.get("Values") or [entry["MinValue"], entry["MaxValue"]] for entry in ranges} == row["ranges"]


@rows("hyperparameters")
def test_what_a_program_says_of_hyperparameters(row: dict[str, Any]) -> None:
    algorithm = catalogue.load(row["algorithm"], row.get("version"))
    if "text" not in row:
        assert row["given"].keys() <= contract.checked(algorithm, row["given"]).keys()
        return
    with pytest.raises(contract.CustomerError) as refused:
        contract.checked(algorithm, row["given"])
    assert row["text"] in str(refused.value)


@rows("content_type")
def test_how_xgboost_takes_a_content_type(row: dict[str, Any]) -> None:
    algorithm = catalogue.load("sagemaker-xgboost")
    if "format" in row:
        assert xgboost.content_type(algorithm, row["given"]) == row["format"]
        return
    with pytest.raises(contract.CustomerError) as refused:
        xgboost.content_type(algorithm, row["given"])
    assert str(refused.value) == row["text"]


def training_job(name: str, image: str, hyperparameters: Mapping[str, str], *channels: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
    return {
        "TrainingJobName": name,
        "HyperParameters": hyperparameters,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
        "InputDataConfig": [
            {
                "ChannelName": channel,
                "ContentType": "csv",
                "DataSource": {"S3DataSource": {**source, "S3Uri": f"s3://box/{channel}"}},
            }
            for channel in channels
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://box/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


def test_real_jobs_end_as_aws_s() -> None:
    """Recorded 1 and 21: a job with only a train channel has its metrics; what the program refuses is the FailureReason."""
    with emulated_sagemaker(Settings(state=Path(), parallel=2)) as emulator:
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="box")
        s3.put_object(Bucket="box", Key="train/a.csv", Body=b"0,1,2\n1,2,3\n0,3,5\n1,4,7\n")
        image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.3-1"
        jobs = [
            training_job("xgboost", image, {"num_round": "2"}, "train"),
            training_job("kmeans", "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1", {"feature_dim": "2"}, "train"),
        ]
        for job in jobs:
            code, answer = ask(emulator, "CreateTrainingJob", job, "us-east-1")
            assert code == 200, answer
        xgboost_job, kmeans_job = (ended(emulator, job["TrainingJobName"]) for job in jobs)
    assert [metric["MetricName"] for metric in xgboost_job["FinalMetricDataList"]] == ["train:rmse"]
    assert len(xgboost_job["AlgorithmSpecification"]["MetricDefinitions"]) == 29
    reason = "ClientError: No value(s) were specified for 'k' which are required hyperparameter(s) (caused by ValidationError)"
    assert kmeans_job["FailureReason"].startswith(reason)


OBJECTIVES: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any], int]] = {
    "randomcutforest": ("Maximize test:f1", {"feature_dim": "25", "num_trees": "50"}, {"num_samples_per_tree": (2, 4)}, 1),
    "lda": (
        "Maximize test:pwll",
        {"feature_dim": "25", "mini_batch_size": "50", "max_iterations": "3"},
        {"num_topics": (2, 5)},
        1,
    ),
    "ntm": ("Minimize validation:total_loss", {"feature_dim": "25", "num_topics": "5"}, {"mini_batch_size": (16, 64)}, 1),
    "blazingtext": ("Maximize validation:accuracy", {"mode": "supervised", "learning_rate": "0.5"}, {"vector_dim": (32, 64)}, 2),
    "forecasting-deepar": (
        "Minimize test:RMSE",
        {"time_freq": "D", "context_length": "7", "prediction_length": "7", "epochs": "2"},
        {"mini_batch_size": (32, 64)},
        1,
    ),
}  # objective, static hyperparameters, a range, training jobs


CONTENT_TYPES = {"blazingtext": "text/plain", "forecasting-deepar": "application/jsonlines"}


def tuning_of_stand_in(name: str) -> dict[str, Any]:
    objective, static, ranges, count = OBJECTIVES[name]
    kind, metric = objective.split()
    range_ = [{"Name": key, "MinValue": str(low), "MaxValue": str(high)} for key, (low, high) in ranges.items()]
    image = page.image(catalogue.load(name))
    row = {"image": image, "objective": metric, "static": static, "range": {"IntegerParameterRanges": range_[0]}}
    request = tuning_job(name, row)
    request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] = kind
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = count
    held = metric.split(":")[0]
    channels = training_job(name, image, {}, "train", held)["InputDataConfig"]
    for channel in channels:
        channel["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://box/{name}/{channel['ChannelName']}"
        channel["ContentType"] = CONTENT_TYPES.get(name, running.RECORDIO)
    request["TrainingJobDefinition"]["InputDataConfig"] = channels
    return request


def test_stand_ins_are_tuned() -> None:
    """A tuning job of each on real data in S3, with models; PCA, which has no objective, as a training job."""
    counts, held = running.documents(100, seed=0), running.documents(30, seed=1)
    unusual = running.recordio(np.concatenate([held, held[:2] * 9]), np.repeat([0, 1], [30, 2]))
    channels = {
        **{f"{name}/train": running.recordio(counts) for name in ("pca", "randomcutforest", "lda", "ntm")},
        "randomcutforest/test": unusual,
        "lda/test": running.recordio(held),
        "ntm/validation": running.recordio(held),
        "blazingtext/train": running.text(100, seed=0),
        "blazingtext/validation": running.text(50, seed=1),
        "forecasting-deepar/train": running.json_lines(running.seasonal(5, seed=0, length=60)),
        "forecasting-deepar/test": running.json_lines(running.seasonal(5, seed=0, length=67)),
    }
    with emulated_sagemaker(Settings(state=Path(), parallel=2)) as emulator:
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="box")
        for key, (_, content) in channels.items():
            s3.put_object(Bucket="box", Key=f"{key}/data", Body=content)
        sizes = {"feature_dim": "25", "num_components": "5", "mini_batch_size": "50"}
        pca = training_job("pca", page.image(catalogue.load("pca")), sizes, "train")
        pca["InputDataConfig"][0] |= {"ContentType": running.RECORDIO}
        pca["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://box/pca/train"
        assert ask(emulator, "CreateTrainingJob", pca, "us-east-1")[0] == 200
        for name in OBJECTIVES:
            code, answer = ask(emulator, "CreateHyperParameterTuningJob", tuning_of_stand_in(name), "us-east-1")
            assert code == 200, answer
        jobs = {name: ended(emulator, name, "HyperParameterTuningJob") for name in OBJECTIVES}
        trained = [ended(emulator, "pca")]
        for name, job in jobs.items():
            request = {"HyperParameterTuningJobName": name}
            _, listed = ask(emulator, "ListTrainingJobsForHyperParameterTuningJob", request, "us-east-1")
            trained += [ended(emulator, entry["TrainingJobName"]) for entry in listed["TrainingJobSummaries"]]
            values = [entry["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for entry in listed["TrainingJobSummaries"]]
            best = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
            assert (best["MetricName"], best["Value"]) == (OBJECTIVES[name][0].split()[1], max(values))
            assert len(values) == OBJECTIVES[name][3]
        assert {job["TrainingJobStatus"] for job in trained} == {"Completed"}, trained
        for job in trained:
            bucket, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
            assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 100
    assert {metric["MetricName"] for metric in trained[0]["FinalMetricDataList"]} == {"train:progress", "train:throughput"}
    assert jobs["blazingtext"]["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.9
    assert jobs["randomcutforest"]["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.5


def test_a_mapped_program_is_measured_by_aws_s_metrics() -> None:
    """Recorded 28: the lines of a program of the user's, read with the metric definitions that AWS has for the image."""
    row = next(row for row in ROWS["tuning_of_algorithm"] if row["objective"] == "test:RMSE" and row.get("mapped"))
    line = "[01/01/2026 00:00:00 INFO 1] #quality_metric: host=algo-1, test RMSE <loss>=0.25"
    with emulated_sagemaker(Settings(state=Path(), images={"*/forecasting-deepar:*": ("echo", line)})) as emulator:
        code, answer = ask(emulator, "CreateHyperParameterTuningJob", tuning_job("mapped", row), "us-east-1")
        assert code == 200, answer
        job = ended(emulator, "mapped", "HyperParameterTuningJob")
    assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"] == {"MetricName": "test:RMSE", "Value": 0.25}


def ended(emulator: Emulator, name: str, kind: str = "TrainingJob") -> Any:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        _, job = ask(emulator, f"Describe{kind}", {f"{kind}Name": name}, "us-east-1")
        if job[f"{kind}Status"] in {"Completed", "Failed", "Stopped"}:
            return job
        time.sleep(0.05)
    raise AssertionError(job)
