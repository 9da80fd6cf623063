"""What becomes of runs and folders when the process of an emulator is killed, or its context ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = """
import boto3, os, sys, time
from pathlib import Path
from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker

script = "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); subprocess.Popen(['sleep', '1000'], start_new_session=True); print('begun', flush=True); time.sleep(1000)"
with emulated_sagemaker(Settings(images={"*": (sys.executable, "-c", script)})) as emulator:
    if "idle" not in sys.argv:
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("sagemaker").create_training_job(
            TrainingJobName="endless", AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            RoleArn="arn:aws:iam::123456789012:role/SageMakerRole", OutputDataConfig={"S3OutputPath": "s3://bucket/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 3600})
        while not any(b"begun" in path.read_bytes() for path in Path(os.environ["TMPDIR"]).glob("*/runs/*/log*")):
            time.sleep(0.01)
    if "fork" in sys.argv and os.fork() == 0:  # it has whatever is open here, and outlives us
        time.sleep(60)
        os._exit(0)
    print("ready", flush=True)
    if "end" not in sys.argv:
        time.sleep(1000)
print("over", flush=True)
"""  # noqa: E501 - a script's line


@pytest.fixture
def started(tmp_path: Path) -> Iterator["Started"]:
    started = Started(tmp_path)
    yield started
    started.end()


class Started:
    """A program that uses the emulator, with a temporary folder of its own, by which what it starts is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.folder)},
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def living(self) -> dict[int, str]:
        """The command lines of processes that were started here, by the process id."""
        mark = str(self.folder).encode()
        lines = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if (mark in environment or mark in line) and line:
                lines[int(entry.name)] = line.replace(b"\0", b" ").decode()
        return lines

    def left(self) -> list[str]:
        """What processes and folders there are beside the programs themselves and their forks."""
        processes = [line[:200] for line in self.living().values() if PROGRAM not in line]
        return processes + [path.name for path in self.folder.iterdir()]

    def end(self) -> None:
        for pid in self.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def until_nothing_is_left(started: Started) -> None:
    deadline = time.monotonic() + 60
    while (left := started.left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


@pytest.mark.parametrize(("how", "words"), [(signal.SIGTERM, ()), (signal.SIGKILL, ("fork",))])
def test_a_killed_process_leaves_nothing(started: Started, how: signal.Signals, words: tuple[str, ...]) -> None:
    process = started.start(*words)
    assert any("sleep 1000" in line for line in started.left())
    process.send_signal(how)
    process.wait()
    until_nothing_is_left(started)


def test_the_end_of_a_context_leaves_nothing_and_waits_for_no_grace(started: Started) -> None:
    process = started.start("end")
    begun = time.monotonic()
    assert process.wait() == 0
    assert time.monotonic() - begun < 120  # AWS's grace
    assert started.left() == []


def test_what_a_killed_process_has_left_the_next_one_removes(started: Started) -> None:
    idle = started.start("idle")
    other = started.start("idle")
    assert len(started.left()) == 2
    idle.kill()
    idle.wait()
    assert len(started.left()) == 2  # nobody was there to remove it
    third = started.start("idle")
    assert len(started.left()) == 2
    other.terminate()
    third.terminate()
