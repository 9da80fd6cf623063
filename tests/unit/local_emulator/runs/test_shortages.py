"""This machine is short of something for a moment: nothing is left out, blamed on the user, or taken for over."""

import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_emulator.domain.spec import S3DataSource
from local_emulator.runs import forks, layers, relay
from local_emulator.runs.data.channels import ChannelCache, copy_channel
from local_emulator.runs.data.output_files import output_files
from local_emulator.runs.process import environment, open_files
from local_emulator.runs.spawner import _Options, _Spawner
from local_emulator.runs.staging import failures_as_reasons
from tests.unit.local_emulator.runs.data.test_channels import Bucket

FILES = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def short(*_: object, **__: object) -> Any:
    raise FILES


def few_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder below a run's `ml` cannot be listed."""
    inner = folder / "ml" / "model" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: short() if os.fspath(path).endswith("inner") else scandir(path))


def copy_code(folder: Path) -> None:
    with failures_as_reasons(folder):
        shutil.copytree(folder / "ml", folder / "code")


@pytest.mark.parametrize(
    "read",
    [
        lambda folder: copy_channel(folder / "ml", folder / "copy"),
        lambda folder: list(output_files(folder / "ml" / "model")),
        copy_code,
    ],
)
def test_no_folder_is_left_out(read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_files(tmp_path, monkeypatch)
    with pytest.raises(OSError, match="Too many open files") as raised:
        read(tmp_path)
    assert raised.value.errno == errno.EMFILE, "it is tried again"


def test_a_channel_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket({"digits/a": b"1"})
    cache = ChannelCache(tmp_path / "channels", bucket)
    monkeypatch.setattr(bucket, "download", short)
    with pytest.raises(OSError, match="Too many open files"):
        cache.fetch(S3DataSource(s3_uri="s3://box/digits"))
    monkeypatch.undo()
    assert (cache.fetch(S3DataSource(s3_uri="s3://box/digits")) / "a").read_bytes() == b"1"


@pytest.mark.parametrize(("number", "hidden"), [(errno.EMFILE, False), (errno.ESRCH, True), (errno.EACCES, True)])
def test_what_cannot_be_looked_at_is_not_over(
    number: int,
    hidden: bool,  # noqa: FBT001 - a column
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Path) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "read_bytes", fail)
    monkeypatch.setattr(Path, "iterdir", fail)
    if hidden:
        assert (environment(1), open_files(1)) == (b"", [])
        return
    for look in (environment, open_files):
        with pytest.raises(OSError, match="Too many open files"):
            look(1)


def test_a_fork_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([errno.EAGAIN, errno.ENOMEM, 0])

    def fork() -> int:
        if number := next(answers):
            raise OSError(number, os.strerror(number))
        return 42

    monkeypatch.setattr(os, "fork", fork)
    assert forks.fork() == 42


def test_a_spawner_outlives_a_fork_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With it all runs would end that are not to outlive their emulator."""
    monkeypatch.setattr(forks, "_WITHIN", 0.0)
    monkeypatch.setattr(os, "fork", lambda: (_ for _ in ()).throw(BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))))
    spawner = _Spawner(_Options())
    spawner._fork(tmp_path / "run")
    assert spawner.running == {}
    assert "no supervisor for run: [Errno 11] Resource temporarily unavailable" in capsys.readouterr().err


def test_a_connection_waits_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    start, passed = threading.Thread.start, threading.Event()
    tries: list[int] = []

    def begin(thread: threading.Thread) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", begin)
    nothing: Any = None
    relay._begin(lambda _: passed.set(), nothing)
    assert passed.wait(60)


def test_an_interpreter_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("")
    python.chmod(0o755)
    monkeypatch.setattr(subprocess, "run", short)
    for _ in range(2):
        with pytest.raises(OSError, match="Too many open files"):
            layers.interpreter(str(python))
