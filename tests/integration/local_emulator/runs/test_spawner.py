"""The process that forks supervisors: they outlive it, unless there is an owner whom they must not outlive."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_emulator.runs.folder import RunFolder
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Command, Run, RunState
from tests.conftest import ROOT, until

pytestmark = pytest.mark.really_starts  # of this program

Spawn = Callable[..., "subprocess.Popen[bytes]"]
WITHIN = 60.0  # seconds


@pytest.fixture
def new_run(tmp_path: Path) -> Iterator[Callable[..., RunFolder]]:
    folders: list[RunFolder] = []

    def make(*argv: str) -> RunFolder:
        folder = RunFolder(tmp_path / "state" / "runs" / os.urandom(16).hex())
        folder.make()
        (folder.ml / "model").mkdir(parents=True)
        folder.save_run(Run(id=folder.path.name, folder=folder.path, program=Command(argv=argv), disk_floor=0))
        folders.append(folder)
        return folder

    yield make
    for folder in folders:
        ProcessExecutor(wakeup=None).kill(folder.path)


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    processes: list[subprocess.Popen[bytes]] = []

    def start(pass_fds: tuple[int, ...] = (), **options: object) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "local_emulator.runs.spawner", json.dumps(options)]
        processes.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, pass_fds=pass_fds))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def say(spawner: "subprocess.Popen[bytes]", text: bytes) -> None:
    assert spawner.stdin is not None
    spawner.stdin.write(text)
    spawner.stdin.flush()


def line(folder: RunFolder) -> bytes:
    return json.dumps(str(folder.path)).encode() + b"\n"


def test_a_supervisor_for_each_line_however_the_lines_arrive(
    spawn: Spawn, new_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "wakeup")
    wakeup = os.open(tmp_path / "wakeup", os.O_RDWR | os.O_NONBLOCK)
    spawner = spawn(wakeup=str(tmp_path / "wakeup"))
    first, second = new_run("true"), new_run("sh", "-c", "exit 3")
    whole = line(first) + line(second)
    say(spawner, whole[:20])
    say(spawner, whole[20:-1])
    until(lambda: first.state() is RunState.EXITED)
    assert second.state() is RunState.NEW, "its line has not ended"
    say(spawner, b"\n")
    until(lambda: second.state() is RunState.EXITED)
    ended = second.read_exit()
    assert ended is not None
    assert ended.code == 3
    assert os.read(wakeup, 1000), "whoever waits was woken"
    os.close(wakeup)


def test_runs_go_on_after_its_end(spawn: Spawn, new_run: Callable[..., RunFolder]) -> None:
    spawner = spawn()
    folder = new_run("sleep", "600")
    say(spawner, line(folder))
    until(lambda: folder.state() is RunState.RUNNING)
    assert spawner.stdin is not None
    spawner.stdin.close()
    assert spawner.wait(WITHIN) == 0
    assert folder.state() is RunState.RUNNING


@pytest.mark.parametrize("how", ["null", "end of input", "death of the owner"])
def test_runs_do_not_outlive_an_owner(spawn: Spawn, new_run: Callable[..., RunFolder], tmp_path: Path, how: str) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        descriptor = os.pidfd_open(owner.pid)
        spawner = spawn((descriptor,), owner=descriptor, folder=str(tmp_path / "state"))
        os.close(descriptor)
        folder = new_run("sleep", "600")
        say(spawner, line(folder))
        until(lambda: folder.state() is RunState.RUNNING)
        assert spawner.stdin is not None
        if how == "null":
            say(spawner, b"null\n")
        elif how == "end of input":
            spawner.stdin.close()
        else:
            owner.send_signal(signal.SIGKILL)
        assert spawner.wait(WITHIN) == 0
        owner.kill()
    assert folder.state() is not RunState.RUNNING
    assert (tmp_path / "state").exists() is (how == "null"), "whoever says null removes it"
