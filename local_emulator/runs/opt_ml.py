"""The container contract: what lies in `/opt/ml` when a program starts, and its environment."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_emulator.domain.errors import RunError
from local_emulator.domain.spec import Channel, CheckpointConfig, Host
from local_emulator.domain.training import TrainingJob
from local_emulator.runs import layers
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.layers import Interpreter
from local_emulator.settings import Settings

_INTERFACE = "eth0"
_LOOPBACK = "lo"  # several hosts have their addresses there
_FOLDERS = ("", "input", "input/config", "input/data", "model", "output", "output/data", "code", "checkpoints")
_LONGEST_STRING = 32 * 4096  # bytes of an argument or an environment variable with its NUL: MAX_ARG_STRLEN
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def resources(job: TrainingJob, current: Host) -> Mapping[str, Any]:
    """Content of a host's resourceconfig.json; AWS sorts the names of hosts as text."""
    hosts = sorted(job.spec.resources.hosts, key=lambda host: host.name)
    groups = {host.group: host.instance_type for host in job.spec.resources.hosts}
    return {
        "current_host": current.name,
        "current_instance_type": current.instance_type,
        "current_group_name": current.group,
        "hosts": [host.name for host in hosts],
        "instance_groups": [
            {"instance_group_name": group, "instance_type": kind, "hosts": [host.name for host in hosts if host.group == group]}
            for group, kind in groups.items()
        ],
        "network_interface_name": _INTERFACE if len(hosts) == 1 else _LOOPBACK,
    }


def channels(job: TrainingJob, host: Host) -> Sequence[Channel]:
    """The channels that a host gets: all, but those for other instance groups."""
    return [channel for channel in job.spec.channels if host.group in (channel.source.instance_group_names or (host.group,))]


def shard(job: TrainingJob, channel: Channel, host: Host) -> tuple[int, int]:
    """Which part of a channel a host gets, from 0, of how many."""
    if not channel.source.sharded:
        return 0, 1
    sharers = [other for other in job.spec.resources.hosts if channel in channels(job, other)]
    return sharers.index(host), len(sharers)


def gpus(job: TrainingJob, host: Host) -> Sequence[str]:
    """The GPUs of a host: the job's are dealt out; hosts share them where there are too few."""
    return dealt(job.gpus, job.spec.resources.hosts, host)


def dealt(gpus: Sequence[str], hosts: Sequence[Host], host: Host) -> Sequence[str]:
    """The GPUs of one of several hosts."""
    number = hosts.index(host)
    return gpus[number :: len(hosts)] or gpus[number % max(len(gpus), 1) :][:1]


def inputs(job: TrainingJob, host: Host) -> Mapping[str, Any]:
    """Content of a host's inputdataconfig.json."""
    return {
        channel.channel_name: {
            "TrainingInputMode": channel.input_mode,
            "S3DistributionType": channel.source.s3_data_distribution_type,
            "RecordWrapperType": channel.record_wrapper_type,
            **({} if channel.content_type is None else {"ContentType": channel.content_type}),
        }
        for channel in channels(job, host)
    }


def _checkpoint_config(config: CheckpointConfig) -> Mapping[str, str]:
    """Content of checkpointconfig.json."""
    return {"S3Uri": config.s3_uri, **({} if config.local_path is None else {"LocalPath": config.local_path})}


def lay_out(ml: Path, job: TrainingJob, host: Host) -> None:
    """Make the folders and the configuration files of a host; replace what is there."""
    shutil.rmtree(ml, ignore_errors=True)
    for name in _FOLDERS:
        (ml / name).mkdir()
    config = ml / "input" / "config"
    files: dict[str, object] = {
        "hyperparameters.json": dict(sorted(job.spec.hyperparameters.items())),
        "resourceconfig.json": resources(job, host),
        "inputdataconfig.json": inputs(job, host),
    }
    if job.spec.checkpoints is not None:
        files["checkpointconfig.json"] = _checkpoint_config(job.spec.checkpoints)
    for name, content in files.items():
        (config / name).write_text(json.dumps(content))


def machine(folder: HostFolder, python: str, below: Interpreter | None = None) -> dict[str, str]:
    """Variables that a program of this machine needs: an allow-list, so nothing of the server's environment leaks in.

    What it installs goes into a layer of its own, made here upon its interpreter `python`, or upon what else is `below`.
    """
    below = below or layers.interpreter(python)
    own = {} if below is None else layers.variables(folder.packages, below)
    programs = [*([folder.packages / "bin"] if own else []), Path(python).parent, os.environ.get("PATH", os.defpath)]
    return {
        **own,
        "PATH": os.pathsep.join(map(str, programs)),
        "HOME": str(folder.home),
        "TMPDIR": str(folder.temporary),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def environment(
    job: TrainingJob, host: Host, settings: Settings, endpoint: str | None, access_key: str | None = None, processes: int = 1
) -> dict[str, str]:
    """The environment of a program, wherever it runs; without what script mode adds.

    It starts itself so many `processes`, which share the threads of one.
    """
    devices = ",".join(gpus(job, host))
    return {
        **({"CUDA_VISIBLE_DEVICES": devices} if devices else {}),
        **surroundings(job.region, settings, endpoint, access_key, processes),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        **job.spec.environment,
    }


def surroundings(
    region: str, settings: Settings, endpoint: str | None, access_key: str | None = None, processes: int = 1
) -> dict[str, str]:
    """What a program of any kind has in its environment: threads, and how it reaches the emulator."""
    threads = str(max(1, (settings.threads or (os.cpu_count() or 1) // settings.parallel) // processes))
    return {
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREADS, threads),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": access_key or "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        **({"AWS_ENDPOINT_URL": endpoint, "S3_ENDPOINT_URL": settings.s3_endpoint or endpoint} if endpoint else {}),
        **({"AWS_ENDPOINT_URL_S3": settings.s3_endpoint} if settings.s3_endpoint else {}),
    }


def check_strings(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Raise RunError for an argument or variable that Linux cannot pass to a program."""
    for name, value in env.items():
        _check_string(f"the environment variable {name}", f"{name}={value}")
    for before, word in zip(("", *argv), argv, strict=False):
        _check_string(f"the argument after {before[:100]}", word)


def _check_string(what: str, text: str) -> None:
    problem = None
    try:
        size = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        problem = f"{what} is not UTF-8"
    else:
        if "\0" in text:
            problem = f"{what} has a NUL character in it"
        if size >= _LONGEST_STRING:
            problem = f"Argument list too long: {what} has {size:,} bytes, Linux allows {_LONGEST_STRING - 1:,}"
    if problem is not None:
        raise RunError(f"ClientError: The program cannot be started: {problem}")
