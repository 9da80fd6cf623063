"""The request is the product: exact, complete, and refused offline for every rule that AWS would refuse it for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from sm_tuning import (
    Auto,
    Bayesian,
    Categorical,
    Channel,
    Completion,
    Continuous,
    Dataset,
    Definition,
    Encryption,
    FileSystem,
    Grid,
    Hyperband,
    Instance,
    InstanceGroup,
    Metric,
    MissingExtra,
    Network,
    NotLaunched,
    Objective,
    Placement,
    Resources,
    Script,
    TuningJob,
    WarmStart,
    batch_size,
    epochs,
    learning_rate,
)
from sm_tuning.rules.schema import operation

Make = Callable[..., TuningJob]

# --- the request ------------------------------------------------------------------------------------------------------------


def whole(job: Make, tmp_path: Path) -> TuningJob:
    """A tuning job that says much."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").touch()
    return job(
        ranges=[learning_rate(), epochs(), Categorical("optimizer", ["adam", "sgd"])],
        strategy=Bayesian(seed=3, early_stopping=True),
        metrics=[Metric("loss", "loss=(.*)")],
        completion=Completion(target=0.1, not_improving=5, on_convergence=True, max_runtime=600),
        hyperparameters={"width": 64, "nesterov": True},
        channels=[
            Channel("train", str(tmp_path / "data"), content_type="text/csv"),
            Channel("validation", "s3://else/where", input_mode="FastFile"),
        ],
        resources=Resources(
            instance_type="ml.c5.xlarge", volume_gb=5, max_runtime=60, spot=True, max_wait=90, checkpoints="s3://bucket/c"
        ),
        image="1.dkr.ecr.us-east-1.amazonaws.com/x:1",
        environment={"A": "b"},
        network=Network(subnets=["subnet-1"], security_groups=["sg-1"], isolated=True, encrypted=True),
        encryption=Encryption(output_key="k1", volume_key="k2"),
        max_retries=2,
        tags={"team": "ml"},
    )


def test_the_whole_request(job: Make, tmp_path: Path) -> None:
    full = whole(job, tmp_path)
    assert full.request() == {
        "HyperParameterTuningJobName": "good",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 600},
            "ParameterRanges": {
                "IntegerParameterRanges": [{"Name": "epochs", "MinValue": "5", "MaxValue": "50", "ScalingType": "Linear"}],
                "ContinuousParameterRanges": [
                    {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
                ],
                "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["adam", "sgd"]}],
            },
            "TrainingJobEarlyStoppingType": "Auto",
            "TuningJobCompletionCriteria": {
                "TargetObjectiveMetricValue": 0.1,
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 5},
                "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
            },
            "RandomSeed": 3,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "width": "64",
                "nesterov": "True",
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": "s3://bucket/prefix/good/source/sourcedir.tar.gz",
            },
            "AlgorithmSpecification": {
                "TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/x:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([-+0-9.eE]+)"}, {"Name": "loss", "Regex": "loss=(.*)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://bucket/prefix/good/input/train",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                    "ContentType": "text/csv",
                },
                {
                    "ChannelName": "validation",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://else/where",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                    "InputMode": "FastFile",
                },
            ],
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/prefix", "KmsKeyId": "k1"},
            "ResourceConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5, "VolumeKmsKeyId": "k2"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "EnableManagedSpotTraining": True,
            "CheckpointConfig": {"S3Uri": "s3://bucket/c"},
            "RetryStrategy": {"MaximumRetryAttempts": 2},
            "Environment": {"A": "b"},
        },
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    assert full.dry_run().ok, full.dry_run()
    json.dumps(full.request())


# --- rules ------------------------------------------------------------------------------------------------------------------

OBJECTIVE = Objective.minimize("score", r"score=([-+0-9.eE]+)")


def definition(name: str, **changes: Any) -> Definition:
    """One of several definitions."""
    return Definition(**{"name": name, "objective": OBJECTIVE, "ranges": [learning_rate()], **changes})


SEVERAL: dict[str, Any] = {"definitions": [definition("a"), definition("b")]}

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "long name": ({"name": "x" * 33}, "name is 'xxxxx"),
    "odd name": ({"name": "a_b"}, "it must match"),
    "empty name": ({"name": ""}, "at least 1 characters"),
    "role": ({"role": "me"}, "role is 'me'; it must have at least 20"),
    "output": ({"output": "bucket/prefix"}, "it must begin with s3://"),
    "no jobs": ({"max_jobs": None}, "max_jobs is None; it is required for the strategy Random"),
    "many jobs": ({"strategy": Bayesian(), "max_jobs": 751}, "for the strategy Bayesian it must be at most 750"),
    "many random jobs": ({"max_jobs": 10_001}, "at most 10000"),
    "no job at all": ({"max_jobs": 0}, "max_jobs is 0; it must be at least 1"),
    "many in parallel": ({"max_parallel": 101, "max_jobs": 200}, "max_parallel is 101; it must be at most 100"),
    "no ranges": ({"ranges": []}, "at least one range is required"),
    "many ranges": ({"ranges": [Continuous(f"x{n}", 0, 1) for n in range(31)]}, "at most 30"),
    "two ranges": ({"ranges": [learning_rate(), Continuous("learning_rate", 0, 1)]}, "each hyperparameter may have one range"),
    "static and tunable": ({"hyperparameters": {"learning_rate": 1}}, "either static or tunable"),
    "many hyperparameters": ({"hyperparameters": {f"h{n}": n for n in range(97)}}, "at most 100"),
    "long value": ({"hyperparameters": {"x": "v" * 2501}}, "at most 2500 characters"),
    "grid of numbers": ({"strategy": Grid(), "max_jobs": None}, "the strategy Grid takes categorical ranges only"),
    "grid of another size": (
        {"strategy": Grid(), "max_jobs": 3, "ranges": [batch_size()]},
        "it must be the number of combinations, 5",
    ),
    "few combinations": ({"max_jobs": 6, "ranges": [batch_size()]}, "the ranges have only 5 combinations"),
    "large grid": (
        {"strategy": Grid(), "max_jobs": None, "ranges": [Categorical(n, list(range(30))) for n in "ab"]},
        "at most 750 combinations",
    ),
    "hyperband without an end": ({"strategy": Hyperband()}, "strategy.max_resource is None"),
    "hyperband too far": ({"strategy": Hyperband(max_resource=20_001)}, "at most 20000"),
    "metric twice": ({"metrics": [Metric("score", "(.)")]}, "it is defined more than once"),
    "metric's name": ({"metrics": [Metric("ObjectiveMetric", "(.)")]}, "the name is reserved"),
    "runtime": ({"resources": Resources(max_runtime=2_419_201)}, "28 days"),
    "wait": ({"resources": Resources(spot=True, max_runtime=100, max_wait=50)}, "must not be less than MaxRuntimeInSeconds"),
    "instance": ({"resources": Resources(instance_type="ml.huge")}, "must be one of"),
    "network": ({"network": Network(subnets=["subnet-1"])}, "network.security_groups is []; it must have at least 1 members"),
    "channel twice": ({"channels": [Channel("a", "s3://b/c"), Channel("a", "s3://b/d")]}, "each channel may be there once"),
    "channel's name": ({"channels": [Channel("a b", "s3://b/c")]}, "channels.a b.name is 'a b'"),
    "channel missing": ({"channels": [Channel("a", "/no/such/folder")]}, "neither an s3:// URI nor a file or folder"),
    "script missing": ({"script": Script("/no/such/train.py")}, "there is no such file"),
    "source missing": ({"script": Script("train.py", source="/no/such")}, "there is no such folder"),
    "too few not improving": ({"completion": Completion(not_improving=2)}, "at least 3"),
    "short tuning job": ({"completion": Completion(max_runtime=100)}, "at least 120"),
    "environment": ({"environment": {"1A": "x"}}, "environment (key) is '1A'"),
    "tags": ({"tags": {f"t{n}": "x" for n in range(51)}}, "at most 50"),
    "retries": ({"max_retries": 31}, "at most 30"),
    "waiting without spot": ({"resources": Resources(max_wait=7200)}, "(max-wait-spot)"),
    "image and algorithm": ({"image": "1.dkr.ecr.us-east-1.amazonaws.com/x:1", "algorithm": "mine"}, "(image-one)"),
    "auto without autotune": ({"ranges": [Auto("learning_rate", 0.1)]}, "(autotune-mode)"),
    "grid of what AWS chooses": (
        {"strategy": Grid(), "max_jobs": None, "autotune": True, "ranges": [Auto("momentum", 0.9)]},
        "(grid-categorical)",
    ),
    "parent twice": (
        {"warm_start": WarmStart.identical("a", "b", "a")},
        "warm_start.parents is 'a'; each parent may",
    ),
    "no parent": ({"warm_start": WarmStart.identical()}, "at least 1 members"),
    "many parents": ({"warm_start": WarmStart.transfer(*"abcdef")}, "at most 5 members"),
    "warm start's type": (
        {"warm_start": WarmStart(["a"], "Similar")},
        "it must be one of IdenticalDataAndAlgorithm, TransferLearning",
    ),
    "warm grid": (
        {"strategy": Grid(), "max_jobs": None, "ranges": [batch_size()], "warm_start": WarmStart.identical("a")},
        "(warm-start-strategy)",
    ),
    "warm definitions": ({**SEVERAL, "warm_start": WarmStart.identical("a")}, "(warm-start-definitions)"),
    "no objective": ({"objective": None}, "(objective-required)"),
    "definition without objective": (
        {**SEVERAL, "definitions": [Definition(name="a", ranges=[learning_rate()])]},
        "(objective-required)",
    ),
    "definitions of one name": ({**SEVERAL, "definitions": [definition("a"), definition("a")]}, "(definition-name-unique)"),
    "definition's name": (
        {**SEVERAL, "definitions": [definition("a_b")]},
        "definitions.a_b.name is 'a_b'; it must match",
    ),
    "definitions' combinations": (
        {
            **SEVERAL,
            "max_jobs": 9,
            "definitions": [definition("a", ranges=[batch_size(16, 64)]), definition("b", ranges=[batch_size()])],
        },
        "the ranges have only 8 combinations",
    ),
    "pending": ({"resources": Resources(max_pending=60)}, "at least 1800"),
    "warm pool": ({"resources": Resources(keep_alive=30_000)}, "at most 21600"),
    "file system": ({"channels": [Channel("a", FileSystem("efs-1", "/data"))]}, "channels.a.source.id is 'efs-1'"),
    "input mode": ({"input_mode": "Stream"}, "it must be one of Pipe, File, FastFile"),
    "compression": ({"output_compression": "zip"}, "it must be one of GZIP, NONE"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_rules(name: str, job: Make) -> None:
    changes, text = BROKEN[name]
    report = job(**changes).dry_run()
    assert not report.ok
    assert text in str(report)


FULL: dict[str, dict[str, Any]] = {
    "warm start": {"warm_start": WarmStart.transfer("a", "b"), "strategy": Bayesian()},
    "autotune": {"autotune": True, "max_jobs": None, "ranges": [Auto("learning_rate", 0.1), Auto("amsgrad", hint=True)]},
    "several definitions": SEVERAL,
    "several definitions with autotune": {
        **SEVERAL,
        "autotune": True,
        "definitions": [definition("a"), definition("b", ranges=[epochs(), batch_size(), Auto("momentum", 0.9)])],
    },
    "alternatives": {
        "resources": Resources(alternatives=[Instance("ml.m5.xlarge", 2, 10)]),
        "encryption": Encryption(volume_key="k"),
    },
    "plan": {
        "resources": Resources(
            training_plan="arn:aws:sagemaker:us-east-1:123456789012:training-plan/p1",
            max_pending=3600,
            placement=Placement(servers={"us1": 1}, several_jobs=True),
            checkpoints="s3://b/c",
            checkpoint_path="/opt/ml/mine",
        ),
        "algorithm": "mine",
        "input_mode": "Pipe",
        "output_compression": "NONE",
    },
    "preferences": {
        "resources": Resources(
            preferences=[
                Instance("ml.p5.48xlarge", training_plans=["arn:aws:sagemaker:us-east-1:123456789012:training-plan/p1"]),
                Instance("ml.m5.large"),
            ]
        )
    },
    "channels": {
        "channels": [
            Channel(
                "a",
                "s3://b/c",
                data_type="AugmentedManifestFile",
                compression="Gzip",
                record_wrapper="RecordIO",
                shuffle_seed=3,
                attributes=["x", "y"],
                accept_eula=True,
                hub_content="arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/Model/m/1",
            ),
            Channel("b", FileSystem("fs-01234567", "/data", "FSxLustre")),
            Channel("c", Dataset("arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/DataSet/d")),
        ]
    },
    "groups": {
        "resources": Resources(groups=[InstanceGroup("many", "ml.c5.xlarge", 3)], keep_alive=60),
        "channels": [Channel("a", "s3://b/c", groups=["many"])],
    },
}


@pytest.mark.parametrize("name", FULL)
def test_every_form_keeps_the_rules(name: str, job: Make) -> None:
    report = job(**FULL[name]).dry_run()
    assert report.ok, report


def _paths(value: object, path: str = "") -> set[str]:
    """Paths to every value of a request; several definitions count as one, and so do several members of a list."""
    if isinstance(value, dict) and not path.endswith(("StaticHyperParameters", "Environment")):
        return {path_ for name, item in value.items() for path_ in _paths(item, f"{path}.{name}")}
    if isinstance(value, list):
        return {path_ for item in value for path_ in _paths(item, path)}
    return {path.replace("TrainingJobDefinitions", "TrainingJobDefinition").removeprefix(".")}


def _members(shape: Any, path: str = "") -> set[str]:
    """Paths to every value that the model of the operation knows."""
    if shape.type_name == "structure":
        return {member for name, member in shape.members.items() for member in _members(member, f"{path}.{name}")}
    if shape.type_name == "list":
        return _members(shape.member, path)
    return {path.replace("TrainingJobDefinitions", "TrainingJobDefinition").removeprefix(".")}


def test_every_member_can_be_said(job: Make, tmp_path: Path) -> None:
    """Whatever botocore's model knows of the request has a word here."""
    makers = [whole(job, tmp_path), *(job(**changes) for changes in FULL.values()), job(strategy=Hyperband(max_resource=9))]
    said = {path for maker in makers for path in _paths(maker.request())}
    shape = operation("CreateHyperParameterTuningJob").input_shape
    elsewhere = {
        # One machine is said as ResourceConfig; HyperParameterTuningResourceConfig is for several to try.
        "TrainingJobDefinition.HyperParameterTuningResourceConfig.InstanceType",
        "TrainingJobDefinition.HyperParameterTuningResourceConfig.InstanceCount",
        "TrainingJobDefinition.HyperParameterTuningResourceConfig.VolumeSizeInGB",
        # What AWS has chosen: Describe tells it.
        "TrainingJobDefinition.ResourceConfig.SelectedInstanceType",
        "TrainingJobDefinition.ResourceConfig.SelectedInstanceCount",
    }
    assert _members(shape) - said == elsewhere
    assert said <= _members(shape)


def test_all_problems_at_once(job: Make) -> None:
    report = job(name="a_b", role="me", ranges=[], max_jobs=None).dry_run()
    assert len(report.problems) >= 4
    with pytest.raises(NotLaunched, match="breaks rules"):
        job(name="a_b").launch(boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"))


# --- AWS's built-in algorithms, and the SageMaker SDK -----------------------------------------------------------------------

_XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def test_a_built_in_algorithm_has_its_own_metrics(job: Make) -> None:
    stock = job(image=_XGBOOST, script=None, objective=Objective.maximize("validation:auc"), ranges=[Continuous("eta", 0.1, 0.5)])
    assert not [problem for problem in stock.dry_run().problems if problem.rule != "channel-missing"]
    assert "MetricDefinitions" not in stock.request()["TrainingJobDefinition"]["AlgorithmSpecification"]


def test_metrics_of_a_built_in_algorithm_cannot_be_sent(job: Make) -> None:
    stock = job(image=_XGBOOST, script=None, objective=Objective.maximize("validation:auc", "auc=(.*)"))
    assert "builtin-metrics" in {problem.rule for problem in stock.dry_run().problems}


def test_any_other_image_needs_a_regular_expression(job: Make) -> None:
    (problem,) = job(objective=Objective.maximize("accuracy")).dry_run().problems
    assert (problem.rule, problem.value) == ("objective-metric", "accuracy")


def test_without_the_sdk_the_extra_is_named(job: Make) -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[sagemaker\]'"):
        job().to_tuner()
