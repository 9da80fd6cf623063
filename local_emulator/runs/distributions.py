"""Distributions of script mode: how the training toolkit launches a script in several processes, and those that nothing here does."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_emulator.domain.errors import RunError
from local_emulator.runs import mpi
from local_emulator.runs.script_mode import Machine, decoded, distribution_hosts, framework_parameters

_TORCH = "sagemaker_torch_distributed_enabled"
_MPI = "sagemaker_mpi_enabled"
_PROCESSES = "sagemaker_mpi_num_of_processes_per_host"
_MODEL_PARALLEL = "mp_parameters"
_NOT_HERE = {
    "sagemaker_distributed_dataparallel_enabled": "smdistributed.dataparallel is AWS's library for its NVIDIA instances",
    "sagemaker_pytorch_ddp_enabled": "pytorchddp is started by AWS's smddprun; torch_distributed starts the same script",
    "sagemaker_pytorch_xla_multi_worker_enabled": "pytorchxla is of AWS's training compiler",
}
_NOT_ON_SEVERAL = {  # on one instance AWS's images start the script as any other
    "sagemaker_parameter_server_enabled": "parameter_server needs the servers of TensorFlow 1 or MXNet",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "multi_worker_mirrored_strategy needs AWS's TensorFlow images",
}
_MASTER_PORT = "7777"
_SSHD_DRIVER = "mpi_driver.py"


def refused(hyperparameters: Mapping[str, str], hosts: int, python: str) -> str | None:
    """Why the distribution that hyperparameters ask for cannot be run here; None if it can, or if they ask for none."""
    asked = {name for name, value in framework_parameters(hyperparameters).items() if value}
    unknown = {**_NOT_HERE, **(_NOT_ON_SEVERAL if hosts > 1 else {})}
    why = next((why for name, why in unknown.items() if name in asked), None)
    if why is None and decoded(hyperparameters.get(_MODEL_PARALLEL, "")) not in ("", {}):
        why = "smdistributed.modelparallel is AWS's library for its NVIDIA instances"
    if why is not None:
        return f"The distribution is not emulated: {why}."
    if _TORCH in asked and _program("torchrun", python) is None:
        return (
            f"The distribution torch_distributed needs torchrun: install torch for {python} (pip install torch), or start the "
            "emulator with another Python: sm-tuning emulator start -- --python PATH."
        )
    if _MPI in asked and _program("mpirun", python) is None:
        return f"The distribution mpi needs mpirun (Debian's openmpi-bin, and mpi4py for {python}), which this machine lacks."
    return None


def _program(name: str, python: str) -> str | None:
    """The path of a program that lies beside an interpreter, or in PATH."""
    return shutil.which(name, path=str(Path(python).parent)) or shutil.which(name)


def launch(
    argv: Sequence[str], entry: str, machine: Machine, hyperparameters: Mapping[str, str], variables: Sequence[str]
) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The command that starts a script as its distribution wants it, and what that needs in the environment.

    `argv` is the command without a distribution, which is also that of hosts outside its instance groups; `variables` are the names
    of those that the toolkit sets. Raises RunError.
    """
    parameters = framework_parameters(hyperparameters)
    hosts, current = distribution_hosts(machine.resources, hyperparameters), machine.resources["current_host"]
    processes = processes_on(machine, hyperparameters)
    if processes is None:
        return tuple(argv), {}
    network = {"NCCL_SOCKET_IFNAME": machine.resources["network_interface_name"]}
    if parameters.get(_MPI):
        return mpi.launch(argv, hosts, current, processes, parameters, [*variables, *network]), network
    if argv[1] != entry:
        package = argv[1] == "-m"
        raise RunError(
            "AlgorithmError: Python packages are not supported for torch_distributed. Please use a python script as the entry-point, "
            "exit code: 1"
            if package
            else "AlgorithmError: Unsupported entry point type for torch_distributed, exit code: 1"
        )
    of_several = ["--master_addr", hosts[0], "--master_port", _MASTER_PORT, "--node_rank", str(hosts.index(current))]
    options = ["--nnodes", str(len(hosts)), "--nproc_per_node", str(processes), *(of_several if len(hosts) > 1 else [])]
    return ("torchrun", *options, *argv[1:]), {**network, "NCCL_PROTO": "simple"}


def processes_on(machine: Machine, hyperparameters: Mapping[str, str]) -> int | None:
    """How many processes a distribution starts on a host; None if none is asked for, or it leaves the host out. Raises RunError."""
    parameters = framework_parameters(hyperparameters)
    included = machine.resources["current_host"] in distribution_hosts(machine.resources, hyperparameters)
    if not included or not (parameters.get(_TORCH) or parameters.get(_MPI)):
        return None
    processes = parameters.get(_PROCESSES) or machine.gpus or 1
    if not isinstance(processes, int):
        raise RunError(f"AlgorithmError: Framework Error: \n{_PROCESSES} is {processes!r}; it must be a number, exit code: 1")
    return processes


def refused_driver(script: str) -> str | None:
    """Why the script by which SDK 3 starts its drivers cannot be run on this machine; None if it can."""
    if _SSHD_DRIVER not in script:
        return None
    return (
        "The MPI driver of the SageMaker SDK 3 is not emulated: it starts an sshd on port 22 and writes to /etc/environment, which "
        "are this machine's here. Use its Torchrun driver, or script mode with the hyperparameter sagemaker_mpi_enabled, as the SDK 2 "
        "sends it for distribution={'mpi': {'enabled': True}}."
    )


def of_image(image: str, machine: Machine) -> Mapping[str, str]:
    """What AWS's PyTorch images add to the environment of every script, with a distribution or without."""
    if "pytorch" not in image.rpartition("/")[2]:
        return {}
    return {
        "MASTER_ADDR": machine.resources["hosts"][0],
        "MASTER_PORT": _MASTER_PORT,
        "NCCL_SOCKET_IFNAME": machine.resources["network_interface_name"],
        "NCCL_IB_DISABLE": "1",
        "NCCL_DEBUG": "WARN",
    }
