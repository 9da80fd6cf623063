"""Which runs are forked, and what becomes of runs whose server fails or does not answer."""

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from local_emulator.runs.forkserver.pool import ForkServers
from local_emulator.runs.run import Command, Run
from tests.conftest import until
from tests.integration.local_emulator.runs.forkserver.running import BASE, Runs, end, lines, why_not_forked


def run_of(path: Path) -> Run:
    return Run(id="a" * 32, folder=path, program=Command(argv=(sys.executable, "train.py")), env=BASE, imports=("json",))


def test_each_run_draws_its_own(runs: Runs) -> None:
    script = (
        "import random, uuid, os, multiprocessing, numpy as np\n"
        "for x in (random.random(), np.random.rand(), np.random.default_rng().random(), uuid.uuid4(), os.urandom(8),\n"
        "          bytes(multiprocessing.current_process().authkey)): print(x)"
    )
    first, second, third = (lines(runs.start(script)) for _ in range(3))
    assert len(first) == 6
    for a, b in ((first, second), (second, third), (first, third)):
        assert not set(a) & set(b)


def test_a_run_with_switches_of_python_is_not_forked(runs: Runs) -> None:
    script = "import sys; print(hash('a'), sys.flags.optimize, sys.flags.hash_randomization)"
    for environment in ({"PYTHONHASHSEED": "3"}, {"PYTHONOPTIMIZE": "1"}, {"PYTHONUNBUFFERED": ""}):
        executed, asked = (runs.start(script, forked=forked, env=environment) for forked in (False, True))
        end(asked)
        assert asked.load_run().fork_server is None
        if "PYTHONUNBUFFERED" not in environment:
            assert (lines(executed) == lines(asked)) is ("PYTHONHASHSEED" in environment)


def test_a_run_with_a_file_that_has_the_name_of_a_module_is_not_forked(runs: Runs) -> None:
    files = {
        "train.py": "import json, textwrap; print(json.x, textwrap.__file__)",
        "textwrap.py": "x = 1",
        "json.py": "x = 'mine'",
    }
    executed, refused = (runs.start(files, forked=forked) for forked in (False, True))
    assert lines(executed) == lines(refused)
    assert "has the name of a module" in why_not_forked(refused)


def test_whatever_fails_in_starting_a_server_forks_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert ForkServers(tmp_path / "file").server(run_of(tmp_path)) is None
    run = replace(run_of(tmp_path), program=Command(argv=(str(tmp_path / "no-python"), "train.py")))
    assert ForkServers(tmp_path / "servers").server(run) is None
    failing = Mock(side_effect=BlockingIOError("no process"))
    monkeypatch.setattr(subprocess, "Popen", failing)
    pool = ForkServers(tmp_path / "servers")
    assert [pool.server(run_of(tmp_path)) for _ in range(2)] == [None, None]
    assert failing.call_count == 1  # not tried again at once
    monkeypatch.undo()
    monkeypatch.setattr(socket, "socket", Mock(side_effect=RuntimeError("no sockets")))  # as pytest-socket does
    pool = ForkServers(tmp_path / "servers")
    path = pool.server(run_of(tmp_path))
    assert path is not None
    until(path.exists)
    pool.close()
    assert not path.exists()


def test_many_at_once(runs: Runs) -> None:
    folders = [runs.start(f"import numpy; print('x={number}')") for number in range(20)]
    assert [lines(folder) for folder in folders] == [[f"x={number}"] for number in range(20)]
    expected = {"", "not forked: its server does not answer\n", "not forked: its server is not ready\n"}
    assert {why_not_forked(folder) for folder in folders} <= expected
