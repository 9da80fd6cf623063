"""What `mpirun` wants to be run on another host is run there, and ends there."""

import os
import socket
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_emulator.runs import addresses
from local_emulator.runs.mpi import _REMOTE


@pytest.mark.parametrize(("command", "code"), [(["echo", "said", "&&", "exit", "3"], 3), (["true"], 0)])
def test_a_command_is_run_by_the_host_that_is_asked(command: list[str], code: int) -> None:
    with (block := addresses.take("remote", 1)).held, ThreadPoolExecutor(1) as threads:
        host = block.address(1)
        asking = threads.submit(
            lambda: subprocess.run([sys.executable, _REMOTE, "ask", host, *command], check=False, timeout=120)
        )
        served = subprocess.run(
            [sys.executable, _REMOTE, "serve", host, "algo-1"], capture_output=True, text=True, check=False, timeout=120
        )
        assert (asking.result().returncode, served.returncode) == (code, code)
    assert served.stdout == ("said\n" if code else "")


def test_a_host_that_is_never_asked_ends_with_the_first() -> None:
    """mpirun starts no daemon where it has no process."""
    with (block := addresses.take("unasked", 1)).held:
        environment = {**os.environ, "SM_EMULATOR_RUN": uuid.uuid4().hex}
        first = {**environment, "SM_CURRENT_HOST": "algo-1"}
        with subprocess.Popen(["sleep", "2.5"], env=first) as mpirun:  # seen once before it ends
            command = [sys.executable, str(_REMOTE), "serve", block.address(1), "algo-1"]
            served = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
            assert mpirun.poll() == 0
    assert served.returncode == 0
    assert served.stdout.startswith("mpirun has ended on algo-1")


def test_nobody_else_is_served() -> None:
    with (block := addresses.take("stranger", 1)).held, ThreadPoolExecutor(1) as threads:
        host = block.address(1)
        own, other = ({**os.environ, "SM_EMULATOR_RUN": run} for run in ("own", "other"))
        command = [sys.executable, str(_REMOTE), "serve", host, "algo-1"]
        served = threads.submit(
            lambda: subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=120)
        )
        asking = [sys.executable, str(_REMOTE), "ask", host, "echo", "run"]
        assert subprocess.run(asking, env=other, check=False, timeout=120).returncode == 1
        for nonsense in (b"", b"{\n", b"3\n", b"\xff\n", b"[" * 100_000 + b"\n"):
            with socket.create_connection((host, 7022)) as connection:
                connection.sendall(nonsense)
        assert subprocess.run(asking, env=own, check=False, timeout=120).returncode == 0
        assert served.result().stdout == "run\n"
