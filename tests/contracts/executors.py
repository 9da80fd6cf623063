"""The executors of which tests/contracts/test_executor.py demands its laws, each behind the same few functions."""

import contextlib
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from local_emulator.dask.executor import DaskExecutor
from local_emulator.domain.jobs import MetricDefinition, Secondary, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.spec import AlgorithmSpec, OutputConfig, ResourceConfig, TrainingSpec
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.runs import mounts
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Command, Container, Executor, Exit, HostProgram, Run, RunState
from local_emulator.settings import Settings
from tests.conftest import BASE_IMAGE, until

METRICS = (MetricDefinition(name="x", regex="x=([0-9.]+)"),)
VOLUME = 1  # GiB
SCOPE = AwsScope(region="us-east-1", account="123456789012")


def marked(run: str) -> list[int]:
    """Processes with a run's marker."""
    mark, processes = f"{MARKER}={run}".encode(), []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                processes.append(int(entry.name))
    return processes


def supervisors(run: str) -> list[int]:
    """Processes that hold a run's lock, in whichever folder it lies."""
    processes = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and any(str(file.readlink()).endswith(f"/{run}/lock") for file in (entry / "fd").iterdir()):
                processes.append(int(entry.name))
    return processes


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a run, in seconds."""

    max_runtime: float | None = None
    stop_grace: float = 120.0


@dataclass
class Kind(ABC):
    """One kind of executor, whose runs have their folders below `path`."""

    path: Path

    def __post_init__(self) -> None:
        self.executor = self.make()

    @abstractmethod
    def make(self) -> Executor:
        """Another executor of this kind, with the same runs."""

    @abstractmethod
    def run(self, argv: Sequence[str], folder: RunFolder, limits: Limits = Limits()) -> Run:
        """A run of a program."""

    def new_folder(self) -> RunFolder:
        return RunFolder(self.path / "runs" / os.urandom(16).hex())

    def start(self, script: str, folder: RunFolder | None = None, limits: Limits = Limits()) -> RunFolder:
        """Start a Python script."""
        return self.start_program([self.python, "-uc", script], folder, limits)

    def start_program(self, argv: Sequence[str], folder: RunFolder | None = None, limits: Limits = Limits()) -> RunFolder:
        """Start a program."""
        folder = folder or self.new_folder()
        self.executor.start(self.run(argv, folder, limits))
        return folder

    def ended(self, folder: RunFolder) -> Exit:
        """How a run has ended, once it has."""
        until(lambda: self.executor.state(folder.path) in {RunState.EXITED, RunState.LOST})
        exit_ = folder.read_exit()
        assert exit_ is not None
        return exit_

    @property
    def python(self) -> str:
        return sys.executable

    def left(self, run: str) -> list[object]:
        """Whatever there still is of a run."""
        return [*marked(run)]


class Processes(Kind):
    """Runs are processes of this machine."""

    def make(self) -> ProcessExecutor:
        return ProcessExecutor(wakeup=None)

    def program(self, argv: Sequence[str]) -> Command | Container:
        return Command(argv=tuple(argv))

    def run(self, argv: Sequence[str], folder: RunFolder, limits: Limits = Limits()) -> Run:
        for name in ("model", "output/data"):
            (folder.ml / name).mkdir(parents=True)
        return Run(
            id=folder.path.name,
            folder=folder.path,
            program=self.program(argv),
            metrics=METRICS,
            disk_floor=0,
            disk_limit=VOLUME << 30,
            opt_ml=mounts.available(self.path).private,
            max_runtime=limits.max_runtime,
            stop_grace=limits.stop_grace,
        )


class SeveralHosts(Processes):
    """Runs are processes on two hosts, the first of which ends at once."""

    def run(self, argv: Sequence[str], folder: RunFolder, limits: Limits = Limits()) -> Run:
        run = super().run(argv, folder, limits)
        programs = {"algo-1": Command(argv=("/bin/true",)), "algo-2": run.program}
        for name in programs:
            folder.host(name).ml.mkdir(parents=True)
        return replace(run, hosts=tuple(HostProgram(name=name, program=program) for name, program in programs.items()))


class Containers(Processes):
    """Runs are containers."""

    def program(self, argv: Sequence[str]) -> Container:
        return Container(image=BASE_IMAGE, argv=tuple(argv))

    @property
    def python(self) -> str:
        return "python3"

    def left(self, run: str) -> list[object]:
        listed = subprocess.run(["docker", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=True)
        return [*marked(run), *(name for name in listed.stdout.split() if run in name)]


@dataclass
class OnCluster(Kind):
    """Runs are on the workers of a Dask cluster. Jobs name their program as a ContainerEntrypoint, so they need no S3."""

    scheduler: str = ""

    def make(self) -> DaskExecutor:
        return DaskExecutor(
            settings=Settings(state=self.path, disk_floor=0),
            scheduler=self.scheduler,
            endpoint=lambda: "http://127.0.0.1:9",
            notify=lambda: None,
        )

    def run(self, argv: Sequence[str], folder: RunFolder, limits: Limits = Limits()) -> Run:
        now = datetime.now(UTC)
        name = f"job-{folder.path.name[:8]}"
        job = TrainingJob(
            name=name,
            arn=SCOPE.training_arn(name),
            region=SCOPE.region,
            request={},
            spec=TrainingSpec(
                algorithm=AlgorithmSpec(image="image", container_entrypoint=tuple(argv), metric_definitions=METRICS),
                output=OutputConfig(s3_output_path="s3://box/output"),
                resources=ResourceConfig(volume_size=VOLUME),
            ),
            run=folder.path.name,
            status=Status.IN_PROGRESS,
            secondary=Secondary.DOWNLOADING,
            created=now,
            modified=now,
        )
        assert isinstance(self.executor, DaskExecutor)
        run = self.executor.prepare(job, folder.path, TimeBudget(runtime=limits.max_runtime))
        settings = Settings(state=self.path, disk_floor=0, stop_grace=limits.stop_grace)
        return replace(run, request=replace(run.request, settings=settings))
