"""Where Linux's mechanisms are missing: what the emulator does without, and what works on a system that has none of them.

A Python loses them by a `sitecustomize` of its own: nothing here has been tried on a Mac.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server

# As on a Mac: none of the functions, and no /proc.
NO_LINUX = """
import builtins, fcntl, io, os, signal, socket
gone = {os: ["pidfd_open", "pipe2", "memfd_create", "O_PATH"], signal: ["pidfd_send_signal"], socket: ["AF_NETLINK"]}
for module, names in {**gone, fcntl: ["F_OFD_SETLK", "F_OFD_GETLK", "F_OFD_SETLKW"]}.items():
    for name in names:
        del module.__dict__[name]
opened = io.open
def open(path, *words, **options):
    if not isinstance(path, int) and os.fsdecode(path).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", path)
    return opened(path, *words, **options)
io.open = builtins.open = open
"""
# As in a container, or by an administrator's wish: neither the kernel's word on who connects, nor, from the next program on, mounts.
RESTRICTED = """
import ctypes, socket
del socket.AF_NETLINK
PR_CAPBSET_DROP, CAP_SYS_ADMIN = 24, 21
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
"""


def without(folder: Path, code: str) -> str:
    """A PYTHONPATH with which a Python begins with this code."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return str(folder)


def test_elsewhere_the_emulator_refuses_in_a_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": without(tmp_path / "elsewhere", NO_LINUX)}
    command = [sys.executable, "-m", "local_emulator", "serve", "--port", "0", "--state", str(tmp_path / "state")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("local_emulator: the emulator needs Linux, and this ")
    assert "has no os.pidfd_open, os.pipe2" in line
    assert not (tmp_path / "state").exists()


def test_the_library_elsewhere_and_an_emulator_that_lacks_what_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for name in ("minimal.py", "contract.py"):
        shutil.copy(ROOT / "training_scripts" / name, tmp_path)
    job = (ROOT / "docs/examples/digits.toml").read_text().replace("../../training_scripts/mlp.py", "minimal.py")
    (tmp_path / "job.toml").write_text(job.replace("max_jobs = 12", "max_jobs = 2").replace("high = 16 }", "high = 5 }"))
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", without(tmp_path / "restricted", RESTRICTED))
        server = Server(tmp_path / "state", ("--no-fork-server", "--stop-grace", "2"))
        request.addfinalizer(server.remove)
        server.start()
    elsewhere = {**server.environment, "PYTHONPATH": f"{without(tmp_path / 'elsewhere', NO_LINUX)}{os.pathsep}{ROOT}"}

    def said(*words: str) -> str:
        command = [sys.executable, "-m", "sm_tuning", *words]
        done = subprocess.run(command, cwd=tmp_path, env=elsewhere, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "Completed" in said("run", "job.toml")
    assert "best" in said("diagnose")
    said("report", "--output", "report.html")
    assert "</html>" in (tmp_path / "report.html").read_text()
    greeting = "".join(server.log)
    assert "Whose a connection is cannot be told here (module 'socket' has no attribute 'AF_NETLINK')" in greeting
    if os.geteuid() == 0:  # others have namespaces of users
        assert server.health()["privateOptMl"] is False
        assert "No private /opt/ml (unshare: Operation not permitted)" in greeting
