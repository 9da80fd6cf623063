"""What a further host of a training job costs: jobs on one, two and four hosts in turn, in one run.

    python benchmarks/hosts.py [--rounds 15]

The script prints one metric, or reads a channel of ten objects from a FIFO and does so. Wall time from CreateTrainingJob to the end,
as DescribeTrainingJob shows it (asked every 5 ms), in an emulator of this process with a slot for each host; medians, and ratios to
one host.
"""

import argparse
import io
import os
import statistics
import tarfile
import time
from typing import Any

import boto3

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker

HOSTS = (1, 2, 4)
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311"
SCRIPTS = {
    "one metric": 'print("score=1")',
    "and a FIFO": "print(f\"score={len(open('/opt/ml/input/data/train_0').read())}\")",
}


def archive(script: str) -> bytes:
    """A source archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(script)
        tar.addfile(entry, io.BytesIO(script.encode()))
    return content.getvalue()


def seconds(client: Any, name: str, hosts: int, channels: list[dict[str, Any]]) -> float:  # noqa: ANN401 - boto3 makes it
    """Wall time of a training job."""
    begun = time.perf_counter()
    client.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"},
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://hosts/code.tar.gz"},
        RoleArn="arn:aws:iam::123456789012:role/R",
        **({"InputDataConfig": channels} if channels else {}),
        OutputDataConfig={"S3OutputPath": "s3://hosts/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    status = "InProgress"
    while status == "InProgress":
        time.sleep(0.005)
        status = client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
    if status != "Completed":
        raise RuntimeError(f"{name}: {status}")
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://hosts/train/"}}
    channel = {"ChannelName": "train", "DataSource": source}
    print(f"{rounds} rounds, {os.cpu_count()} processors\n")
    print("| script | hosts | milliseconds | of one host |\n|---|---|---|---|")
    with emulated_sagemaker(Settings(parallel=max(HOSTS))):
        client, s3 = boto3.client("sagemaker"), boto3.client("s3")
        s3.create_bucket(Bucket="hosts")
        for number in range(10):
            s3.put_object(Bucket="hosts", Key=f"train/{number}", Body=b"data")
        for label, script in SCRIPTS.items():
            s3.put_object(Bucket="hosts", Key="code.tar.gz", Body=archive(script))
            channels = [channel] if "FIFO" in label else []
            word, times = label.replace(" ", "-"), {hosts: list[float]() for hosts in HOSTS}
            for turn in range(rounds + 2):  # the first two are not counted
                for hosts in HOSTS:
                    times[hosts].append(seconds(client, f"{word}-{turn}-{hosts}", hosts, channels))
            medians = {hosts: statistics.median(measured[2:]) for hosts, measured in times.items()}
            for hosts, median in medians.items():
                print(f"| {label} | {hosts} | {1000 * median:.0f} | {median / medians[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
