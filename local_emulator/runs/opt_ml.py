"""The container contract: what lies in `/opt/ml` when a program starts, and its environment."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_emulator.domain.training import TrainingJob
from local_emulator.runs import images
from local_emulator.runs.folder import RunFolder
from local_emulator.settings import Settings

_HOST = "algo-1"
_INTERFACE = "eth0"
_GROUP = "homogeneousCluster"
_FOLDERS = ("", "input", "input/config", "input/data", "model", "output", "output/data", "code", "checkpoints")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def resources(job: TrainingJob) -> Mapping[str, Any]:
    """Content of resourceconfig.json."""
    config = job.request["ResourceConfig"]
    kind = config.get("InstanceType", config.get("SelectedInstanceType", "local"))
    return {
        "current_host": _HOST,
        "current_instance_type": kind,
        "current_group_name": _GROUP,
        "hosts": [_HOST],
        "instance_groups": [{"instance_group_name": _GROUP, "instance_type": kind, "hosts": [_HOST]}],
        "network_interface_name": _INTERFACE,
    }


def inputs(job: TrainingJob) -> Mapping[str, Any]:
    """Content of inputdataconfig.json."""
    default = job.request["AlgorithmSpecification"]["TrainingInputMode"]
    found: dict[str, Any] = {}
    for channel in job.request.get("InputDataConfig", ()):
        source = channel["DataSource"]["S3DataSource"]
        found[channel["ChannelName"]] = {
            "TrainingInputMode": channel.get("InputMode", default),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
    return found


def lay_out(ml: Path, job: TrainingJob) -> None:
    """Make the folders and the configuration files of a run, anew."""
    shutil.rmtree(ml, ignore_errors=True)
    for name in _FOLDERS:
        (ml / name).mkdir()
    config = ml / "input" / "config"
    files: dict[str, object] = {
        "hyperparameters.json": dict(job.request.get("HyperParameters", {})),
        "resourceconfig.json": resources(job),
        "inputdataconfig.json": inputs(job),
    }
    if "CheckpointConfig" in job.request:
        files["checkpointconfig.json"] = dict(job.request["CheckpointConfig"])
    for name, content in files.items():
        (config / name).write_text(json.dumps(content))


def machine(folder: RunFolder, python: str) -> dict[str, str]:
    """What a program of this machine needs to find its way: an allow-list, so nothing of the server's leaks in."""
    return {
        "PATH": os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder.home),
        "TMPDIR": str(folder.temporary),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def environment(job: TrainingJob, settings: Settings, endpoint: str | None, access_key: str | None = None) -> dict[str, str]:
    """The environment of a program, wherever it runs; script mode's own apart."""
    threads = str(settings.threads or max(1, (os.cpu_count() or 1) // settings.parallel))
    return {
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(_THREADS, threads),
        **({"CUDA_VISIBLE_DEVICES": ",".join(job.gpus)} if job.gpus else {}),
        "AWS_REGION": job.region,
        "AWS_DEFAULT_REGION": job.region,
        "AWS_ACCESS_KEY_ID": access_key or "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        **({"AWS_ENDPOINT_URL": endpoint, "S3_ENDPOINT_URL": settings.s3_endpoint or endpoint} if endpoint else {}),
        **({"AWS_ENDPOINT_URL_S3": settings.s3_endpoint} if settings.s3_endpoint else {}),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        **job.request.get("Environment", {}),
    }


def script_mode(job: TrainingJob, base: str, entry: str, words: Sequence[str]) -> dict[str, str]:
    """The `SM_*` variables, as the sagemaker-training toolkit sets them; `base` is what the program knows as `/opt/ml`."""
    hyperparameters = job.request.get("HyperParameters", {})
    shown = images.visible(hyperparameters)
    channels = {name: f"{base}/input/data/{name}" for name in sorted(inputs(job))}
    framework = images.framework_parameters(hyperparameters)
    config = resources(job)
    facts: dict[str, Any] = {
        "additional_framework_parameters": framework,
        "channel_input_dirs": channels,
        "current_host": _HOST,
        "current_instance_group": _GROUP,
        "current_instance_group_hosts": [_HOST],
        "current_instance_type": config["current_instance_type"],
        "distribution_hosts": [],
        "distribution_instance_groups": [],
        "framework_module": None,
        "hosts": [_HOST],
        "hyperparameters": shown,
        "input_config_dir": f"{base}/input/config",
        "input_data_config": inputs(job),
        "input_dir": f"{base}/input",
        "instance_groups": [_GROUP],
        "instance_groups_dict": {_GROUP: config["instance_groups"][0]},
        "is_hetero": False,
        "is_master": True,
        "is_modelparallel_enabled": None,
        "is_smddpmprun_installed": False,
        "is_smddprun_installed": False,
        "job_name": job.name,
        "log_level": 20,
        "master_hostname": _HOST,
        "model_dir": f"{base}/model",
        "module_dir": str(images.decoded(hyperparameters.get(images.SUBMIT_DIRECTORY, ""))),
        "module_name": entry.removesuffix(".py"),
        "network_interface_name": _INTERFACE,
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": len(job.gpus),
        "num_neurons": 0,
        "output_data_dir": f"{base}/output/data",
        "output_dir": f"{base}/output",
        "output_intermediate_dir": f"{base}/output/intermediate",
        "resource_config": config,
        "topology": [],
        "user_entry_point": entry,
    }
    named = {
        "SM_HOSTS": facts["hosts"],
        "SM_NETWORK_INTERFACE_NAME": _INTERFACE,
        "SM_HPS": shown,
        "SM_USER_ENTRY_POINT": entry,
        "SM_FRAMEWORK_PARAMS": framework,
        "SM_RESOURCE_CONFIG": config,
        "SM_INPUT_DATA_CONFIG": facts["input_data_config"],
        "SM_CHANNELS": list(channels),
        "SM_CURRENT_HOST": _HOST,
        "SM_CURRENT_INSTANCE_TYPE": facts["current_instance_type"],
        "SM_CURRENT_INSTANCE_GROUP": _GROUP,
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": [_HOST],
        "SM_INSTANCE_GROUPS": [_GROUP],
        "SM_INSTANCE_GROUPS_DICT": facts["instance_groups_dict"],
        "SM_DISTRIBUTION_INSTANCE_GROUPS": [],
        "SM_IS_HETERO": False,
        "SM_MODULE_NAME": facts["module_name"],
        "SM_LOG_LEVEL": facts["log_level"],
        "SM_FRAMEWORK_MODULE": None,
        "SM_NUM_CPUS": facts["num_cpus"],
        "SM_NUM_GPUS": facts["num_gpus"],
        "SM_NUM_NEURONS": 0,
        "SM_TRAINING_ENV": facts,
        "SM_USER_ARGS": list(words),
        "SM_MODULE_DIR": facts["module_dir"],
        **{f"SM_{name.upper()}": facts[name] for name in facts if name.endswith("_dir") and name != "module_dir"},
        **{f"SM_CHANNEL_{name.upper()}": path for name, path in channels.items()},
        **{f"SM_HP_{name.upper()}": value for name, value in shown.items()},
    }
    return {name: _text(value) for name, value in named.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _compact(value)
