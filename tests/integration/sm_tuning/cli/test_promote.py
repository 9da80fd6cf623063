"""The best model promoted: copied, registered, compared with the one before; on the emulator inside this test, as with AWS."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from local_emulator.testing import emulated_sagemaker
from sm_tuning import Objective, TuningRun
from sm_tuning.cli.commands import sm_tuning
from sm_tuning.spec.s3 import split_uri
from tests.unit.sm_tuning.descriptions import Make

# Its objective jitters by a hundredth from epoch to epoch.
SCRIPT = """
import os, sys
def model_fn(folder): return 1
if __name__ == "__main__":
    level = float(sys.argv[sys.argv.index("--level") + 1])
    open(os.environ["SM_MODEL_DIR"] + "/model", "w").write(str(level))
    for epoch in range(12):
        print(f"validation:rmse={level + (0.01 if epoch % 2 else -0.01) * (epoch < 11)}")
"""
WORDS = ("--group", "digits", "--to", "s3://bucket/models")


@pytest.fixture
def launched(job: Make, tmp_path: Path) -> Iterator[Callable[[str, float], TuningRun]]:
    """A tuning job of one training job that has ended, by the level of its objective."""
    (tmp_path / "train.py").write_text(SCRIPT)

    def launch(name: str, level: float) -> TuningRun:
        objective = Objective.minimize("validation:rmse", r"validation:rmse=([-+0-9.eE]+)")
        run = job(name=name, max_jobs=1, objective=objective, hyperparameters={"level": level}).launch()
        assert run.wait(poll=0.05, timeout=120).status == "Completed"
        return run

    with emulated_sagemaker():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield launch


def promote(*words: str) -> Result:
    return CliRunner().invoke(sm_tuning, ["promote", *words, "--aws"])


def versions() -> list[Any]:
    """The group's versions, the newest first."""
    asked = {"ModelPackageGroupName": "digits", "SortBy": "CreationTime", "SortOrder": "Descending"}
    return list(boto3.client("sagemaker").list_model_packages(**asked)["ModelPackageSummaryList"])


def test_a_model_is_promoted_if_it_is_better_by_more_than_noise(launched: Callable[[str, float], TuningRun]) -> None:
    first = launched("first", 1.0)
    looked = promote("first", *WORDS, "--dry-run")
    assert looked.exit_code == 0, looked.stderr
    assert "promote:  yes: the group has no version yet\nwould be: a version of digits (PendingManualApproval)" in looked.stdout
    assert boto3.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []

    done = json.loads(promote("first", *WORDS, "--json").stdout)
    best = first.trainings()[0].name
    assert done["Model"] == f"s3://bucket/models/{best}/model.tar.gz"
    assert 0.01 < done["Noise"] < 0.1
    package = boto3.client("sagemaker").describe_model_package(ModelPackageName=done["ModelPackageArn"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    for uri in (container["ModelDataUrl"], container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"]):
        bucket, key = split_uri(uri)
        assert key.startswith(f"models/{best}/")
        assert boto3.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert package["CustomerMetadataProperties"]["validation:rmse"] == "1"

    again = promote("first", *WORDS, "--approve")
    assert (again.exit_code, "it is version 1 already, and approved now" in again.stdout) == (0, True)
    assert [version["ModelApprovalStatus"] for version in versions()] == ["Approved"]

    launched("little", 0.99)
    little = promote("little", *WORDS, "--json")
    assert (little.exit_code, json.loads(little.stdout)["Promote"]) == (5, False)
    assert "it is better by 0.01" in json.loads(little.stdout)["Reason"]
    assert len(versions()) == 1
    forced = promote("little", *WORDS, "--force", "--dry-run")
    assert (forced.exit_code, "yes: forced, though it is better by 0.01" in forced.stdout) == (0, True)

    launched("much", 0.5)
    assert promote("much", *WORDS).exit_code == 0
    assert [version["ModelApprovalStatus"] for version in versions()] == ["PendingManualApproval", "Approved"]
    newest = versions()[0]["ModelPackageArn"]
    boto3.client("sagemaker").update_model_package(ModelPackageArn=newest, ModelApprovalStatus="Rejected")
    assert "beside 1 of version 1" in promote("little", *WORDS).stdout, "the rejected one does not count"


def test_where_it_goes_must_be_said() -> None:
    with emulated_sagemaker():
        for words, code, said in (
            ([], 2, "--group and --to must say where the model goes: give --stack, or give --group and --to"),
            (["--group", "digits"], 2, "--to must say"),
            (["--group", "digits", "--to", "models"], 2, "--to is 'models'; it must be s3://BUCKET/PREFIX"),
            (["--stack", "none"], 1, "there is no stack none"),
        ):
            refused = promote("first", *words)
            assert (refused.exit_code, said in refused.stderr) == (code, True), refused.stderr


def test_a_model_that_was_deleted_cannot_be_promoted(launched: Callable[[str, float], TuningRun]) -> None:
    model = launched("first", 1.0).trainings()[0].name
    uri = boto3.client("sagemaker").describe_training_job(TrainingJobName=model)["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = split_uri(uri)
    boto3.client("s3").delete_object(Bucket=bucket, Key=key)
    for words in (WORDS, (*WORDS, "--dry-run")):
        refused = promote("first", *words)
        lacks = f"there is no model of {model} at {uri}: its script left nothing in SM_MODEL_DIR, or it was deleted"
        assert (refused.exit_code, refused.stderr) == (1, f"sm-tuning: {lacks}\n")
    assert boto3.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []
