"""The supervisor's side: a run is forked, or it is said why not, and nobody waits long."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from local_emulator.runs.forkserver import client
from local_emulator.runs.forkserver.client import ForkedProgram
from local_emulator.runs.forkserver.server.messages import listen, receive, send
from local_emulator.runs.run import Command, Container, Run


def run_of(path: Path) -> Run:
    return Run(id="a" * 32, folder=path, program=Command(argv=(sys.executable, "train.py")), env={"A": "1"}, disk_limit=7)


@dataclass
class Pipes:
    """Where a run's program prints, and what its supervisor is told."""

    output: int
    control: int
    asking: int


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    reading, output = os.pipe()
    control, asking = os.pipe()
    yield Pipes(output, control, asking)
    for descriptor in (reading, output, control, asking):
        os.close(descriptor)


class Server:
    """Answers one supervisor, and keeps what that has said."""

    def __init__(self, path: Path, answer: Mapping[str, Any] | None) -> None:
        self._listener = listen(str(path))
        self._answer = answer
        self.heard: list[Any] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener:
            request, descriptors = receive(connection, 1)
            for descriptor in descriptors:
                os.write(descriptor, b"printed")
                os.close(descriptor)
            self.heard.append(request)
            if self._answer is None:
                return
            send(connection, dict(self._answer))
            while (message := receive(connection)[0]) is not None:
                self.heard.append(message)
                if "over" in message:
                    send(connection, {"status": 256, "memory": 4096})

    def end(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_a_forked_program_is_told_to_go_and_reaped(tmp_path: Path, pipes: Pipes) -> None:
    with subprocess.Popen(["sleep", "600"]) as parent:
        server = Server(tmp_path / "server", {"pid": 77, "parent": parent.pid})
        run = replace(run_of(tmp_path), fork_server=str(tmp_path / "server"))
        program = client.fork(run, pipes.output, pipes.control)
        assert program is not None
        assert program.pid == 77
        assert program.reap() == (256, 4096)
        server.end()
        parent.kill()
    request, *others = server.heard
    assert others == [{"go": True}, {"over": True}]
    assert (request["argv"], request["env"], request["disk_limit"]) == ([sys.executable, "train.py"], {"A": "1"}, 7)
    assert request["cwd"].endswith("/home"), "a program without code begins at home"


@pytest.mark.parametrize(
    ("answer", "why"),
    [({"refused": "json.py lies beside the script"}, "json.py lies"), (None, "its server has ended or begins anew")],
)
def test_a_refusal_is_no_fork_and_is_told(
    tmp_path: Path, pipes: Pipes, answer: Mapping[str, Any] | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(tmp_path / "server", answer)
    run = replace(run_of(tmp_path), fork_server=str(tmp_path / "server"))
    assert client.fork(run, pipes.output, pipes.control) is None
    server.end()
    assert capsys.readouterr().err.startswith(f"not forked: {why}")


def test_a_stop_comes_before_an_answer(tmp_path: Path, pipes: Pipes, capsys: pytest.CaptureFixture[str]) -> None:
    os.write(pipes.asking, b"stop")
    with listen(str(tmp_path / "server")):
        run = replace(run_of(tmp_path), fork_server=str(tmp_path / "server"))
        assert client.fork(run, pipes.output, pipes.control) is None
    assert capsys.readouterr().err == "not forked: it is to stop\n"
    assert (tmp_path / "server").exists(), "the server is not to blame"


def test_what_is_not_to_be_forked_asks_nobody(tmp_path: Path, pipes: Pipes, capsys: pytest.CaptureFixture[str]) -> None:
    container = replace(run_of(tmp_path), fork_server=str(tmp_path / "server"), program=Container(image="i"))
    for run in (run_of(tmp_path), container):
        assert client.fork(run, pipes.output, pipes.control) is None
    assert capsys.readouterr().err == ""


def test_a_program_whose_run_parent_is_gone_was_killed() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    there.close()
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert ForkedProgram(1, gone.pid, here).reap() == (signal.SIGKILL, None)


def test_a_server_that_does_not_answer_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_ANSWERS_WITHIN", 0.05)
    path = tmp_path / "server"
    reading, writing = os.pipe()
    run = replace(run_of(tmp_path), fork_server=str(path))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as other:
        listener.bind(str(path))
        assert client.fork(run, writing, reading) is None  # nobody listens
        listener.listen(0)
        assert client.fork(run, writing, reading) is None  # nobody answers
        assert not path.exists()
        listener.close()
        with socket.socket(socket.AF_UNIX) as full:
            full.bind(str(path))
            full.listen(0)
            other.connect(str(path))
            assert client.fork(run, writing, reading) is None  # there is no room for another connection
            assert path.is_socket()
    os.close(reading)
    os.close(writing)
