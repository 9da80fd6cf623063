"""What an emulator inside a test costs, beside moto's mock_aws alone: both in one process, by turns.

    python benchmarks/fixture.py [--uses 300] [--jobs 5]

Milliseconds: the median and the spread (5th and 95th percentile) over all uses of a start and an end, and their ratio to mock_aws's;
the first start of a process, imports included, the median of five processes, all modules compiled as pip compiles what it installs; a
training job from its creation until it is seen to have ended: of a one-line script, the first of an emulator and later ones, and of a
function, and one of a tuning job's whose functions train one after the other. Then what a process holds after some uses and after all:
memory, descriptors, threads, children, folders. Other work on the machine makes all of it slower; processor time and the ratios say
what it does not.
"""

import argparse
import gc
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from local_emulator.testing import emulated_sagemaker

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
FIRST = """
import time
begun, worked = time.perf_counter(), time.process_time()
{imports}
with {context}():
    print(time.perf_counter() - begun, time.process_time() - worked)
"""
FIRSTS = {
    "mock_aws": FIRST.format(imports="from moto import mock_aws", context="mock_aws"),
    "emulated_sagemaker": FIRST.format(
        imports="from local_emulator.testing import emulated_sagemaker", context="emulated_sagemaker"
    ),
    "emulated_sagemaker, moto and boto3 imported before": "import boto3, moto.core.models\n"
    + FIRST.format(imports="from local_emulator.testing import emulated_sagemaker", context="emulated_sagemaker"),
}
DEFINITION = {
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    },
    "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
WARM_UP = 20  # uses that are not counted


def use(context: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of a start and an end: by the clock, and of processor time."""
    begun, worked = time.perf_counter(), time.process_time()
    with context():
        pass
    return time.perf_counter() - begun, time.process_time() - worked


def held() -> dict[str, int]:
    """What this process holds: resident kilobytes, and counts."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    tasks = Path("/proc/self/task").glob("*/children")
    return {
        "resident kB": int(status["VmRSS"].split()[0]),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": int(status["Threads"]),
        "children": sum(len(task.read_text().split()) for task in tasks),
        "folders": len(list(Path(tempfile.gettempdir()).glob(f"sm-tuning-{os.getpid()}-*"))),
    }


def first_start(program: str, compiled: str) -> tuple[float, float]:
    """Seconds until the first context of a process is open, by the clock and of processor time; compiled modules lie in a folder."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    clock, processor = map(float, process.stdout.split())
    return clock, processor


def first_starts(program: str) -> list[tuple[float, float]]:
    """Those of five processes, after one that compiled the modules."""
    with tempfile.TemporaryDirectory() as compiled:
        return [first_start(program, compiled) for _ in range(6)][1:]


def source() -> bytes:
    """An archive of a script of one line."""
    script = b"print('loss=0.5')\n"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("train.py")
        member.size = len(script)
        tar.addfile(member, io.BytesIO(script))
    return archive.getvalue()


def train(emulator: Any, client: Any, name: str) -> tuple[float, float]:  # noqa: ANN401 - boto3 makes its classes at run time
    """Seconds of a training job, by the clock and of this process's processor time."""
    begun, worked = time.perf_counter(), time.process_time()
    client.create_training_job(
        TrainingJobName=name,
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://bucket/source.tar.gz"},
        **DEFINITION,
    )
    status = emulator.wait(name)["TrainingJobStatus"]
    if status != "Completed":
        raise RuntimeError(f"{name}: {status}")
    return time.perf_counter() - begun, time.process_time() - worked


def tune(emulator: Any, client: Any, count: int) -> tuple[float, float]:  # noqa: ANN401 - see above
    """The same for each training job of a tuning job, one after the other."""
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    begun, worked = time.perf_counter(), time.process_time()
    client.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuning",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": count, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": ranges,
        },
        TrainingJobDefinition=DEFINITION,
    )
    emulator.wait("tuning")
    return (time.perf_counter() - begun) / count, (time.process_time() - worked) / count


def jobs(count: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of training jobs, by what they are."""
    by_hand = "the script by hand, python train.py"
    kinds = (by_hand, "script, first of an emulator", "script, later", "function", "function, of a tuning job")
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for number in range(count + 1):
        with emulated_sagemaker() as emulator:
            boto3.client("s3").create_bucket(Bucket="bucket")
            boto3.client("s3").put_object(Bucket="bucket", Key="source.tar.gz", Body=source())
            client = boto3.client("sagemaker")
            times = [train(emulator, client, f"script-{job}") for job in range(3)]
            emulator.trains(lambda _: {"loss": 0.5})
            functions = [train(emulator, client, f"function-{job}") for job in range(20)]
            tuned = tune(emulator, client, 50)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "print('loss=0.5')"], stdout=subprocess.DEVNULL, check=True)
        if number:  # the first of the process has found out what this machine can do
            taken[by_hand].append((time.perf_counter() - begun, 0.0))
            taken["script, first of an emulator"].append(times[0])
            taken["script, later"] += times[1:]
            taken["function"] += functions[1:]
            taken["function, of a tuning job"].append(tuned)
    return taken


def said(seconds: Sequence[float]) -> str:
    """Median and spread in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else [seconds[0]] * 19
    return f"{statistics.median(seconds) * 1000:8.1f} ({cuts[0] * 1000:.1f} to {cuts[-1] * 1000:.1f})"


def show(title: str, rows: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Print a table: each row by the clock, and in this process's processor time."""
    print(f"{title} (ms): by the clock, processor time")
    for name, times in rows.items():
        print(f"  {name:52}{said([clock for clock, _ in times])} {said([processor for _, processor in times])}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uses", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=5)
    options = parser.parse_args()
    print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    taken: dict[str, list[tuple[float, float]]] = {"mock_aws": [], "emulated_sagemaker": []}
    before: dict[str, int] = {}
    for number in range(WARM_UP + options.uses):
        if number == WARM_UP:
            before = held()
        for name, context in (("mock_aws", mock_aws), ("emulated_sagemaker", emulated_sagemaker)):
            times = use(context)
            if number >= WARM_UP:
                taken[name].append(times)
    after = held()
    show(f"start and end, {options.uses} uses by turns", taken)
    for number, what in enumerate(("by the clock", "processor time")):
        medians = [statistics.median(times[number] for times in uses) for uses in taken.values()]
        print(f"  {f'ratio of the medians, {what}':52}{medians[1] / medians[0]:8.1f}")
    show("first start of a process", {name: first_starts(program) for name, program in FIRSTS.items()})
    show("training job", jobs(options.jobs))
    print(f"held after {WARM_UP} uses, and after {WARM_UP + options.uses}")
    for name in before:
        print(f"  {name:52}{before[name]:8} {after[name]:8}")


if __name__ == "__main__":
    main()
