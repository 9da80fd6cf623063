"""Which program an image is: the table of the settings, and the command line that fills it."""

import argparse
import sys
import time
import venv
from pathlib import Path

import pytest

from local_emulator.domain.spec import AlgorithmSpec, Channel, InstanceGroup, ResourceConfig, S3DataSource, TrainingSpec
from local_emulator.option_values import image as _image
from local_emulator.runs import images
from local_emulator.settings import Docker, Python, Settings
from tests.conftest import IMAGE, ROLE, Server

AWS_SOURCE = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/{}/transfer_learning/classification/v1/a.tar.gz"
MINE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"


def test_words_of_the_command_line(tmp_path: Path) -> None:
    assert _image("*=docker:") == ("*", Docker())
    assert _image("*/mine:*=docker:other/image:2") == ("*/mine:*", Docker("other/image:2"))
    assert _image(f"*={sys.executable} 'a b' c") == ("*", (sys.executable, "a b", "c"))
    assert _image(f"*=python:{sys.executable}") == ("*", Python(sys.executable))
    for wrong in ("*", "=x", "*=", f"*=python:{tmp_path}/none"):
        with pytest.raises(argparse.ArgumentTypeError):
            _image(wrong)


def test_the_first_match_counts() -> None:
    settings = Settings(images={"*mine*": Docker("first"), "*": ("second",)})
    assert images.stand_in(MINE, settings) == Docker("first")
    assert images.stand_in(IMAGE, settings) == ("second",)


def test_what_nobody_can_run_is_refused_with_what_to_configure(monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(settings: Settings, image: str = MINE, **hyperparameters: str) -> str | None:
        return images.runnable(AlgorithmSpec(image=image), hyperparameters, settings, private=True)

    reason = problem(Settings())
    assert reason is not None
    assert all(word in reason for word in (MINE, "sagemaker_program", "docker:", "=COMMAND"))
    assert problem(Settings(), sagemaker_program="train.py", sagemaker_submit_directory="s3://b/c.tar.gz") is None
    assert problem(Settings(images={"*": Docker()})) is None
    assert problem(Settings(), "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1") is None
    of_aws = AWS_SOURCE.format("tabtransformer")
    reason = problem(Settings(), sagemaker_program="transfer_learning.py", sagemaker_submit_directory=of_aws)
    assert str(reason).startswith("AWS's algorithm TabTransformer is not emulated: it is a script,")
    assert of_aws in str(reason)
    assert problem(Settings(images={"*": ("mine",)}), sagemaker_program="t.py", sagemaker_submit_directory=of_aws) is None
    copied = {"sagemaker_program": "transfer_learning.py", "sagemaker_submit_directory": of_aws}
    held = [of_aws]
    assert images.runnable(AlgorithmSpec(image=MINE), copied, Settings(), private=True, held=held.__contains__) is None
    lightgbm = {"sagemaker_program": "transfer_learning.py", "sagemaker_submit_directory": AWS_SOURCE.format("lightgbm")}
    assert problem(Settings(python="/another/python"), **lightgbm) is None  # its run asks it
    monkeypatch.setattr(images, "find_spec", lambda _: None)
    assert "sm-tuning[docker]" in str(problem(Settings(images={"*": Docker()})))
    assert "needs the package numpy, lightgbm" in str(problem(Settings(), **lightgbm))
    assert "sm-tuning[boosting]" in str(problem(Settings(), **lightgbm))
    reason = problem(Settings(), "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1")
    assert "needs the package numpy, sklearn, xgboost, google.protobuf" in str(reason)
    assert "sm-tuning[algorithms]" in str(problem(Settings(), "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"))


def test_scripts_in_an_environment_of_the_images_own(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    server = Server(state=tmp_path / "state", arguments=("--image", f"*scikit-learn*=python:{tmp_path / 'env'}")).start()
    try:
        source = server.upload_source("box", "import sys\nassert sys.prefix.endswith('/env'), sys.prefix\n")
        sagemaker = server.client("sagemaker")
        sagemaker.create_training_job(
            TrainingJobName="prefix",
            HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": source},
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=ROLE,
            OutputDataConfig={"S3OutputPath": "s3://box/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
        while (job := sagemaker.describe_training_job(TrainingJobName="prefix"))["TrainingJobStatus"] == "InProgress":
            time.sleep(0.05)
        assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    finally:
        server.end()


XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
LDA = "766337827248.dkr.ecr.us-east-1.amazonaws.com/lda:1"
LIGHTGBM = {"sagemaker_program": "t.py", "sagemaker_submit_directory": AWS_SOURCE.format("lightgbm")}
CATBOOST = {"sagemaker_program": "t.py", "sagemaker_submit_directory": AWS_SOURCE.format("catboost")}
SCRIPT = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://b/c"}


@pytest.mark.parametrize(
    ("image", "hyperparameters", "settings", "private", "why"),
    [
        (MINE, SCRIPT, Settings(), True, None),
        (KMEANS, SCRIPT, Settings(), True, None),
        (XGBOOST, {}, Settings(), True, None),
        (KMEANS, {}, Settings(images={"*": ("my", "kmeans")}), True, None),
        (KMEANS, {}, Settings(images={"*": Docker()}), False, None),
        (KMEANS, {}, Settings(), True, None),
        (LDA, {}, Settings(), True, "for AWS's Latent Dirichlet Allocation, which trains on one."),
        (MINE, LIGHTGBM, Settings(), True, None),
        (MINE, CATBOOST, Settings(), True, "for AWS's CatBoost, which trains on one."),
        (MINE, CATBOOST, Settings(images={"*": Docker()}), True, None),
        (MINE, SCRIPT, Settings(), False, "on this machine, which gives no program a private /opt/ml"),
        (MINE, SCRIPT, Settings(scheduler="tcp://127.0.0.1:1"), True, "on a Dask cluster"),
        (MINE, {}, Settings(images={"*": lambda _: None}), True, "for a function in place of a script"),
    ],
)
def test_what_runs_on_several_hosts(
    image: str,
    hyperparameters: dict[str, str],
    settings: Settings,
    private: bool,  # noqa: FBT001 - a column
    why: str | None,
) -> None:
    group = InstanceGroup(instance_type="ml.m5.large", instance_count=2)
    spec = TrainingSpec(algorithm=AlgorithmSpec(image=image), resources=ResourceConfig(groups=(group,)))
    problem = images.on_several_hosts(spec, hyperparameters, settings, private=private)
    assert (problem is None) if why is None else str(problem).startswith(f"Training on 2 instances is not emulated {why}")


def test_a_script_of_aws_trains_on_its_first_host_which_needs_all_data() -> None:
    sharded = S3DataSource(s3_uri="s3://box/train/", s3_data_distribution_type="ShardedByS3Key")
    group = InstanceGroup(instance_type="ml.m5.large", instance_count=2)
    spec = TrainingSpec(
        algorithm=AlgorithmSpec(image=MINE),
        resources=ResourceConfig(groups=(group,)),
        channels=(Channel(channel_name="train", source=sharded),),
    )
    python = Settings(images={"*": Python(sys.executable)})
    for settings in (Settings(), python):
        assert "with ShardedByS3Key" in str(images.on_several_hosts(spec, LIGHTGBM, settings, private=True))
    assert images.on_several_hosts(spec, SCRIPT, Settings(), private=True) is None


def test_containers_without_a_network_cannot_reach_one_another() -> None:
    spec = TrainingSpec(algorithm=AlgorithmSpec(image=MINE), network_isolation=True)
    assert "EnableNetworkIsolation" in str(images.on_several_hosts(spec, {}, Settings(images={"*": Docker()}), private=True))
