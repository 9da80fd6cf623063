"""What `mpirun` wants to be run on another host is run there, and ends there."""

import subprocess
import sys
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
            [sys.executable, _REMOTE, "serve", host], capture_output=True, text=True, check=False, timeout=120
        )
        assert (asking.result().returncode, served.returncode) == (code, code)
    assert served.stdout == ("said\n" if code else "")
