"""Distributions beside AWS's training toolkit, and for real: torch and MPI on two hosts with two processes each."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_emulator.runs import distributions
from local_emulator.runs.script_mode import Machine
from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.acceptance.test_script_mode import TOOLKIT
from tests.conftest import IMAGE, ROLE, ROOT, source_archive

TORCH = ROOT / ".venv-torch"
PROCESSES = {"sagemaker_mpi_num_of_processes_per_host": "2"}
WORDS = ["--x", "1"]
# What tells the libraries of NVIDIA, and NCCL_SOCKET_IFNAME, whose value is in the environment here.
NOT_HERE = {"NCCL_MIN_NRINGS=4", "NCCL_DEBUG=INFO", "NCCL_SOCKET_IFNAME=lo", "LD_LIBRARY_PATH"}
DDP = """
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
parallel = DistributedDataParallel(model)
x = torch.arange(64.0).reshape(16, 4) / 64
y = x.sum(1, keepdim=True)
optimizer = torch.optim.SGD(parallel.parameters(), lr=0.1)
for _ in range(20):
    optimizer.zero_grad()
    ((parallel(x[rank::size]) - y[rank::size]) ** 2).mean().backward()
    optimizer.step()
if rank == 0:
    print(f"loss={((model(x) - y) ** 2).mean().item():.8f}", flush=True)
dist.destroy_process_group()
"""
MPI = """
import os
from mpi4py import MPI
world = MPI.COMM_WORLD
names = world.gather(os.uname().nodename)
total = world.allreduce(world.rank + 1)
if world.rank == 0:
    print(f"loss={total}", names, flush=True)
"""


@pytest.mark.skipif(not (TOOLKIT / ".ready").exists(), reason="the toolkit needs a C compiler: make .venv-toolkit/.ready")
def test_scripts_are_launched_as_the_toolkit_launches_them() -> None:
    group = {"instance_group_name": "g", "instance_type": "ml.m5.large", "hosts": ["algo-1", "algo-2"]}
    resources = {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "g",
        "hosts": group["hosts"],
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
    given = {"resources": resources, "words": WORDS, "processes": 2, "options": "-x A=1"}
    program = Path(__file__).with_name("programs") / "toolkit_launch.py"
    command = [str(TOOLKIT / "bin" / "python"), str(program), json.dumps(given)]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    machine = Machine(resources, {}, "/opt/ml", 0, "us-east-1")

    def ours(**parameters: str) -> list[str]:
        script = ["python3", "train.py", *WORDS]
        return list(distributions.launch(script, "train.py", machine, {**PROCESSES, **parameters}, ["SM_HOSTS"])[0])

    assert ours(sagemaker_torch_distributed_enabled="true") == theirs["torch"]
    mpirun = ours(sagemaker_mpi_enabled="true", sagemaker_mpi_custom_mpi_options="-x A=1")
    assert mpirun[:7] == theirs["mpi"][:7]
    script = theirs["mpi"].index("-m")
    assert mpirun[mpirun.index("-m") :] == theirs["mpi"][script:]
    missing = {
        word for word in theirs["mpi"][:script] if word not in mpirun and "/" not in word
    }  # LD_PRELOAD is for a host's name
    assert missing == NOT_HERE


@pytest.fixture(scope="module")
def _emulator() -> Iterator[None]:
    if not (TORCH / "bin" / "python").exists():
        pytest.skip("torch and mpi4py are not installed: make .venv-torch/.ready")
    with emulated_sagemaker(Settings(parallel=2, python=str(TORCH / "bin" / "python"))):
        boto3.client("s3").create_bucket(Bucket="bucket")
        archive = source_archive({"ddp.py": DDP, "reduce.py": MPI})
        boto3.client("s3").put_object(Bucket="bucket", Key="code.tar.gz", Body=archive)
        yield


def loss(script: str, hosts: int, **parameters: str) -> tuple[float, str]:
    """The metric of a training job and the log of its first host."""
    client, name = boto3.client("sagemaker"), f"{script.partition('.')[0]}-{hosts}"
    client.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}],
        },
        HyperParameters={
            "sagemaker_program": script,
            "sagemaker_submit_directory": "s3://bucket/code.tar.gz",
            **parameters,
        },
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    job: Any = {"TrainingJobStatus": "InProgress"}
    while job["TrainingJobStatus"] == "InProgress":  # MaxRuntimeInSeconds ends it
        time.sleep(0.1)
        job = client.describe_training_job(TrainingJobName=name)
    logs, group = boto3.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/algo-1-")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)["events"]
    text = "\n".join(event["message"] for event in events)
    assert job["TrainingJobStatus"] == "Completed", text
    return job["FinalMetricDataList"][0]["Value"], text


@pytest.mark.usefixtures("_emulator")
def test_torch_on_two_hosts_learns_what_one_process_learns() -> None:
    torchrun = {"sagemaker_torch_distributed_enabled": "true"}
    two, log = loss("ddp.py", 2, **torchrun, **PROCESSES)
    assert "torchrun --nnodes 2 --nproc_per_node 2 --master_addr algo-1 --master_port 7777 --node_rank 0 ddp.py" in log
    single, _ = loss("ddp.py", 1, **torchrun)
    assert two == pytest.approx(single, rel=1e-5)


@pytest.mark.usefixtures("_emulator")
def test_mpi_on_two_hosts() -> None:
    total, log = loss("reduce.py", 2, sagemaker_mpi_enabled="true", **PROCESSES)
    assert total == 1 + 2 + 3 + 4
    assert "['algo-1', 'algo-1', 'algo-2', 'algo-2']" in log
