"""R11: training jobs that are stopped while their script has left processes of every kind behind.

    python benchmarks/soak/orphans.py [--stops 200]

Each script tells by a file that its processes are there; then its training job is stopped, and five seconds after the end of the grace
none may be left. Meanwhile somebody asks the API for the list of training jobs.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, described, environments, folder, percentile, served
from tests.conftest import IMAGE, ROLE, Server

GRACE = 1
AT_A_TIME = 8
SLOWEST = 5.0  # seconds without an answer: it is blocked
SCRIPT = """
import os, signal, subprocess, time
from pathlib import Path
def there():
    Path(os.environ["THERE"]).touch()
def forever():
    there(); time.sleep(600)
kind = os.environ["KIND"]
if kind == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN); forever()
if kind == "double-fork":
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: signal.signal(signal.SIGTERM, signal.SIG_IGN); forever()
            os._exit(0)
    forever()
if kind == "fork-loop":
    for _ in range(40):
        if os.fork() == 0:
            os.setsid(); time.sleep(0.2)
            if os.fork() == 0: forever()
            os._exit(0)
    forever()
if kind == "holds-pipes":
    for _ in range(5):
        subprocess.Popen(["sleep", "600"], stdin=subprocess.PIPE, start_new_session=True)
    forever()
if kind == "stopped":
    for _ in range(3):
        if os.fork() == 0: os.setsid(); os.kill(os.getpid(), signal.SIGSTOP)
    there(); os.kill(os.getpid(), signal.SIGSTOP)
"""
KINDS = ("deaf", "double-fork", "fork-loop", "holds-pipes", "stopped")


class Prober(threading.Thread):
    """Asks for the list of training jobs all the time."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._client = server.client("sagemaker")
        self._over = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        """Ask."""
        while not self._over.wait(0.05):
            began = time.perf_counter()
            self._client.list_training_jobs(MaxResults=20)
            self.seconds.append(time.perf_counter() - began)

    def end(self) -> None:
        """Ask no more."""
        self._over.set()
        self.join()


def begin(server: Server, source: str, name: str, there: Path) -> None:
    """Create one training job."""
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": source},
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://orphans/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Environment={"KIND": name.rpartition("--")[0], "THERE": str(there)},
    )


def stop(server: Server, names: Sequence[str], folder_: Path) -> list[str]:
    """Stop training jobs once their processes are there; what is wrong with their ends."""
    client, faults = server.client("sagemaker"), []
    for name in names:
        deadline = time.monotonic() + 120
        while not (folder_ / name).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        client.stop_training_job(TrainingJobName=name)
    for name in names:
        deadline = time.monotonic() + 60
        while (status := client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]) in {"InProgress", "Stopping"}:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if status != "Stopped":
            faults.append(f"{name}: {status}")
    return faults


def left_of_runs(state: Path, within: float) -> list[int]:
    """The processes of runs that are still there after so many seconds."""
    marks = [f"SM_EMULATOR_RUN={run.name}".encode() for run in (state / "runs").iterdir()]
    deadline = time.monotonic() + within
    while True:
        left = [pid for pid, variables in environments() if any(mark in variables for mark in marks)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=200, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures = Figures()
    faults: list[str] = []
    survivors: list[str] = []
    with folder() as path, served(path / "state", "--stop-grace", str(GRACE), "--parallel", str(AT_A_TIME)) as server:
        source = server.upload_source("orphans", SCRIPT)
        there = path / "there"
        there.mkdir()
        prober = Prober(server)
        prober.start()
        for first in range(0, options.stops, AT_A_TIME):
            names = [f"{KINDS[n % len(KINDS)]}--{n}" for n in range(first, min(first + AT_A_TIME, options.stops))]
            for name in names:
                begin(server, source, name, there / name)
            faults += stop(server, names, there)
            survivors += map(described, left_of_runs(server.state, within=5))
        prober.end()
    figures.exactly("training jobs stopped", options.stops, 200)
    figures.none("ends other than Stopped", faults)
    figures.none("processes five seconds after the end", survivors)
    figures.note("answers meanwhile", len(prober.seconds))
    figures.note("milliseconds an answer, 99 %", 1000 * percentile(prober.seconds, 0.99))
    figures.at_most("slowest answer, s", max(prober.seconds), SLOWEST)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
