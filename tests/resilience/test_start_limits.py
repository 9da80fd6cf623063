"""A start with little memory, few files, a full disk or mounts that are missing is told in one sentence. In another process."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.resilience.starting import PYTHON, a_state, one_sentence


def _in_another(state: Path, before: str = "", **environment: str) -> tuple[int, str]:
    """`serve`, in a shell after some commands, until it has been idle for a moment."""
    line = f'{before}\nexec "{PYTHON}" -m local_emulator serve --port 0 --idle-exit 0.2 --state "{state}"'
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("kilobytes", [20_000, 60_000, 250_000])
def test_a_limit_on_memory(kilobytes: int, tmp_path: Path) -> None:
    code, said = _in_another(tmp_path / "state", f"ulimit -v {kilobytes}")
    assert code == 1, said
    assert "ulimit -v" in said
    one_sentence(said)


EXHAUSTED = """
import resource, sys
from pathlib import Path
from local_emulator.failures import tell
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (4 << 20),) * 2)
held = ()
for size in (1 << 16, 1 << 10, 256, 32):
    try:
        while True:
            held = (held, bytes(size))
    except MemoryError as raised:
        error = raised
sys.exit(tell(error))
"""


def test_a_limit_that_leaves_nothing() -> None:
    done = subprocess.run([PYTHON, "-c", EXHAUSTED], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "ulimit -v" in done.stderr
    one_sentence(done.stderr)


def test_a_limit_on_open_files(tmp_path: Path) -> None:
    code, said = _in_another(tmp_path / "state", "ulimit -n 12")
    assert code == 1, said
    one_sentence(said)


@pytest.fixture
def _mounts() -> None:
    if os.getuid() or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounts need root")


def _mounted(state: Path, mount: str, **environment: str) -> tuple[int, str]:
    line = f'{mount}\nexec "{PYTHON}" -m local_emulator serve --port 0 --idle-exit 0.2 --state "{state}"'
    command_line = ["unshare", "--mount", "sh", "-ec", line]
    done = subprocess.run(
        command_line, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.usefixtures("_mounts")
def test_a_disk_that_may_only_be_read(tmp_path: Path) -> None:
    code, said = _mounted(tmp_path / "disk" / "state", f"mkdir {tmp_path}/disk; mount -t tmpfs -o ro none {tmp_path}/disk")
    assert code == 1, said
    assert re.search(r"disk/state: Read-only file system; choose a folder that can be written with --state", said)
    one_sentence(said)


@pytest.mark.usefixtures("_mounts")
def test_a_state_that_may_only_be_read(tmp_path: Path) -> None:
    a_state(tmp_path / "state")
    code, said = _mounted(
        tmp_path / "state", f"mount --bind {tmp_path}/state {tmp_path}/state; mount -o remount,ro,bind {tmp_path}/state"
    )
    assert code == 1, said
    assert "Read-only file system; choose a folder that can be written with --state" in said
    one_sentence(said)


@pytest.mark.usefixtures("_mounts")
def test_no_proc(tmp_path: Path) -> None:
    code, said = _mounted(tmp_path / "state", "mount -t tmpfs none /proc")
    assert code == 1, said
    assert "No such file or directory; it must be mounted: runs are found there" in said
    one_sentence(said)


@pytest.mark.usefixtures("_mounts")
def test_a_sound_state_on_a_disk_that_is_full(tmp_path: Path) -> None:
    """To open a database takes room, so it may be refused, but not as a damaged one, which `recover` would put aside."""
    a_state(tmp_path / "state")
    disk, answers = tmp_path / "disk", []
    for left in (8, 24, 48, 64):
        fill = f"dd if=/dev/zero of={disk}/fill bs=1k count=$(($(df --output=avail -k {disk} | tail -1) - {left}))"
        mount = f"mkdir -p {disk}; mount -t tmpfs -o size=6m none {disk}; cp -r {tmp_path}/state {disk}/state; {fill} 2>/dev/null"
        code, said = _mounted(disk / "state", mount)
        if code:
            one_sentence(said)
            answers.append(said)
    assert any("jobs.sqlite cannot be opened (disk I/O error): is there room on the disk" in said for said in answers), answers
    assert not any("damaged" in said or "recover" in said for said in answers), answers


@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize("size", ["4k", "32k", "200k"])
def test_a_disk_that_is_full(tmp_path: Path, size: str) -> None:
    code, said = _mounted(
        tmp_path / "disk" / "state", f"mkdir {tmp_path}/disk; mount -t tmpfs -o size={size} none {tmp_path}/disk"
    )
    assert code == 1, said
    assert re.search("No space left|disk is full|room", said), said
    one_sentence(said)
