"""A run's program is started as a shell would start it, or it is said why it cannot be."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from local_emulator.runs import program
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.program import ExecutedProgram, StartError
from local_emulator.runs.run import Cause, Command, Run

Start = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "runs" / "abc")
    folder.make()
    return folder


@pytest.fixture
def start(folder: RunFolder) -> Start:
    """The exit code and the output of a program, once it has ended."""

    def begin(*argv: str, cwd: str | None = None, **env: str) -> tuple[int, str]:
        reading, writing = os.pipe()
        run = Run(id="abc", folder=folder.path, program=Command(argv=argv, cwd=cwd), env=env, disk_limit=1 << 20)
        try:
            started = program.start(run, folder, writing, -1)
        finally:
            os.close(writing)
            with open(reading, "rb") as output:  # noqa: PTH123 - a descriptor
                printed = output.read()
        assert isinstance(started, ExecutedProgram)
        return os.waitstatus_to_exitcode(started.reap()[0]), printed.decode()

    return begin


def test_it_has_the_runs_environment_and_marker_alone(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_EMULATOR", "secret")
    assert start("/usr/bin/env", A="1", B="x y") == (0, f"A=1\nB=x y\n{MARKER}=abc\n")


def test_it_begins_at_home_or_in_its_code(start: Start, folder: RunFolder, tmp_path: Path) -> None:
    assert start("/bin/pwd")[1] == f"{folder.home}\n"
    assert start("/bin/pwd", cwd=str(tmp_path))[1] == f"{tmp_path}\n"


def test_both_its_streams_are_its_output_and_it_reads_nothing(start: Start) -> None:
    assert start("/bin/sh", "-c", "echo out; echo err >&2; cat; exit 3") == (3, "out\nerr\n")


def test_it_leads_a_group_and_has_limits(start: Start) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    code, printed = start("/bin/sh", "-c", "ulimit -c; ulimit -f; umask; cut -d' ' -f1,5,6 /proc/$$/stat")
    core, size, umask, group = printed.splitlines()
    assert (code, core, size, umask) == (0, "0", str((1 << 20) // 512), "0022")
    assert len(set(group.split())) == 1, "process, group and session"
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before


@pytest.mark.parametrize(
    ("content", "mode", "code", "text"),
    [
        (None, 0, 127, "No such file or directory"),
        (b"#!/bin/sh\n", 0o600, 126, "Permission denied"),
        (b"\x00no program", 0o700, 126, "Exec format error"),
    ],
)
def test_what_cannot_be_started_is_named_with_a_shells_code(
    content: bytes | None, mode: int, code: int, text: str, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "program"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(StartError) as refused:
        start(str(path))
    assert str(refused.value) == f"ClientError: The program cannot be started: {path}: {text}"
    assert refused.value.code == code


def test_a_program_is_looked_for_in_the_runs_own_path(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "mine").chmod(0o700)
    assert start("mine", PATH=str(tmp_path)) == (0, "mine\n")
    with pytest.raises(StartError, match="No such file or directory"):
        start("mine", PATH="/bin")


def test_a_run_that_was_asked_to_stop_meanwhile_is_not_started(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    server = str(folder.path / "no-server")
    run = Run(id="abc", folder=folder.path, program=Command(argv=("/bin/false",)), fork_server=server)
    folder.stop.write_text(Cause.STOP.value)
    assert program.start(run, folder, 1, -1) is None
    assert capsys.readouterr().err == "not forked: its server is not ready\n"
