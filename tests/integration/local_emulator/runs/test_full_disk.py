"""A disk that fills while a run goes on, by whoever's doing."""

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data.appender import Appender
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Cause, Command, Run, RunState
from tests.conftest import until

FILLS = """
import sys, time
print('x=1', flush=True)
time.sleep(0.3)
with open(sys.argv[1], 'wb', buffering=0) as file:
    try:
        while True: file.write(bytes(4096))
    except OSError:
        pass
while True: print('x=2', 'y' * 1000, flush=True)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_run_whose_log_cannot_be_written_ends_for_the_disk(small_disk: Path) -> None:
    folder = RunFolder(small_disk / "runs" / os.urandom(16).hex())
    (folder.ml / "model").mkdir(parents=True)
    run = Run(
        id=folder.path.name,
        folder=folder.path,
        program=Command(argv=(sys.executable, "-c", FILLS, str(folder.ml / "big"))),
        env={},
        metrics=(MetricDefinition(name="x", regex="x=([0-9.]+)"),),
        disk_floor=0,
    )
    folder.save_run(run)
    executor = ProcessExecutor(wakeup=None)
    try:
        executor.start(run)
        until(lambda: executor.state(folder.path) not in {RunState.NEW, RunState.RUNNING})
    finally:
        executor.close()
    ended = folder.read_exit()
    assert ended is not None, "the disk was full to its last byte; what says how the run ended has its space reserved"
    assert (ended.cause, ended.message[:40]) == (Cause.DISK, "ClientError: No space left on device: th")
    assert read_metrics(folder, 0)[0][0].value == 1.0


def test_what_did_not_fit_is_written_once_there_is_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, room = os.write, [3]

    def into_little_room(file: int, content: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = write(file, content[: room[0]])
        room[0] -= taken
        return taken

    monkeypatch.setattr(os, "write", into_little_room)
    appender = Appender(tmp_path / "log")
    appender.write(b"first\n")
    appender.write(b"second\n")
    full = [appender.full]
    assert (tmp_path / "log").read_bytes() == b"fir"
    room[0] = 100
    appender.write(b"third\n")
    full.append(appender.full)
    assert full == [True, False]
    appender.close()
    assert (tmp_path / "log").read_bytes() == b"first\nsecond\nthird\n"


def test_a_disk_that_is_full_before_the_program_starts_is_the_runs_end(small_disk: Path, tmp_path: Path) -> None:
    folder = RunFolder(small_disk / "runs" / os.urandom(16).hex())
    program = Command(argv=("touch", str(tmp_path / "began")))
    folder.save_run(Run(id=folder.path.name, folder=folder.path, program=program, disk_floor=0))
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        filler.truncate(filler.tell() - 4096)  # too little for what a supervisor reserves, enough to say how the run ended
    executor = ProcessExecutor(wakeup=None)
    try:
        executor._hand_over(folder.path)
        until(lambda: executor.state(folder.path) is RunState.EXITED)
    finally:
        executor.close()
    ended = folder.read_exit()
    assert ended is not None
    assert (ended.cause, ended.code) == (Cause.DISK, 1)
    assert ended.message == "ClientError: No space left on device: the job's log or metrics cannot be written"
    assert not (tmp_path / "began").exists()
