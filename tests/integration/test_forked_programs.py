"""What is forked in place of being started is as what is started."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import forked_programs
from tests.conftest import ROOT, until

NAMED = "import sys; from sm_tuning.cli import main; sys.argv[0] = 'named'; main()"
EMULATOR = ["-m", "local_emulator"]
PROGRAMS = [
    (*EMULATOR, "status", "--json"),
    (*EMULATOR, "status", "--nonsense"),
    (*EMULATOR, "serve", "--parallel", "0"),
    (*EMULATOR, "reset"),
    ("-m", "sm_tuning", "--version"),
    ("-c", NAMED, "describe"),
    ("-P", "-m", "local_emulator.runs.data.archive", "none", "target", "temporary"),
]
ASKING = (
    "import json, os, sys; print(json.dumps([sys.argv, sys.path, os.getcwd(), os.getpgid(0) == os.getpid(), dict(os.environ)]))"
)


def run(command: list[str], folder: Path, environment: dict[str, str], **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, env=environment, input="", capture_output=True, text=True, check=False, **options)


def start(*arguments: Any, **options: Any) -> "subprocess.CompletedProcess[str]":
    """The same, really."""
    server = forked_programs.use(None)
    try:
        return run(*arguments, **options)
    finally:
        forked_programs.use(server)


@pytest.mark.parametrize("words", PROGRAMS, ids=" ".join)
def test_a_program_prints_and_ends_as_if_it_was_started(words: tuple[str, ...], tmp_path: Path) -> None:
    environment = {**os.environ, "SM_EMULATOR_STATE": str(tmp_path / "state"), "AWS_SECRET_ACCESS_KEY": "secret"}
    command = [sys.executable, *words]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert hasattr(process, "forked")
        output, errors = process.communicate("", timeout=60)
    started = start(command, tmp_path, environment)
    assert (process.returncode, output, errors) == (started.returncode, started.stdout, started.stderr)


@pytest.mark.parametrize("new_session", [False, True])
def test_arguments_folder_and_environment(tmp_path: Path, *, new_session: bool) -> None:
    """Of a program of ours that is replaced by one that tells."""
    code = f"{ASKING}\nif 0: from sm_tuning.cli import main"
    environment = {"PATH": os.defpath, "A": "ü", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, "one", "two words"]
    forked, started = (
        json.loads(execute(command, tmp_path, environment, start_new_session=new_session).stdout) for execute in (run, start)
    )
    assert forked == started


def test_signals_descriptors_and_its_name() -> None:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "local_emulator.runs.spawner", "{}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[writing]) as process:
        assert hasattr(process, "forked")
        os.close(writing)
        assert process.poll() is None
        shown = Path(f"/proc/{process.pid}/cmdline")
        until(lambda: shown.read_bytes().rstrip(b"\0").split(b"\0") == [word.encode() for word in command])
        assert {int(entry.name) for entry in Path(f"/proc/{process.pid}/fd").iterdir()} >= {0, 1, 2, writing}
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
        assert os.read(reading, 1) == b""
    os.close(reading)


def test_who_asks_and_is_gone_hurts_nobody() -> None:
    server = forked_programs.use(None)
    forked_programs.use(server)
    assert server
    for message in ([], [json.dumps(forked_programs.Request(["-c", "pass"], {}, "/", 0o22, False, [])).encode()]):
        for name in ("small", "large"):
            with server.connect(name) as connection:
                if message:
                    socket.send_fds(connection, message, [0, 1, 2])
    status = [sys.executable, "-m", "local_emulator", "status", "--nonsense"]
    assert subprocess.run(status, capture_output=True, check=False).returncode == 2
    command = [sys.executable, "-m", "local_emulator.runs.spawner", "{}"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
    for name in ("small", "large"):
        server.connect(name).close()
