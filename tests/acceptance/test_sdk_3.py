"""Programs with version 3 of the SageMaker Python SDK, as its users write them."""

from collections.abc import Iterator

import pytest

from tests.acceptance.sdk import EXAMPLES, PROGRAMS, Ran, executed, judged, printed, run

pytestmark = pytest.mark.slow(60)


@pytest.fixture(scope="module")
def version_3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    programs = [
        EXAMPLES / "sagemaker_sdk_v3.py",
        EXAMPLES / "sagemaker_sdk_v3_deploy.py",
        EXAMPLES / "sagemaker_sdk_v3_pipeline.py",
        EXAMPLES / "sagemaker_sdk_v3_processing.py",
        PROGRAMS / "sdk3_more.py",
        PROGRAMS / "sdk3_translate.py",
    ]
    modules = "sagemaker.core.resources,sagemaker.train.tuner,sagemaker.train.model_trainer"
    yield from run(3, modules, programs, tmp_path_factory.mktemp("sdk3"))


def test_version_3(version_3: Ran) -> None:
    """A training job by its drivers, whose paths are hard-coded, and a tuning job in script mode."""
    if not version_3.server.health()["privateOptMl"]:
        pytest.skip("this machine does not allow a private /opt/ml")
    training = judged(version_3.server, version_3.output("sagemaker_sdk_v3"))
    assert training["HyperParameters"]["penalty"] in {"l1", "l2"}
    sagemaker = version_3.server.client("sagemaker")
    (plain,) = sagemaker.list_training_jobs(NameContains="digits-", MaxResults=100)["TrainingJobSummaries"][-1:]
    job = sagemaker.describe_training_job(TrainingJobName=plain["TrainingJobName"])
    assert job["AlgorithmSpecification"]["ContainerEntrypoint"] == ["/bin/bash"]
    assert job["TrainingJobStatus"] == "Completed"


def test_version_3_deploys(version_3: Ran) -> None:
    if not version_3.server.health()["privateOptMl"]:
        pytest.skip("this machine does not allow a private /opt/ml")
    asked, expected = printed(version_3.output("sagemaker_sdk_v3_deploy"), "predicted").split(" of ")
    assert asked == expected


def test_version_3_processes_and_transforms(version_3: Ran) -> None:
    if not version_3.server.health()["privateOptMl"]:
        pytest.skip("this machine does not allow a private /opt/ml")
    output = version_3.output("sagemaker_sdk_v3_processing")
    assert printed(output, "processed") == "Completed: 1400 rows to train on"
    assert printed(output, "framework") == "Completed"
    assert printed(output, "transformed") == "397 rows, 0.897 right"


def test_version_3_beyond_one_tuning_job(version_3: Ran) -> None:
    if not version_3.server.health()["privateOptMl"]:
        pytest.skip("this machine does not allow a private /opt/ml")
    output = version_3.output("sdk3_more")
    assert [printed(output, word) for word in ("needy", "command", "endless")] == ["Completed", "Completed", "Stopped"]
    assert printed(output, "failing") == "FailedStatusError Failed"
    assert printed(output, "core training") == "Completed 0.9975"
    assert printed(output, "core tuning") == "Completed 4"
    assert printed(output, "core best") == "True"
    assert (printed(output, "core listed"), printed(output, "core left")) == ("['core-tuning']", "[]")


def test_version_3_and_sm_tuning_say_the_same(version_3: Ran) -> None:
    """A tuner's request and that of the TuningJob made from it are the same to the last member, and so is the way back."""
    output = version_3.output("sdk3_translate")
    assert printed(output, "problems") == "()"
    assert (printed(output, "run"), printed(output, "theirs")) == ("Completed", "Completed")
    for line in ("from config", "from definition", "back config", "back definition"):
        assert printed(output, line) == "same"
    assert (printed(output, "again"), printed(output, "values")) == ("True", "True")
    for name in ("isolated", "local", "warm pool", "command"):
        assert printed(output, f"refused {name}")


def test_version_3_with_a_pipeline(version_3: Ran) -> None:
    executed(version_3.server, version_3.output("sagemaker_sdk_v3_pipeline"), "Register")
