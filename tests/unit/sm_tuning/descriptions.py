"""Descriptions of tuning jobs that say much, each in a form of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sm_tuning import (
    Auto,
    Bayesian,
    Categorical,
    Channel,
    Completion,
    Dataset,
    Definition,
    Encryption,
    FileSystem,
    Instance,
    InstanceGroup,
    Metric,
    Network,
    Objective,
    Placement,
    Resources,
    TuningJob,
    WarmStart,
    batch_size,
    epochs,
    learning_rate,
)

Make = Callable[..., TuningJob]


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


OBJECTIVE = Objective.minimize("score", r"score=([-+0-9.eE]+)")


def definition(name: str, **changes: Any) -> Definition:
    """One of several definitions."""
    return Definition(**{"name": name, "objective": OBJECTIVE, "ranges": [learning_rate()], **changes})


SEVERAL: dict[str, Any] = {"definitions": [definition("a"), definition("b")]}

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
                input_mode="Pipe",
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
