"""A Dask scheduler and workers of the tests' own."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from local_emulator.runs import mounts
from tests.conftest import ROOT, until

# Idle schedulers and workers would look at themselves many times a second.
IDLE = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "10s",
}


@dataclass
class Cluster:
    """A scheduler and workers of some threads each. They see an empty folder where the emulator's state is, if that can be done."""

    folder: Path
    hidden: Path
    threads: int = 1
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def address(self) -> str:
        """Once the scheduler has written its file, which is there before its content is."""

        def read() -> str | None:
            try:
                return str(json.loads((self.folder / "scheduler.json").read_text())["address"])
            except (FileNotFoundError, ValueError):
                return None

        return str(until(read))

    def start(self, workers: int = 2) -> "Cluster":
        options = ["--scheduler-file", str(self.folder / "scheduler.json")]
        self.scheduler = self.process(
            "scheduler",
            [
                "-m",
                "distributed.cli.dask_scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--dashboard-address",
                "127.0.0.1:0",
                *options,
            ],
        )
        for _ in range(workers):
            self.add_worker()
        return self

    def add_worker(self, *, ours: bool = True) -> None:
        name = f"worker-{next(self.numbers)}"
        foreign = "import sys; sys.modules['local_emulator'] = None; from distributed.cli.dask_worker import main; main()"
        start = ["-m", "distributed.cli.dask_worker"] if ours else ["-c", foreign]
        module = [*start, self.address, "--host", "127.0.0.1", "--no-dashboard", "--no-nanny"]
        self.workers.append(self.process(name, [*module, "--nthreads", str(self.threads), "--name", name], hide=True))
        until(lambda: "Registered to" in (self.folder / f"{name}.log").read_text())

    def process(self, name: str, module: list[str], *, hide: bool = False) -> "subprocess.Popen[bytes]":
        own = self.folder / name
        own.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SM_"))}
        environment |= {
            "HOME": str(own),
            "TMPDIR": str(own),
            "PYTHONPATH": str(ROOT),
            "DASK_TEMPORARY_DIRECTORY": str(own),
            **IDLE,
        }
        command = [sys.executable, *module]
        if hide and os.getuid() == 0 and mounts.available(own).private:
            script = 'mount -t tmpfs none "$0" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", script, str(self.hidden), *command]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=own, env=environment, stdout=log, stderr=log)

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None:
                process.kill()
                process.wait()
