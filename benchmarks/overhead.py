"""What a training job costs here beside a bare loop of subprocesses over the same script, in one run.

    python benchmarks/overhead.py [--jobs 20]

Each row is one script with one number of parallel jobs: the median over rounds of the wall time per training job, bare and under
the emulator, and their ratio. Bare means: `subprocess.run([python, script, …])`, as many at a time as the row says; nothing is
recorded, staged or uploaded. The emulator's time is from CreateHyperParameterTuningJob to the last EndTime that Describe tells.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

SCRIPTS = Path(__file__).parents[1] / "training_scripts"
BUCKET = "overhead"


@contextmanager
def emulator(state: Path, parallel: int) -> Iterator[str]:
    """A server in a process of its own; gives its URL."""
    command = [sys.executable, "-m", "local_emulator", "serve", "--port", "0", "--state", str(state), "--parallel", str(parallel)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("no output to read the address from")
        url = next(line for line in process.stdout if "http://" in line).split("http://")[1].split(",")[0].split()[0]
        try:
            yield f"http://{url}"
        finally:
            process.terminate()


def client(service: Any, url: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
    """A client of the emulator."""
    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def bare(script: Path, hyperparameters: dict[str, str], jobs: int, parallel: int) -> float:
    """Seconds per job of a loop of subprocesses."""
    threads = str(max(1, (os.cpu_count() or 1) // parallel))
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    arguments = [part for name, value in hyperparameters.items() for part in (f"--{name}", value)]
    command = [sys.executable, str(script), *arguments]

    def one(_: int) -> None:
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)

    begin = time.perf_counter()
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(one, range(jobs)))
    return (time.perf_counter() - begin) / jobs


def upload(s3: Any, script: Path) -> None:  # noqa: ANN401 - boto3 makes clients at run time
    """The script as a source archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(script, arcname=script.name)
    s3.put_object(Bucket=BUCKET, Key=f"{script.name}.tar.gz", Body=archive.getvalue())


def emulated(url: str, script: Path, hyperparameters: dict[str, str], jobs: int, parallel: int) -> float:
    """Seconds per job of a tuning job."""
    sagemaker = client("sagemaker", url)
    name = f"overhead-{uuid.uuid4().hex[:12]}"
    static = {
        **hyperparameters,
        "sagemaker_program": script.name,
        "sagemaker_submit_directory": f"s3://{BUCKET}/{script.name}.tar.gz",
    }
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxParallelTrainingJobs": parallel, "MaxNumberOfTrainingJobs": jobs},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "learning_rate", "MinValue": "0.001", "MaxValue": "0.01"}]
            },
        },
        TrainingJobDefinition={
            "StaticHyperParameters": static,
            "AlgorithmSpecification": {
                "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "validation:accuracy", "Regex": "validation:accuracy=([0-9.eE+-]+)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )
    while True:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if job["HyperParameterTuningJobStatus"] != "InProgress":
            break
        time.sleep(0.2)
    if job["TrainingJobStatusCounters"]["Completed"] != jobs:
        raise RuntimeError(f"{name} did not complete: {job['TrainingJobStatusCounters']} {job.get('FailureReason')}")
    seconds: float = (job["HyperParameterTuningEndTime"] - job["CreationTime"]).total_seconds()
    return seconds / jobs


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20, help="training jobs a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, bare and emulated in turn (default: %(default)s)")
    options = parser.parse_args(argv)
    print("| script | parallel | bare, ms a job | emulator, ms a job | ratio | spread of the ratio |")
    print("|---|---|---|---|---|---|")
    for script, hyperparameters in (
        (SCRIPTS / "analytic.py", {"epochs": "3"}),
        (SCRIPTS / "mlp.py", {"epochs": "3"}),
    ):
        for parallel in (1, 2):
            with tempfile.TemporaryDirectory() as state, emulator(Path(state), parallel) as url:
                s3 = client("s3", url)
                s3.create_bucket(Bucket=BUCKET)
                upload(s3, script)
                rows = []
                for _ in range(options.rounds):
                    alone = bare(script, {**hyperparameters, "learning_rate": "0.005"}, options.jobs, parallel)
                    rows.append((alone, emulated(url, script, hyperparameters, options.jobs, parallel)))
            ratios = [ours / alone for alone, ours in rows]
            alone, ours = (statistics.median(column) for column in zip(*rows, strict=True))
            print(
                f"| {script.name} | {parallel} | {alone * 1000:.0f} | {ours * 1000:.0f} "
                f"| {statistics.median(ratios):.2f} | {min(ratios):.2f}-{max(ratios):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
