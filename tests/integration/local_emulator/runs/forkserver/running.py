"""Runs scripts both ways: forked by a fork server, and executed by an interpreter of their own."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import mounts
from local_emulator.runs.data.log import read_log
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.forkserver.pool import ForkServers
from local_emulator.runs.forkserver.script_imports import imports_of
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Command, Exit, Run, RunState
from tests.conftest import until

BASE = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def interpreter(version: str) -> str | None:
    """Path of a Python of that version (`3.12`) on this machine; None if there is none that starts."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", "~/.local/share/uv/python")).expanduser()
    installed = [*pyenv.glob(f"{version}.*/bin/python"), *uv.glob(f"cpython-{version}.*/bin/python")]
    for candidate in filter(None, [*map(str, installed), shutil.which(f"python{version}")]):
        started = subprocess.run([candidate, "-V"], capture_output=True, text=True, check=False)
        if started.returncode == 0 and started.stdout.startswith(f"Python {version}."):
            return candidate
    return None


class Runs:
    """Runs scripts; `kept` is the folder of the fork servers, which may be shared."""

    def __init__(self, path: Path, kept: Path) -> None:
        self.path, self.kept = path, kept
        self.servers = ForkServers(kept / "forkserver")
        self.executor = ProcessExecutor(wakeup=None, fork_servers=self.servers)
        self.private = mounts.available(path).private

    def start(
        self,
        script: str | Mapping[str, str],
        *,
        forked: bool = True,
        words: tuple[str, ...] = (),
        python: str = sys.executable,
        when_ready: bool = True,
        **settings: Any,
    ) -> RunFolder:
        """Begin a run of a script, or of the file `train.py` among several; if it is to be forked, `when_ready` is its server."""
        folder = RunFolder(self.path / "runs" / os.urandom(16).hex())
        code = folder.ml / "code"
        for name in ("model", "output/data", "input", "code"):
            (folder.ml / name).mkdir(parents=True)
        folder.make()
        for name, content in ({"train.py": script} if isinstance(script, str) else script).items():
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            (code / name).write_text(content)
        base = "/opt/ml/code" if self.private else str(code)
        environment = {**BASE, "PYTHONPATH": f"{base}:/nowhere", "HOME": "/root", "TMPDIR": str(folder.temporary),
                       "SM_HP_X": "1", **settings.pop("env", {})}  # fmt: skip
        run = Run(
            id=folder.path.name,
            folder=folder.path,
            program=Command(argv=(python, "train.py", *words), cwd=base),
            env=environment,
            metrics=(MetricDefinition(name="x", regex="x=([0-9.]+)"),),
            disk_floor=0,
            opt_ml=self.private,
            imports=imports_of(code, "train.py") if forked else None,
            **settings,
        )
        if forked and when_ready:
            self.wait_for_server(run)
        self.executor.start(run)
        return folder

    def wait_for_server(self, run: Run) -> None:
        """Wait until a run's server is ready, if it has one."""
        until(lambda: self.servers.server(run), so=lambda path: path is None or path.exists())


def outcome(folder: RunFolder, *, forked: bool) -> dict[str, Any]:
    """Everything that a run has left."""
    exit_ = end(folder)
    assert (folder.load_run().fork_server is not None) is forked
    assert why_not_forked(folder) == "", why_not_forked(folder)
    log = [line.text.replace(str(folder.work), "RUN") for line in read_log(folder)[0]]
    files = {
        str(path.relative_to(folder.ml)): path.read_bytes()
        for path in folder.ml.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return {
        "code": exit_.code, "cause": exit_.cause, "message": exit_.message, "log": log, "files": files,
        "metrics": [observation.value for observation in read_metrics(folder, 0)[0]], "model": exit_.model,
    }  # fmt: skip


def end(folder: RunFolder) -> Exit:
    """How a run has ended, once it has."""
    until(lambda: folder.state() in {RunState.EXITED, RunState.LOST})
    exit_ = folder.read_exit()
    assert exit_ is not None
    return exit_


def lines(folder: RunFolder) -> list[str]:
    """A run's log, once it has ended."""
    end(folder)
    return [line.text for line in read_log(folder)[0]]


def why_not_forked(folder: RunFolder) -> str:
    """What the supervisor's log says; empty for a run that was forked."""
    return (folder.path / "supervisor.log").read_text()


def own_process(folder: RunFolder) -> int:
    """The process id that a script prints first."""
    until(lambda: read_log(folder)[0])
    return int(read_log(folder)[0][0].text)


def marked(run: str) -> list[int]:
    """Processes with a run's marker."""
    processes = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and f"{MARKER}={run}".encode() in (entry / "environ").read_bytes():
                processes.append(int(entry.name))
    return processes
