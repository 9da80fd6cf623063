"""Script mode: how the sagemaker-training toolkit, which AWS's framework images hold, starts a script.

Hyperparameters become `--name value`, sorted by name, and the `SM_*` variables; those of the toolkit itself are hidden. What the
toolkit fails on, fails here in its form.
"""

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from local_emulator.domain.errors import RunError
from local_emulator.domain.names import OBJECTIVE_STATIC
from sm_tuning.rules.training_toolkit import flag, is_package

_IMPORTABLE = Path(__file__).parents[1] / "inference" / "importable"

PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
_PROGRAM_VARIABLE = "SAGEMAKER_PROGRAM"
_LOG_LEVEL = "sagemaker_container_log_level"
_JOB_NAME = "sagemaker_job_name"
_REGION = "sagemaker_region"
_DISTRIBUTION = "sagemaker_distribution_instance_groups"
# Those that the toolkit takes for itself; others of its prefix are for the framework.
_TOOLKITS = {
    PROGRAM,
    SUBMIT_DIRECTORY,
    "sagemaker_enable_cloudwatch_metrics",
    _LOG_LEVEL,
    _JOB_NAME,
    _REGION,
    "sagemaker_s3_output",
}
_HIDDEN = {"default_user_module_name", OBJECTIVE_STATIC}
_DISTRIBUTED = [
    f"sagemaker_{name}_enabled"
    for name in (
        "mpi",
        "parameter_server",
        "distributed_dataparallel",
        "pytorch_ddp",
        "pytorch_xla_multi_worker",
        "multi_worker_mirrored_strategy",
        "torch_distributed",
    )
]
_ENTRY = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*")
_LONGEST_STRING = 128 * 1024  # Linux's MAX_ARG_STRLEN, of one argument or variable with its end
_TOO_LONG = 7  # errno E2BIG


@dataclass(frozen=True)
class Machine:
    """The machine as its job sees it.

    Content of resourceconfig.json and of inputdataconfig.json, what `/opt/ml` is called, number of GPUs, region.
    """

    resources: Mapping[str, Any]
    channels: Mapping[str, Any]
    base: str
    gpus: int
    region: str


# --- hyperparameters --------------------------------------------------------------------------------------------------------


def named(hyperparameters: Mapping[str, str], environment: Mapping[str, str]) -> Mapping[str, str]:
    """The hyperparameters with the entry point that the request's environment names; the toolkit prefers that."""
    variable = environment.get(_PROGRAM_VARIABLE)
    return hyperparameters if variable is None else {**hyperparameters, PROGRAM: json.dumps(variable)}


def incomplete(hyperparameters: Mapping[str, str]) -> str | None:
    """Why hyperparameters that name an entry point, or its source, name too little; None if they do not."""
    if PROGRAM not in hyperparameters:
        return None
    entry = decoded(hyperparameters[PROGRAM])
    if not isinstance(entry, str) or not entry:
        return f"The hyperparameter {PROGRAM} is {hyperparameters[PROGRAM]!r}; it must name a script inside the source archive."
    if SUBMIT_DIRECTORY not in hyperparameters:
        return (
            f"The hyperparameter {PROGRAM} names {entry!r}, but {SUBMIT_DIRECTORY} is missing; it must be the s3:// URI of the source "
            "archive (sourcedir.tar.gz). Code that lies in the image is not emulated without its container (serve --image)."
        )
    source = decoded(hyperparameters[SUBMIT_DIRECTORY])
    if not isinstance(source, str) or not source.startswith(("s3://", "/opt/ml/")):
        return (
            f"The hyperparameter {SUBMIT_DIRECTORY} is {hyperparameters[SUBMIT_DIRECTORY]!r}; it must be the s3:// URI of the source "
            "archive, or a folder or archive of a channel below /opt/ml/input/data."
        )
    return None


def decoded(value: str) -> Any:  # noqa: ANN401 - any JSON
    """A hyperparameter as the toolkit reads it: JSON if it is, else the text itself."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def visible(hyperparameters: Mapping[str, str]) -> Mapping[str, Any]:
    """The hyperparameters that a script gets, decoded, sorted by name."""
    return {
        name: decoded(value)
        for name, value in sorted(hyperparameters.items())
        if not name.startswith("sagemaker_") and name not in _HIDDEN
    }


def framework_parameters(hyperparameters: Mapping[str, str]) -> Mapping[str, Any]:
    """The hyperparameters that are meant for a framework, decoded."""
    return {
        name: decoded(value) for name, value in hyperparameters.items() if name.startswith("sagemaker_") and name not in _TOOLKITS
    }


def distribution_hosts(resources: Mapping[str, Any], hyperparameters: Mapping[str, str]) -> Sequence[str]:
    """The hosts of the instance groups that a distribution is for; none without a distribution."""
    groups = _distribution_groups(resources, hyperparameters)
    return [host for group in resources["instance_groups"] if group["instance_group_name"] in groups for host in group["hosts"]]


def _distribution_groups(resources: Mapping[str, Any], hyperparameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - a list, as a rule
    framework = framework_parameters(hyperparameters)
    distributed = any(framework.get(name) for name in _DISTRIBUTED)
    groups = framework.get(_DISTRIBUTION, [resources["current_group_name"]] if distributed else [])
    if not isinstance(groups, list | str | dict):
        _fail(f"{_DISTRIBUTION} is {hyperparameters[_DISTRIBUTION]!r}; it must be a JSON list")
    return groups


def arguments(hyperparameters: Mapping[str, Any]) -> Sequence[str]:
    """Hyperparameters as a command line."""
    words: list[str] = []
    for name, value in sorted(hyperparameters.items()):
        words += [flag(name), _word(value)]
    return words


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in sorted(value.items()))
    return str(value)


# --- the command --------------------------------------------------------------------------------------------------------------


def check_entry(entry: str, code: Path) -> None:
    """Raise RunError for an entry point that the toolkit takes none for, or that is not in the code folder."""
    if not _ENTRY.fullmatch(entry) or {".", ".."} & set(entry.split("/")):
        raise RunError(
            f"AlgorithmError: The entry point {entry!r} of {PROGRAM} must be a path inside the source archive, of letters, digits and "
            "'.', '_', '+', '-', '/'; the training toolkit takes no other, exit code: 1"
        )
    path = code / entry
    if not path.resolve().is_relative_to(code.resolve()) or not path.is_file():
        held = ", ".join(sorted(str(path.relative_to(code)) for path in code.rglob("*") if path.is_file())[:10]) or "nothing"
        raise RunError(f"ClientError: {PROGRAM} names {entry!r}, which is not in the source archive. It holds: {held}")


def command(entry: str, code: Path, words: Sequence[str], python: str) -> tuple[str, ...]:
    """The command that starts an entry point from the code folder."""
    if is_package(code, entry):
        return (python, "-m", entry.removesuffix(".py"), *words)  # in a folder it is no module, to the toolkit neither
    if entry.endswith(".py"):
        return (python, entry, *words)
    (code / entry).chmod(0o755)
    return ("/bin/sh", "-c", shlex.join([f"./{entry}", *words]))


# --- the environment ----------------------------------------------------------------------------------------------------------


def importable(imports: Sequence[str]) -> Sequence[str]:
    """Folders of Python packages that AWS's images hold and that a script imports, as `script_imports` names them."""
    names = {module.partition(":")[0].partition(".")[0] for module in imports}
    return [str(_IMPORTABLE)] if any((_IMPORTABLE / name).is_dir() for name in names) else []


def environment(
    host: Machine, job_name: str, hyperparameters: Mapping[str, str], entry: str, words: Sequence[str]
) -> dict[str, str]:
    """The variables as the toolkit sets them; raises RunError for what no environment can hold."""
    shown = visible(hyperparameters)
    framework = framework_parameters(hyperparameters)
    channels = {name: f"{host.base}/input/data/{name}" for name in sorted(host.channels)}
    facts = _facts(host, job_name, hyperparameters, entry, channels)
    named = {
        "SM_HOSTS": facts["hosts"],
        "SM_NETWORK_INTERFACE_NAME": facts["network_interface_name"],
        "SM_HPS": shown,
        "SM_USER_ENTRY_POINT": entry,
        "SM_FRAMEWORK_PARAMS": framework,
        "SM_RESOURCE_CONFIG": facts["resource_config"],
        "SM_INPUT_DATA_CONFIG": facts["input_data_config"],
        "SM_CHANNELS": list(channels),
        "SM_CURRENT_HOST": facts["current_host"],
        "SM_CURRENT_INSTANCE_TYPE": facts["current_instance_type"],
        "SM_CURRENT_INSTANCE_GROUP": facts["current_instance_group"],
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": facts["current_instance_group_hosts"],
        "SM_INSTANCE_GROUPS": facts["instance_groups"],
        "SM_INSTANCE_GROUPS_DICT": facts["instance_groups_dict"],
        "SM_DISTRIBUTION_INSTANCE_GROUPS": facts["distribution_instance_groups"],
        "SM_IS_HETERO": facts["is_hetero"],
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
        "CURRENT_HOST": facts["current_host"],
        "SAGEMAKER_JOB_NAME": _text_of(hyperparameters, _JOB_NAME, ""),
        "SAGEMAKER_REGION": _text_of(hyperparameters, _REGION, host.region),
    }
    variables = {name: _text(value) for name, value in named.items()}
    _check(variables, words)
    return variables


def _facts(
    host: Machine, job_name: str, hyperparameters: Mapping[str, str], entry: str, channels: Mapping[str, str]
) -> dict[str, Any]:
    """Content of SM_TRAINING_ENV."""
    base, resources, framework = host.base, host.resources, framework_parameters(hyperparameters)
    named = {group["instance_group_name"]: group for group in resources["instance_groups"]}
    current = resources["current_group_name"]
    distributed_hosts = distribution_hosts(resources, hyperparameters)
    master = next(iter([*distributed_hosts, *resources["hosts"]]))
    return {
        "additional_framework_parameters": framework,
        "channel_input_dirs": channels,
        "current_host": resources["current_host"],
        "current_instance_group": current,
        "current_instance_group_hosts": named[current]["hosts"],
        "current_instance_type": resources["current_instance_type"],
        "distribution_hosts": distributed_hosts,
        "distribution_instance_groups": _distribution_groups(resources, hyperparameters),
        "framework_module": None,
        "hosts": resources["hosts"],
        "hyperparameters": visible(hyperparameters),
        "input_config_dir": f"{base}/input/config",
        "input_data_config": host.channels,
        "input_dir": f"{base}/input",
        "instance_groups": list(named),
        "instance_groups_dict": named,
        "is_hetero": len(named) > 1,
        "is_master": resources["current_host"] == master,
        "is_modelparallel_enabled": None,
        "is_smddpmprun_installed": False,
        "is_smddprun_installed": False,
        "job_name": job_name,
        "log_level": decoded(hyperparameters.get(_LOG_LEVEL, "20")),
        "master_hostname": master,
        "model_dir": f"{base}/model",
        "module_dir": str(decoded(hyperparameters.get(SUBMIT_DIRECTORY, ""))),
        "module_name": entry.removesuffix(".py"),
        "network_interface_name": resources["network_interface_name"],
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": host.gpus,
        "num_neurons": 0,
        "output_data_dir": f"{base}/output/data",
        "output_dir": f"{base}/output",
        "output_intermediate_dir": f"{base}/output/intermediate",
        "resource_config": resources,
        "topology": [],
        "user_entry_point": entry,
    }


def _text_of(hyperparameters: Mapping[str, str], name: str, default: str) -> str:
    value = decoded(hyperparameters.get(name, json.dumps(default)))
    if name == _REGION:
        value = value or ""
    if not isinstance(value, str):
        _fail(f"{name} is {hyperparameters[name]!r}; it must be text")
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _check(variables: Mapping[str, str], words: Sequence[str]) -> None:
    """Raise RunError for the first thing that no process can be given."""
    strings = [(name, name, value) for name, value in variables.items()] + [("the command line", "", word) for word in words]
    for where, name, value in strings:
        if "=" in name:
            _fail(f"illegal environment variable name {where!r}: a hyperparameter's name cannot hold '='")
        if "\0" in name or "\0" in value:
            _fail(f"embedded null byte in {where}")
        try:
            size = len(f"{name}={value}\0".encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError as error:
            _fail(f"{where} holds {error.object[error.start]!r}, which is no character: {error.reason}")
        if size > _LONGEST_STRING:
            text = f"Argument list too long: {where} takes {size:,} bytes; one variable or argument may take {_LONGEST_STRING:,}"
            _fail(f"[Errno {_TOO_LONG}] {text}. Give large values in a channel", exit_code=_TOO_LONG)


def _fail(text: str, exit_code: int = 1) -> NoReturn:
    """Fail as the toolkit fails on what it does not expect."""
    raise RunError(f"AlgorithmError: Framework Error: \n{text}, exit code: {exit_code}")
