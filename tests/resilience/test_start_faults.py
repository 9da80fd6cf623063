"""What keeps the emulator from starting is told in one sentence with its remedy and the documented exit code; nothing is lost.

Each fault is tried in this process, which is fast; those that need limits or mounts of their own: test_start_limits.py.
"""

import importlib.util
import os
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_emulator import command, serving
from local_emulator.api.proxy import Authority
from local_emulator.failures import DEBUG, explain
from local_emulator.state_folder import StateLock
from tests.conftest import ROOT
from tests.resilience.starting import PYTHON, a_state, cut, one_sentence, with_blob

pytestmark = pytest.mark.really_starts  # starting is what may fail


class _StartedError(BaseException):
    """It has started after all."""


@dataclass(frozen=True)
class Fault:
    """Words after `serve`, or what was done to the state folder before; then the exit code, and what is said, as an expression."""

    code: int
    said: str
    words: tuple[str, ...] = ()
    before: Callable[[Path], object] = lambda _: None
    state: str = "state"


def usage(said: str, *words: str) -> Fault:
    return Fault(2, said, words)


# --- what can be done to a state folder -------------------------------------------------------------------------------------


def written(name: str, content: bytes, *, position: int | None = None) -> Callable[[Path], None]:
    """A state with a file of it written anew, or in part."""

    def do(state: Path) -> None:
        a_state(state)
        whole = (state / name).read_bytes() if position is not None else b""
        index = position or 0
        (state / name).write_bytes(whole[:index] + content + whole[index + len(content) :])

    return do


def removed(name: str) -> Callable[[Path], None]:
    def do(state: Path) -> None:
        a_state(state)
        (state / name).unlink()

    return do


def a_folder(name: str) -> Callable[[Path], None]:
    def do(state: Path) -> None:
        a_state(state)
        (state / name).unlink(missing_ok=True)
        (state / name).mkdir()

    return do


def a_file(name: str) -> Callable[[Path], None]:
    def do(state: Path) -> None:
        a_state(state)
        shutil.rmtree(state / name, ignore_errors=True)
        (state / name).write_bytes(b"")

    return do


def certificate(**contents: bytes) -> Callable[[Path], None]:
    def do(state: Path) -> None:
        a_state(state)
        Authority(state)
        for name, content in contents.items():
            (state / f"{name.replace('_', '-')}.pem").write_bytes(content)

    return do


def a_thesis(state: Path) -> None:
    state.mkdir()
    (state / "thesis.tex").touch()


def newer(state: Path) -> None:
    a_state(state)
    with sqlite3.connect(state / "jobs.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


RECOVER = r"it was left as it is\. .*python -m local_emulator recover --state "
CA = r"ca\.pem and ca-key\.pem beside it are not the certificate and key that this program has made; remove both"

FAULTS: dict[str, Fault] = {
    # options
    "port above 65535": usage(r"argument --port: '99999' must be a whole number from 0 to 65535", "--port", "99999"),
    "port below 0": usage(r"--port", "--port=-1"),
    "port that is no number": usage(r"'http' must be a whole number", "--port", "http"),
    "parallel 0": usage(r"argument --parallel: '0' must be a whole number of at least 1", "--parallel", "0"),
    "parallel 1.5": usage(r"'1.5' must be a whole number", "--parallel", "1.5"),
    "threads 0": usage(r"argument --threads: '0'", "--threads", "0"),
    "stop grace nan": usage(r"'nan': the number must be 0 or more, and finite", "--stop-grace", "nan"),
    "stop grace below 0": usage(r"--stop-grace", "--stop-grace=-1"),
    "idle exit inf": usage(r"'inf': the number", "--idle-exit", "inf"),
    "idle exit soon": usage(r"'soon': the number", "--idle-exit", "soon"),
    "quota nan": usage(r"'training-jobs=nan': the number", "--quota", "training-jobs=nan"),
    "quota without a number": usage(r"'training-jobs': the number", "--quota", "training-jobs"),
    "quota with a fraction": usage(r"--quota training-jobs=1.5: it must be a whole number", "--quota", "training-jobs=1.5"),
    "quota of nothing": usage(r"--quota rockets: it must be an instance type", "--quota", "rockets=1"),
    "fault of nothing": usage(r"--fault fire: it must be one of capacity, ", "--fault", "fire=1"),
    "fault above 1": usage(r"--fault throttle=2: it must be within 0 and 1", "--fault", "throttle=2"),
    "fault nan": usage(r"'throttle=nan': the number", "--fault", "throttle=nan"),
    "image without a stand-in": usage(r"must be PATTERN=COMMAND", "--image", "sklearn"),
    "image with a quote that stays open": usage(r"No closing quotation", "--image", "a=sh -c 'x"),
    "image with a program that is not there": usage(r"there is no program 'no-such-program'", "--image", "a=no-such-program --x"),
    "image with a Python that is none": usage(r"/no/python is no interpreter", "--image", "a=python:/no/python"),
    "image with a Python of no path": usage(r"is no interpreter", "--image", "a=python:"),
    "image of no name": usage(r"'-rf' is no name of an image", "--image", "a=docker:-rf"),
    "python that is not there": usage(r"/no/python is no interpreter", "--python", "/no/python"),
    "python that is a text": usage(r"is no interpreter", "--python", str(ROOT / "pyproject.toml")),
    "gpus that are none": usage(r"'a GPU' must be a GPU's number", "--gpus", "a GPU"),
    "gpus below 0": usage(r"'-1' must be a GPU's number", "--gpus=-1"),
    "gpus that are empty": usage(r"names no GPU; say none", "--gpus", ","),
    "gpus twice": usage(r"names a GPU twice", "--gpus", "0,0"),
    "region that is none": usage(r"'Ireland' must be the name of a region", "--region", "Ireland"),
    "S3 that is no URL": usage(r"'minio:9000' must be a URL", "--s3-endpoint", "minio:9000"),
    "S3 with a port that is none": usage(r"must be a URL", "--s3-endpoint", "http://minio:x"),
    "executor without a scheduler": usage(r"--executor dask and --scheduler ADDRESS go together", "--executor", "dask"),
    "executor that is none": usage(r"invalid choice: 'slurm'", "--executor", "slurm"),
    "option that is none": usage(r"unrecognized arguments: --nonsense", "--nonsense"),
    "user that is none": Fault(1, r"no-such-user", ("--allow-user", "no-such-user")),
    "state without a name": usage(r"'' must be the path of a folder", "--state", ""),
    "host that is none": Fault(3, r"cannot listen on no\.such\.host\.invalid port 0", ("--host", "no.such.host.invalid")),
    "host of another machine": Fault(3, r"cannot listen on 192\.0\.2\.1 port 0", ("--host", "192.0.2.1")),
    # the state folder
    "state that is a file": Fault(1, r"the state folder .* is a file; choose another", before=lambda state: state.write_bytes(b"")),
    "state below a file": Fault(1, r"Not a directory; choose another", before=lambda state: state.touch(), state="state/s"),
    "state that is too long": Fault(1, r"File name too long; choose a shorter one", state="x" * 300),
    "state that is a loop": Fault(2, r"and leads in a circle", before=lambda state: state.symlink_to(state)),
    "state that holds something else": Fault(
        1, r"holds something else \(thesis\.tex\) and no state", before=a_thesis
    ),
    "lock that is a folder": Fault(1, r"emulator\.lock: Is a directory; remove it", before=a_folder("emulator.lock")),
    "runs that are a file": Fault(1, r"runs: File exists; remove it", before=a_file("runs")),
    "blobs that are a file": Fault(1, r"blobs: File exists; remove it", before=a_file("blobs")),
    "wakeup that is a folder": Fault(1, r"wakeup: Is a directory; remove it", before=a_folder("wakeup")),
    # the databases
    "jobs of 0 bytes": Fault(1, r"jobs\.sqlite is empty, though its content is there; " + RECOVER, before=cut("jobs.sqlite", 0)),
    "jobs cut": Fault(1, r"jobs\.sqlite is damaged .*" + RECOVER, before=cut("jobs.sqlite", 9000)),
    "jobs of which a page is zero": Fault(1, RECOVER, before=written("jobs.sqlite", bytes(4096), position=8192)),
    "jobs whose head is zero": Fault(1, RECOVER, before=written("jobs.sqlite", bytes(100), position=0)),
    "jobs that are text": Fault(1, r"file is not a database.*" + RECOVER, before=written("jobs.sqlite", b"no database at all " * 99)),
    "jobs that are a folder": Fault(1, r"jobs\.sqlite is damaged .*it is no file", before=a_folder("jobs.sqlite")),
    "jobs that are gone": Fault(1, r"jobs\.sqlite is empty, though", before=removed("jobs.sqlite")),
    "jobs of a newer version": Fault(1, r"was written by a newer version of this program \(schema 99", before=newer),
    "S3 of 0 bytes": Fault(1, r"s3\.sqlite is empty, though its content is there; " + RECOVER, before=cut("s3.sqlite", 0)),
    "S3 cut": Fault(1, r"s3\.sqlite is damaged .*" + RECOVER, before=cut("s3.sqlite", 9000)),
    "S3 of which a page is zero": Fault(1, RECOVER, before=written("s3.sqlite", bytes(4096), position=8192)),
    "S3 that is gone": Fault(1, r"s3\.sqlite is empty, though", before=removed("s3.sqlite")),
    "blob that is gone": Fault(1, r"the content of 1 objects is missing .*recover", before=with_blob(Path.unlink)),
    "blob that is cut": Fault(1, r"is not whole .*recover", before=with_blob(lambda blob: os.truncate(blob, 1))),
    # the certificate
    "certificate of garbage": Fault(1, CA, before=certificate(ca=b"garbage", ca_key=b"garbage")),
    "certificate that is empty": Fault(1, CA, before=certificate(ca=b"", ca_key=b"")),
    "key of garbage": Fault(1, CA, before=certificate(ca_key=b"-----BEGIN PRIVATE KEY-----\n\xff\n-----END PRIVATE KEY-----\n")),
}  # fmt: skip


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """A function that runs `serve` until it would listen for requests: the exit code, and what was said on standard error."""

    def started(*_: object) -> None:
        raise _StartedError

    monkeypatch.setattr(serving, "_run", started)

    def run(*words: str, state: Path = tmp_path / "state") -> tuple[int, str]:
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            code = command.main(["serve", "--port", "0", "--state", str(state), *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_start(name: str, tmp_path: Path, serve: Callable[..., tuple[int, str]]) -> None:
    fault = FAULTS[name]
    fault.before(tmp_path / "state")
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.sqlite") if path.is_file()}
    blobs = set(tmp_path.rglob("blobs/*/*"))
    code, said = serve(*fault.words, state=tmp_path / fault.state)
    assert (code, bool(re.search(fault.said, said))) == (fault.code, True), said
    one_sentence(said)
    assert {path: path.read_bytes() for path in kept} == kept
    assert set(tmp_path.rglob("blobs/*/*")) >= blobs


def test_a_state_that_is_whole_starts(tmp_path: Path, serve: Callable[..., tuple[int, str]]) -> None:
    a_state(tmp_path / "state")
    with pytest.raises(_StartedError):
        serve("--python", PYTHON, "--image", f"a={PYTHON} -m x", "--gpus", "0,GPU-1a", "--quota", "ml.m5.large=2")
    with pytest.raises(_StartedError):
        serve()


def test_a_port_and_a_state_that_are_taken(tmp_path: Path, serve: Callable[..., tuple[int, str]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = serve("--port", str(port := taken.getsockname()[1]))
    assert code == 3
    assert (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another with --port (0 takes a free one)" in said
    )
    with StateLock(tmp_path / "other"):
        code, said = serve(state=tmp_path / "other")
    assert code == 3
    assert f"is in use by the emulator at an address not known yet (process {os.getpid()})" in said


@pytest.mark.parametrize("name", serving._NEEDED)
def test_a_package_that_is_missing(name: str, serve: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda asked: None if asked == name else importlib.util.find_spec(asked))
    assert serve() == (1, f"local_emulator: {name} is not installed: pip install 'sm-tuning[emulator]'\n")


@pytest.mark.parametrize("allowed", range(2))
def test_no_more_threads(allowed: int, serve: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        begun.append(thread)
        if len(begun) > allowed:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    code, said = serve()
    assert code == 1
    assert "no more processes or threads can be started; end some, or raise the limits (ulimit -u" in said
    one_sentence(said)


def test_no_folder_for_temporary_files(serve: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/no/such/folder"])
    try:
        assert explain(_raised(tempfile.gettempdir)).endswith("set TMPDIR to a folder that can be written")
    finally:
        monkeypatch.undo()
        tempfile.gettempdir()


def _raised(work: Callable[[], Any]) -> Exception:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError(work)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "there is not enough memory; close other programs, or raise the limit (ulimit -v)"),
        (BlockingIOError(11, "Resource temporarily unavailable"), "no more processes or threads can be started"),
        (OSError(24, "Too many open files"), "too many files are open; raise the limit (ulimit -n)"),
        (OSError(28, "No space left on device", "/s/run-key"), "/s/run-key: No space left on device; make room there"),
        (
            PermissionError(13, "Permission denied", "/s"),
            "/s: Permission denied; give yourself the right, or choose another folder",
        ),
        (OSError(30, "Read-only file system", "/s"), "choose a folder that can be written with --state"),
        (ImportError("libx.so: failed to map", name="numpy.core"), "numpy cannot be imported (libx.so: failed to map)"),
        (
            KeyError("x"),
            "this is a fault of the emulator itself (KeyError: 'x'); set SM_TUNING_DEBUG=1 for the traceback, and report it",
        ),
    ],
)
def test_what_an_error_means(error: Exception, said: str) -> None:
    assert said in explain(error)


def test_the_traceback_is_there_for_who_asks(
    tmp_path: Path, serve: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_bytes(b"")
    monkeypatch.setenv(DEBUG, "1")
    assert "Traceback" in serve()[1]
