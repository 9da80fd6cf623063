"""A script is launched as its distribution wants it; what nothing here does is refused by its name."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.runs import distributions
from local_emulator.runs.script_mode import Machine

SCRIPT = ("/env/bin/python", "train.py", "--x", "1")
TORCH, MPI = {"sagemaker_torch_distributed_enabled": "true"}, {"sagemaker_mpi_enabled": "true"}
TWO = {"sagemaker_mpi_num_of_processes_per_host": "2"}


def machine(current: str, *hosts: str, gpus: int = 0) -> Machine:
    """A host of one group; or of the second of two, if it is the last."""
    group = {"instance_group_name": "g", "instance_type": "ml.m5.large", "hosts": list(hosts)}
    resources: dict[str, Any] = {
        "current_host": current,
        "current_group_name": "g",
        "hosts": list(hosts),
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
    return Machine(resources, {}, "/opt/ml", gpus, "us-east-1")


def launched(
    hyperparameters: Mapping[str, str], on: Machine, argv: Sequence[str] = SCRIPT
) -> tuple[tuple[str, ...], Mapping[str, str]]:
    return distributions.launch(argv, "train.py", on, hyperparameters, ["SM_HOSTS"])


def test_without_a_distribution_a_script_is_started_once() -> None:
    assert launched({}, machine("algo-1", "algo-1", "algo-2")) == (SCRIPT, {})


@pytest.mark.parametrize(
    ("hyperparameters", "on", "options"),
    [
        (TORCH, machine("algo-1", "algo-1"), "--nnodes 1 --nproc_per_node 1"),
        (TORCH, machine("algo-1", "algo-1", gpus=4), "--nnodes 1 --nproc_per_node 4"),
        (
            {**TORCH, **TWO},
            machine("algo-2", "algo-1", "algo-2"),
            "--nnodes 2 --nproc_per_node 2 --master_addr algo-1 --master_port 7777 --node_rank 1",
        ),
    ],
)
def test_torchrun(hyperparameters: Mapping[str, str], on: Machine, options: str) -> None:
    argv, environment = launched(hyperparameters, on)
    assert argv == ("torchrun", *options.split(), "train.py", "--x", "1")
    assert environment == {"NCCL_SOCKET_IFNAME": "lo", "NCCL_PROTO": "simple"}


def test_mpirun_runs_on_the_first_host_and_its_daemons_on_the_others() -> None:
    (first, _), (second, _) = (launched({**MPI, **TWO}, machine(host, "algo-1", "algo-2")) for host in ("algo-1", "algo-2"))
    assert first[:5] == ("mpirun", "--host", "algo-1:2,algo-2:2", "-np", "4")
    assert first[-6:] == ("/env/bin/python", "-m", "mpi4py", "train.py", "--x", "1")
    assert " -x PATH -x SM_HOSTS -x NCCL_SOCKET_IFNAME " in " ".join(first)
    assert (second[0], second[2:]) == ("/env/bin/python", ("serve", "algo-2", "algo-1"))
    assert f"-mca plm_rsh_agent /env/bin/python {second[1]} ask " in " ".join(first)


def test_mpirun_on_one_host_needs_no_other() -> None:
    argv, _ = launched({**MPI, "sagemaker_mpi_custom_mpi_options": "-x A=1 --verbose"}, machine("algo-1", "algo-1", gpus=3))
    assert argv[:5] == ("mpirun", "--host", "localhost:3", "-np", "3")
    assert "plm_rsh_agent" not in argv
    assert " -x A=1 --verbose /env/bin/python -m mpi4py train.py " in " ".join(argv)


def test_hosts_of_other_groups_start_the_script_as_any_other() -> None:
    on = machine("algo-1", "algo-1", "algo-2")
    assert launched({**TORCH, "sagemaker_distribution_instance_groups": '["other"]'}, on) == (SCRIPT, {})


@pytest.mark.parametrize(
    ("argv", "hyperparameters", "reason"),
    [
        (("/env/bin/python", "-m", "train"), TORCH, "Python packages are not supported for torch_distributed."),
        (("/bin/sh", "-c", "./train.sh"), TORCH, "Unsupported entry point type for torch_distributed, exit code: 1"),
        (SCRIPT, {**TORCH, "sagemaker_mpi_num_of_processes_per_host": '"many"'}, "per_host is 'many'; it must be a number"),
    ],
)
def test_what_the_toolkit_fails_on_fails(argv: Sequence[str], hyperparameters: Mapping[str, str], reason: str) -> None:
    with pytest.raises(RunError, match=reason):
        launched(hyperparameters, machine("algo-1", "algo-1"), argv)


@pytest.mark.parametrize(
    ("hyperparameters", "hosts", "why"),
    [
        ({}, 2, None),
        ({"sagemaker_mpi_enabled": "false"}, 2, None),
        ({"sagemaker_distributed_dataparallel_enabled": "true"}, 1, "smdistributed.dataparallel"),
        ({"mp_parameters": '{"partitions": 2}'}, 1, "smdistributed.modelparallel"),
        ({"mp_parameters": "{}"}, 1, None),
        ({"sagemaker_pytorch_ddp_enabled": "true"}, 2, "pytorchddp"),
        ({"sagemaker_pytorch_xla_multi_worker_enabled": "true"}, 2, "pytorchxla"),
        ({"sagemaker_parameter_server_enabled": "true"}, 2, "parameter_server"),
        ({"sagemaker_parameter_server_enabled": "true"}, 1, None),
        ({"sagemaker_multi_worker_mirrored_strategy_enabled": "true"}, 2, "multi_worker_mirrored_strategy"),
        (TORCH, 1, "torch_distributed needs torchrun: install torch for /no/python"),
        (MPI, 1, "mpi needs mpirun (Debian's openmpi-bin, and mpi4py for /no/python)"),
    ],
)
def test_what_cannot_be_launched_is_refused_by_its_name(
    hyperparameters: Mapping[str, str], hosts: int, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    problem = distributions.refused(hyperparameters, hosts, "/no/python")
    assert (problem is None) if why is None else (why in str(problem)), problem


def test_pytorchs_images_name_the_master() -> None:
    on = machine("algo-2", "algo-1", "algo-2")
    variables = distributions.of_image("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3-cpu-py311", on)
    assert (variables["MASTER_ADDR"], variables["MASTER_PORT"], variables["NCCL_SOCKET_IFNAME"]) == ("algo-1", "7777", "lo")
    assert distributions.of_image("1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1", on) == {}


def test_processes_on_a_host() -> None:
    on = machine("algo-1", "algo-1", "algo-2", gpus=4)
    assert distributions.processes_on(on, {**TORCH, **TWO}) == 2
    assert distributions.processes_on(on, MPI) == 4
    assert distributions.processes_on(on, TWO) is None


def test_the_driver_of_sdk_3_that_starts_an_sshd_is_refused() -> None:
    line = "$SM_PYTHON_CMD /opt/ml/input/data/sm_drivers/distributed_drivers/{}_driver.py"
    assert distributions.refused_driver(line.format("torchrun")) is None
    assert "Use its Torchrun driver" in str(distributions.refused_driver(line.format("mpi")))
