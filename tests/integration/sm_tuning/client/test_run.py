"""A launched tuning job is followed and read through the public API alone."""

from pathlib import Path

import boto3
import pytest

from local_emulator.testing import emulated_sagemaker
from sm_tuning import Channel, Metric, NotFound, NotLaunched, TuningRun, WaitTimeout
from tests.unit.sm_tuning.descriptions import Make


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
        assert seen[-1].startswith("good Completed: 2 of 2 training jobs ended (0 failed), 0 running, best score 0.25")
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
        with pytest.raises(
            NotLaunched, match=r"there is one of that name already; unique_name\('good'\) makes a name that is free"
        ):
            tuned.launch()
        with pytest.raises(NotLaunched, match="NoSuchBucket"):
            job(name="elsewhere", output="s3://missing/x").launch()


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
