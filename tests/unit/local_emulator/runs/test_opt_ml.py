"""What lies in `/opt/ml`, and the environment of a program."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.errors import RunError
from local_emulator.domain.spec import Host
from local_emulator.domain.training import TrainingJob
from local_emulator.runs import opt_ml
from local_emulator.runs.folder import RunFolder
from local_emulator.settings import Settings
from tests.made_jobs import training

HOST = Host()
REQUEST: dict[str, Any] = {
    "HyperParameters": {"b": "2", "a": "1"},
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/t"}},
        }
    ],
    "CheckpointConfig": {"S3Uri": "s3://b/c"},
    "Environment": {"MINE": "1", "AWS_REGION": "mars"},
}


@pytest.fixture
def job() -> TrainingJob:
    return replace(training("j"), spec=parse.training(REQUEST), gpus=("0", "1"))


def test_folders_and_configuration(job: TrainingJob, tmp_path: Path) -> None:
    ml = tmp_path / "ml"
    (ml / "stale").mkdir(parents=True)
    opt_ml.lay_out(ml, job, HOST)
    assert not (ml / "stale").exists()
    folders = {str(path.relative_to(ml)) for path in ml.rglob("*") if path.is_dir()}
    assert folders == {"input", "input/config", "input/data", "model", "output", "output/data", "code", "checkpoints"}
    config = {path.name: json.loads(path.read_text()) for path in (ml / "input/config").iterdir()}
    assert config["hyperparameters.json"] == {"a": "1", "b": "2"}
    assert config["inputdataconfig.json"]["train"] == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "text/csv",
    }
    assert config["checkpointconfig.json"] == {"S3Uri": "s3://b/c"}
    assert (config["resourceconfig.json"]["hosts"], config["resourceconfig.json"]["network_interface_name"]) == (
        ["algo-1"],
        "eth0",
    )


def test_nothing_of_the_servers_environment_but_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("PATH", "/server/bin")
    variables = opt_ml.machine(RunFolder(tmp_path), "/own/bin/python")
    assert set(variables) == {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL"}
    assert variables["PATH"] == "/own/bin:/server/bin"


def test_where_a_program_installs_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/server/bin")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_TARGET", "/somewhere")
    folder = RunFolder(tmp_path / "runs" / "r")
    variables = opt_ml.machine(folder, sys.executable)
    programs = folder.packages / "bin"
    assert variables["PATH"] == f"{programs}:{Path(sys.executable).parent}:/server/bin"
    assert variables["PIP_PYTHON"] == f"{programs}/python"
    assert Path(variables["PYTHONPATH"]).is_relative_to(folder.packages)
    assert variables["PIP_INDEX_URL"] == "https://mirror.example/simple", "where this user's pip finds packages"
    assert "PIP_TARGET" not in variables


def test_the_environment_of_a_program(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    variables = opt_ml.environment(job, HOST, Settings(parallel=2, threads=3), "http://127.0.0.1:1")
    assert (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]) == ("test", "test")
    assert (variables["OMP_NUM_THREADS"], variables["CUDA_VISIBLE_DEVICES"]) == ("3", "0,1")
    assert (variables["AWS_ENDPOINT_URL"], variables["S3_ENDPOINT_URL"]) == ("http://127.0.0.1:1", "http://127.0.0.1:1")
    assert (variables["MINE"], variables["AWS_REGION"]) == ("1", "mars"), "the request's own wins"
    assert "AWS_ENDPOINT_URL" not in opt_ml.environment(job, HOST, Settings(), None)
    elsewhere = opt_ml.environment(job, HOST, Settings(s3_endpoint="http://minio:9000"), "http://127.0.0.1:1", "KEY")
    assert (elsewhere["AWS_ENDPOINT_URL_S3"], elsewhere["AWS_ACCESS_KEY_ID"]) == ("http://minio:9000", "KEY")


@pytest.mark.parametrize(("threads", "processes", "each"), [(8, 4, "2"), (3, 2, "1"), (2, 4, "1")])
def test_processes_of_a_program_share_its_threads(job: TrainingJob, threads: int, processes: int, each: str) -> None:
    variables = opt_ml.environment(job, HOST, Settings(threads=threads), None, processes=processes)
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == each


@pytest.mark.parametrize(
    ("argv", "env", "problem"),
    [
        (["python", "a\0b"], {}, "the argument after python has a NUL character"),
        (["python"], {"A": "x" * 131_072}, r"the environment variable A has 131,074 bytes, Linux allows 131,071"),
        (["python", "\ud800"], {}, "the argument after python is not UTF-8"),
    ],
)
def test_what_linux_cannot_pass_to_a_program(argv: list[str], env: dict[str, str], problem: str) -> None:
    with pytest.raises(RunError, match=problem):
        opt_ml.check_strings(argv, env)
    opt_ml.check_strings(["python", "x" * 131_071], {"A": "é"})


GROUPS = [
    {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 1},
    {"InstanceGroupName": "b", "InstanceType": "ml.c5.large", "InstanceCount": 11},
]


def with_hosts(**source: Any) -> TrainingJob:
    """A job on twelve hosts of two groups."""
    s3 = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/t", **source}
    request = {
        "ResourceConfig": {"InstanceGroups": GROUPS},
        "InputDataConfig": [{"ChannelName": "t", "DataSource": {"S3DataSource": s3}}],
    }
    return replace(training("j"), spec=parse.training(request), gpus=tuple(map(str, range(24))))


def test_every_host_knows_all_hosts() -> None:
    job = with_hosts()
    names = [host.name for host in job.spec.resources.hosts]
    config = opt_ml.resources(job, job.spec.resources.hosts[11])
    assert config == {
        "current_host": "algo-12",
        "current_instance_type": "ml.c5.large",
        "current_group_name": "b",
        "hosts": sorted(names),
        "instance_groups": [
            {"instance_group_name": "a", "instance_type": "ml.m5.large", "hosts": ["algo-1"]},
            {"instance_group_name": "b", "instance_type": "ml.c5.large", "hosts": sorted(names[1:])},
        ],
        "network_interface_name": "lo",
    }


@pytest.mark.parametrize(
    ("source", "shards"),
    [
        ({}, [(0, 1)] * 12),
        ({"S3DataDistributionType": "ShardedByS3Key"}, [(number, 12) for number in range(12)]),
        (
            {"S3DataDistributionType": "ShardedByS3Key", "InstanceGroupNames": ["b"]},
            [None, *((number, 11) for number in range(11))],
        ),
        ({"InstanceGroupNames": ["a"]}, [(0, 1), *[None] * 11]),
    ],
)
def test_each_host_gets_its_channels_and_its_part_of_them(source: dict[str, Any], shards: list[tuple[int, int] | None]) -> None:
    job = with_hosts(**source)
    got = []
    for host in job.spec.resources.hosts:
        channels = opt_ml.channels(job, host)
        assert list(opt_ml.inputs(job, host)) == [channel.channel_name for channel in channels]
        got.append(opt_ml.shard(job, channels[0], host) if channels else None)
    assert got == shards


def test_gpus_are_dealt_out_to_the_hosts() -> None:
    job = with_hosts()
    dealt = [opt_ml.gpus(job, host) for host in job.spec.resources.hosts]
    assert sorted(gpu for share in dealt for gpu in share) == sorted(job.gpus)
    assert {len(share) for share in dealt} == {2}
    few = replace(job, gpus=("0", "1"))
    assert [opt_ml.gpus(few, host) for host in job.spec.resources.hosts][:4] == [("0",), ("1",), ("0",), ("1",)]
