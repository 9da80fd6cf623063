"""What a large channel costs: one of 1 GB and 20 training jobs that read it, on this machine's disk.

    python benchmarks/staging.py [--megabytes 1024] [--jobs 20]

It says how much the state folder grew beside the object in S3 itself, and how long the first training job waited for its data and
how long the others did: one copy for all, and no second read of it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.overhead import BUCKET, client, emulator

SCRIPT = "import os; print('score=%d' % os.stat('/opt/ml/input/data/train/data').st_size)"


def used(folder: Path) -> int:
    """Megabytes on disk below a folder, what is linked counted once."""
    return int(subprocess.run(["du", "-sm", str(folder)], capture_output=True, text=True, check=True).stdout.split()[0])  # noqa: S607


def request(name: str, jobs: int) -> dict[str, Any]:
    """A tuning job over the channel."""
    where = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/"}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": jobs},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{BUCKET}/train.py.tar.gz",
            },
            "AlgorithmSpecification": {
                "TrainingImage": "sagemaker-scikit-learn:1.2-1-cpu-py3",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9]+)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": where}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the channel (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=20, help="training jobs (default: %(default)s)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        with emulator(2, script, f"{folder}/state") as url:
            measure(url, Path(folder), options)


def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    """Run the tuning job and print the row."""
    s3, sagemaker = client("s3", url), client("sagemaker", url)
    with urllib.request.urlopen(f"{url}/_health") as answer:  # noqa: S310 - our own server
        state = Path(json.load(answer)["state"])
    data = folder / "data"
    subprocess.run(["dd", "if=/dev/urandom", f"of={data}", "bs=1M", f"count={options.megabytes}", "status=none"], check=True)  # noqa: S607
    s3.upload_file(str(data), BUCKET, "data/data")
    before = used(state)
    sagemaker.create_hyper_parameter_tuning_job(**request("staging", options.jobs))
    children: list[Any] = []
    while len(children) < options.jobs or any(child["TrainingJobStatus"] == "InProgress" for child in children):
        pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName="staging", SortBy="CreationTime", SortOrder="Ascending"
        )
        children = [summary for page in pages for summary in page["TrainingJobSummaries"]]
    grown = used(state) - before
    waits = []
    for child in children:
        transitions = sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])["SecondaryStatusTransitions"]
        (download,) = [step for step in transitions if step["Status"] == "Downloading"]
        waits.append((download["EndTime"] - download["StartTime"]).total_seconds())
    print("| channel, MB | jobs | the state grew by, MB | first job's wait for data, s | the others', median, s |")
    print("|---|---|---|---|---|")
    print(f"| {options.megabytes} | {options.jobs} | {grown} | {waits[0]:.2f} | {statistics.median(waits[2:]):.3f} |")


if __name__ == "__main__":
    main()
