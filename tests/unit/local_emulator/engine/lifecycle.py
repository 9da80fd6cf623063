"""The lifecycle of training jobs without a loop, whose executor, preparation and objects do and raise what a test wants."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_emulator.documents import parse
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.run_lifecycle import RunLifecycle
from local_emulator.engine.starter import RunStarter
from local_emulator.engine.training_jobs import TrainingJobs
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from local_emulator.settings import Settings
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import until
from tests.made_jobs import NOW, SCOPE

REQUEST = {
    "AlgorithmSpecification": {},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {},
    "StoppingCondition": {"MaxRuntimeInSeconds": 300},
}


class Executor:
    """Runs end at once; what is in `broken` raises."""

    def __init__(self) -> None:
        self.broken: dict[str, Exception] = {}
        self.killed: list[str] = []
        self.strays: set[str] = set()

    def start(self, run: Run) -> None:
        RunFolder(run.folder).save_run(run)
        RunFolder(run.folder).claim.touch()
        RunFolder(run.folder).write_exit(Exit(cause=Cause.EXIT, code=0, time=NOW, model=True))

    def state(self, folder: Path) -> RunState:
        if folder.name in self.broken:
            raise self.broken[folder.name]
        return RunFolder(folder).state()

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        raise AssertionError((folder, interrupt))

    def kill(self, folder: Path) -> bool:
        self.killed.append(folder.name)
        return folder.name in self.strays

    def close(self) -> None:
        raise AssertionError


class Preparation:
    """Prepares nothing, and raises what it is told to."""

    def __init__(self) -> None:
        self.broken: dict[str, BaseException] = {}
        self.prepared: list[str] = []
        self.budgets: dict[str, TimeBudget] = {}

    def immediate(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> None:
        """None is."""

    def prepare(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run:
        self.prepared.append(job.run)
        self.budgets[job.run] = budget
        if job.run in self.broken:
            raise self.broken[job.run]
        RunFolder(folder).make()
        return Run(id=job.run, folder=folder, program=Command(argv=("true",)))


class Objects:
    """Takes what is uploaded, and raises as often as it is told to."""

    def __init__(self) -> None:
        self.faults: list[Exception] = []
        self.uploads: list[str] = []

    def upload(self, bucket: str, key: str, source: Path) -> None:
        if self.faults:
            raise self.faults.pop()
        self.uploads.append(f"{bucket}/{key} {source.name}")


class Engine:
    """The lifecycle of training jobs without a loop, and what it needs."""

    def __init__(self, path: Path, database: Path | None = None) -> None:
        self.lines: list[str] = []
        self.path = path
        self.store = SqliteStore(database or path / "jobs.sqlite")
        self.executor, self.preparation = Executor(), Preparation()
        self.objects = Objects()
        objects: Any = self.objects
        (path / "runs").mkdir()
        runs, settings = path / "runs", Settings(parallel=4, gpus=())
        trainings = TrainingJobs(
            store=self.store,
            preparation=self.preparation,
            objects=objects,
            runs=runs,
            settings=settings,
            now=lambda: datetime.now(UTC),
            token=lambda: "0" * 32,
        )
        self.lifecycle = RunLifecycle(
            store=self.store,
            works=[trainings],
            starter=RunStarter(executor=self.executor, runs=runs, threads=4, notify=lambda: None),
            runs=runs,
            settings=settings,
            now=lambda: datetime.now(UTC),
            notify=lambda: None,
            touched=lambda _: None,
            log=FaultLog(self.lines.append),
        )

    def add(self, name: str, **changes: Any) -> Arn:
        times = {"created": NOW, "modified": NOW}
        request = {"request": REQUEST, "spec": parse.training(REQUEST)}
        words = {"status": Status.IN_PROGRESS, "secondary": Secondary.STARTING, **request, **times, **changes}
        job = TrainingJob(name=name, arn=SCOPE.training_arn(name), region="us-east-1", run=name, **words)
        self.store.trainings.add(job)
        return job.arn

    def job(self, arn: Arn) -> TrainingJob:
        return self.store.trainings.get(arn)

    def until(self, true: Callable[[], bool]) -> None:
        def look() -> object:
            self.lifecycle.step()
            return true()

        if not true():
            until(look, pause=0.001)

    def ended(self, *arns: Arn) -> list[Status]:
        """The statuses of training jobs, once all have ended."""
        self.until(lambda: all(self.job(arn).status.terminal for arn in arns))
        return [self.job(arn).status for arn in arns]
