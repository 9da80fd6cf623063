"""What must hold after each test: nobody wanted to connect to elsewhere, and nothing is left."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from shop import training

from local_emulator.testing import emulated_sagemaker

_HERE = {"127.0.0.1", "::1", "localhost", "0.0.0.0", None, ""}  # waitress looks "0.0.0.0" up
_elsewhere: list[object] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """A canary: Python tells of every connection before it is made, whoever makes it."""
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in _HERE:
        _elsewhere.append((event, host))
        raise ConnectionRefusedError(host)


sys.addaudithook(_watch)


def _children(process: int) -> set[int]:
    below = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            below |= {child} | _children_if_any(child)
    return below


def _children_if_any(process: int) -> set[int]:
    try:
        return _children(process)
    except (FileNotFoundError, ProcessLookupError):
        return set()


def _counts() -> Mapping[str, int]:
    return {
        "processes": len(_children(os.getpid())),
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "folders": len(list(Path(tempfile.gettempdir()).iterdir())),
        "mounts": sum(
            line.split()[4].startswith(tempfile.gettempdir()) for line in Path("/proc/self/mountinfo").read_text().splitlines()
        ),
    }


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder for temporary files that no other worker uses."""
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("temporary"))
    yield
    tempfile.tempdir = before[0]
    os.environ.pop("TMPDIR") if before[1] is None else os.environ.update(TMPDIR=before[1])


@pytest.fixture(scope="session")
def usual(own_folder: None) -> Mapping[str, int]:
    """What a process has that has used the emulator once: modules, and what they keep open."""
    with emulated_sagemaker():
        training.SAGEMAKER.list_training_jobs()
    return _counts()


@pytest.fixture(autouse=True)
def nothing_left(usual: Mapping[str, int]) -> Iterator[None]:
    yield
    deadline = time.perf_counter() + 20
    while any(count > usual[name] for name, count in _counts().items()) and time.perf_counter() < deadline:
        time.sleep(0.05)
    assert {name: count for name, count in _counts().items() if count > usual[name]} == {}
    assert _elsewhere == []
