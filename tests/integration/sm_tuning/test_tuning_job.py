"""The request is the product: exact, complete, and refused offline for every rule that AWS would refuse it for."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning import (
    Categorical,
    Channel,
    Continuous,
    Metric,
    NotFound,
    NotLaunched,
    Objective,
    TuningRun,
    WaitTimeout,
    WarmStart,
)
from tests.unit.sm_tuning.descriptions import Make

# --- launching and following ------------------------------------------------------------------------------------------------


def test_launch_follow_and_read(job: Make, tmp_path: Path) -> None:
    data = tmp_path / "data" / "deep"
    data.mkdir(parents=True)
    (data / "a.txt").write_text("0.25")
    script = tmp_path / "train.py"
    script.write_text(
        "import os\nprint('score=' + open(os.environ['SM_CHANNEL_TRAIN'] + '/deep/a.txt').read())\nprint('other line')\n"
    )
    with emulated_sagemaker():
        boto3.client("s3").create_bucket(Bucket="bucket")
        tuned = job(channels=[Channel("train", str(tmp_path / "data"))], metrics=[Metric("silent", "nothing=(.*)")])
        seen: list[str] = []
        run = tuned.launch()
        status = run.wait(lambda seen_status: seen.append(str(seen_status)), poll=0.05, timeout=60)
        assert (status.status, status.finished) == ("Completed", 2)
        assert seen[-1].startswith("good Completed: 2 of 2 training jobs ended (0 failed), 0 running, best so far 0.25")
        best = run.best()
        assert best is not None
        assert best.value == 0.25
        assert set(best.hyperparameters) == {"learning_rate"}
        assert [training.name for training in run.trainings()] == sorted(training.name for training in run.trainings())
        *_, other, report = run.logs(best.name)
        assert other == "other line"
        assert report.endswith("sagemaker-training-toolkit INFO     Reporting training SUCCESS")
        score, silent = run.metric_checks(best.name)
        assert (score.matches, silent.matches) == (1, 0)
        assert "has matched none of" in str(silent)
        assert run.model_uri(best.name).startswith("s3://bucket/prefix/good-00")
        run.stop()  # it has ended: nothing happens
        assert TuningRun.attach("good").status() == status
        with pytest.raises(NotFound, match="there is no tuning job 'other'"):
            TuningRun.attach("other")
        with pytest.raises(NotLaunched, match="already exists"):
            tuned.launch()
        with pytest.raises(NotLaunched, match="NoSuchBucket"):
            job(output="s3://missing/x").launch()


CHILD: dict[str, dict[str, Any]] = {
    "": {},
    "warm-start-names": {"hyperparameters": {"width": 1, "depth": 1}},
    "warm-start-types": {"ranges": [Categorical("learning_rate", [0.1, 0.2, 0.3])]},
    "warm-start-objective": {"objective": Objective.maximize("score", r"score=([-+0-9.eE]+)")},
    "warm-start-fields": {"environment": {"A": "b"}},
    "warm-start-image": {"image": "1.dkr.ecr.us-east-1.amazonaws.com/x:1"},
    "warm-start-jobs": {"max_jobs": 9999},
    "warm-start-changes": {
        "ranges": [Continuous("width", 0, 9)],
        "hyperparameters": {f"s{n}": n + 1 for n in range(10)} | {"learning_rate": 1},
    },
}


def test_parents_are_compared(job: Make) -> None:
    """With a client the dry run finds of the parents what the service finds, by the same name, and launch sends nothing."""
    with emulated_sagemaker(Settings(quotas=Quotas(random_training_jobs=10_000))):
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("s3").put_object(Bucket="bucket", Key="data/a", Body=b"1")
        common: dict[str, Any] = {"channels": [Channel("train", "s3://bucket/data/")], "hyperparameters": {"width": 0}}
        few, many = (
            job(name="few", **common),
            job(name="many", **{**common, "hyperparameters": {"width": 0} | {f"s{n}": n for n in range(10)}}),
        )
        for parent in (few, many):
            parent.launch().wait(poll=0.05, timeout=60)
        client = boto3.client("sagemaker")
        for rule, changes in CHILD.items():
            of = "many" if rule == "warm-start-changes" else "few"
            child = job(name="child", warm_start=WarmStart.identical(of), **{**common, **changes})
            report = child.dry_run(client)
            assert {problem.rule for problem in report.problems} == ({rule} if rule else set()), f"{rule}: {report}"
            if rule:
                with pytest.raises(ClientError) as refused:
                    client.create_hyper_parameter_tuning_job(**report.request)
                headers = refused.value.response["ResponseMetadata"]["HTTPHeaders"]
                assert headers["x-sm-emulator-rules"] == rule
                with pytest.raises(NotLaunched, match=rule):
                    child.launch()
        assert child.dry_run().ok  # without a client nobody asks the parents
        run = job(name="child", warm_start=WarmStart.identical("few"), **common).launch()
        assert run.wait(poll=0.05, timeout=60).status == "Completed"
        with pytest.raises(NotLaunched, match="none"):
            job(name="orphan", warm_start=WarmStart.transfer("none"), **common).launch()
        elsewhere = job(
            name="child-2",
            warm_start=WarmStart.identical("few"),
            **{**common, "channels": [Channel("train", "s3://bucket/data")]},
        )
        report = elsewhere.dry_run(client)
        assert report.ok
        assert any("the channels train are not those of the parent few" in warning for warning in report.warnings), (
            report.warnings
        )
        assert elsewhere.launch().wait(poll=0.05, timeout=60).status == "Completed"


def test_failures_are_grouped_and_waiting_has_an_end(job: Make, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("import sys, time\ntime.sleep(0.2)\nprint('reading the data')\nsys.exit('no column price at 0x7f001122')\n")
    with emulated_sagemaker():
        boto3.client("s3").create_bucket(Bucket="bucket")
        run = job().launch()
        with pytest.raises(WaitTimeout, match="is still InProgress"):
            run.wait(poll=0.01, timeout=0.02)
        status = run.wait(poll=0.05, timeout=60)
        assert status.status == "Failed"
        (group,) = run.failures()
        assert len(group.trainings) == 2
        assert "exit code: 1" in group.reason
        assert group.log[-1] == "no column price at 0x7f001122"


def test_imports_are_light() -> None:
    code = "import sys, sm_tuning; print([n for n in ('pandas', 'sagemaker', 'numpy', 'boto3', 'click') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --- AWS's built-in algorithms, and the SageMaker SDK -----------------------------------------------------------------------
