"""MPI over the hosts of a run: `mpirun` on the first, which starts its daemons on the others."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_OPTIONS = "sagemaker_mpi_custom_mpi_options"
_PROCESSES = "sagemaker_mpi_num_processes"
_REMOTE = Path(__file__).with_name("remote.py")


def launch(
    argv: Sequence[str],
    hosts: Sequence[str],
    current: str,
    processes: int,
    parameters: Mapping[str, Any],
    variables: Sequence[str],
) -> tuple[str, ...]:
    """What a host runs: the first `mpirun`, as the training toolkit calls it; the others what its agent speaks with in place of sshd.

    `processes` is their number on each host, `argv` the command of one of them; each gets the first host's `variables`.
    """
    python = argv[0] if argv[0] != "/bin/sh" else "python3"
    if current != hosts[0]:
        return (python, str(_REMOTE), "serve", current, hosts[0])
    slots = [f"{host}:{processes}" if processes > 1 else host for host in hosts] if len(hosts) > 1 else [f"localhost:{processes}"]
    network = [*_mca("btl_tcp_if_include", "lo"), *_mca("oob_tcp_if_include", "lo")]
    # A daemon that left its session would end with the program of its host, which is that session.
    attached = ["--leave-session-attached", *_mca("plm_rsh_agent", shlex.join([python, str(_REMOTE), "ask"]))]
    command = [
        "mpirun",
        *("--host", ",".join(slots), "-np", str(parameters.get(_PROCESSES) or processes * len(hosts))),
        *("--allow-run-as-root", "--display-map", "--tag-output"),
        *network,
        *_mca("plm_rsh_no_tree_spawn", "1"),
        *(attached if len(hosts) > 1 else []),
        *("-bind-to", "none", "-map-by", "slot"),
        *(*_mca("pml", "ob1"), *_mca("btl", "^openib"), *_mca("orte_abort_on_non_zero_status", "1")),
        *_mca("btl_vader_single_copy_mechanism", "none"),
        *(word for name in ("PATH", *variables) for word in ("-x", name)),
        *shlex.split(str(parameters.get(_OPTIONS) or "")),
    ]
    script = argv if argv[0] == "/bin/sh" or argv[1] in {"-c", "-m"} else [python, "-m", "mpi4py", *argv[1:]]
    return (*command, *script)


def _mca(name: str, value: str) -> tuple[str, str, str]:
    return "-mca", name, value
