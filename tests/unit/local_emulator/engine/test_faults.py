"""What goes wrong with one job is its own: it is told once, tried again, given up; the others go on."""

import json
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.errors import RunError, StoreUnavailable
from local_emulator.domain.jobs import Secondary, Status, Transition
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.engine import faults
from local_emulator.engine.faults import FaultLog, Retries
from local_emulator.engine.training_lifecycle import TrainingLifecycle
from local_emulator.engine.tuner import Tuner
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from local_emulator.settings import Settings
from local_emulator.store.base import Query
from local_emulator.store.records import to_json
from local_emulator.store.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = AwsScope(region="us-east-1", account="123456789012")
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
    """A training lifecycle without a loop, and what it needs."""

    def __init__(self, path: Path, database: Path | None = None) -> None:
        self.lines: list[str] = []
        self.path = path
        self.store = SqliteStore(database or path / "jobs.sqlite")
        self.executor, self.preparation = Executor(), Preparation()
        self.objects = Objects()
        objects: Any = self.objects
        (path / "runs").mkdir()
        self.lifecycle = TrainingLifecycle(
            store=self.store,
            executor=self.executor,
            preparation=self.preparation,
            objects=objects,
            runs=path / "runs",
            settings=Settings(parallel=4, gpus=()),
            now=lambda: datetime.now(UTC),
            notify=lambda: None,
            touched=lambda _: None,
            token=lambda: "0" * 32,
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
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, self.lines
            self.lifecycle.step()
            time.sleep(0.001)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(faults, "_PAUSE", 0.0)
    return Engine(tmp_path)


def ended(engine: Engine, *arns: Arn) -> list[Status]:
    engine.until(lambda: all(engine.job(arn).status.terminal for arn in arns))
    return [engine.job(arn).status for arn in arns]


FAULTS = {
    "state": lambda engine: engine.executor.broken.update(bad=ValueError("invalid literal for int() with base 10: 'txt'")),
    "prepare": lambda engine: engine.preparation.broken.update(bad=sqlite3.OperationalError("database or disk is full")),
    "memory": lambda engine: engine.preparation.broken.update(bad=MemoryError()),
    "exit": lambda engine: engine.preparation.broken.update(bad=SystemExit(1)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_jobs_fault_ends_it_alone(engine: Engine, fault: str) -> None:
    FAULTS[fault](engine)
    bad, good = engine.add("bad"), engine.add("good")
    assert ended(engine, bad, good) == [Status.FAILED, Status.COMPLETED]
    assert engine.job(bad).failure_reason == "InternalServerError: We encountered an internal error. Please try again."
    assert len(engine.lines) == 1
    assert "bad" in engine.lines[0]
    assert set(engine.executor.killed) == {"bad"}


def test_a_disk_that_is_full_for_a_moment_costs_nothing(engine: Engine) -> None:
    engine.preparation.broken["late"] = OSError(28, "No space left on device")
    arn = engine.add("late")
    engine.until(lambda: engine.preparation.prepared.count("late") == 2)
    engine.preparation.broken.clear()
    assert ended(engine, arn) == [Status.COMPLETED]


def test_a_disk_that_stays_full_is_named(engine: Engine) -> None:
    engine.preparation.broken["full"] = OSError(28, "No space left on device")
    arn = engine.add("full")
    assert ended(engine, arn) == [Status.FAILED]
    assert engine.job(arn).failure_reason == (
        "InternalServerError: We encountered an internal error. Please try again. (No space left on device)"
    )
    assert engine.job(arn).retryable


FULL = sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(("count", "status"), [(2, Status.COMPLETED), (100, Status.FAILED)])
def test_an_upload_that_finds_the_disk_full_is_tried_again(engine: Engine, count: int, status: Status) -> None:
    engine.objects.faults = [FULL, OSError(28, "No space left on device")] * (count // 2)
    arn = engine.add("job")
    assert ended(engine, arn) == [status]
    assert (engine.objects.uploads == ["bucket/out/job/output/model.tar.gz model.tar.gz"]) is (status is Status.COMPLETED)
    assert len(engine.lines) == 2  # one line for each kind


def test_a_refusal_is_no_fault(engine: Engine) -> None:
    engine.preparation.broken["refused"] = RunError("ClientError: no such data")
    arn = engine.add("refused")
    assert ended(engine, arn) == [Status.FAILED]
    assert (engine.job(arn).failure_reason, engine.lines) == ("ClientError: no such data", [])


def test_a_record_that_cannot_be_read_is_ended_alone(engine: Engine) -> None:
    bad, good = engine.add("bad"), engine.add("good")
    engine.store.change("UPDATE trainings SET body = substr(body, 1, 30) WHERE arn = ?", bad)
    engine.store.trainings._kept.clear()  # as after a restart
    assert ended(engine, good) == [Status.COMPLETED]
    engine.until(lambda: engine.store.rows("SELECT status FROM trainings WHERE arn = ?", bad) == [("Failed",)])
    assert "the record of arn:aws:sagemaker:us-east-1:123456789012:training-job/bad cannot be read" in engine.lines[0]


def test_a_claimed_run_without_evidence_is_never_begun_again(engine: Engine) -> None:
    arn = engine.add("gone", secondary=Secondary.TRAINING, claimed=True)
    assert ended(engine, arn) == [Status.FAILED]
    assert engine.executor.killed == ["gone"]
    assert engine.preparation.prepared == []


def test_a_run_that_left_processes_is_never_begun_again(engine: Engine) -> None:
    engine.executor.strays.add("stray")
    arn = engine.add("stray", secondary=Secondary.TRAINING)
    assert ended(engine, arn) == [Status.FAILED]
    assert engine.preparation.prepared == []


def test_a_run_that_was_not_claimed_is_begun_again_with_all_its_time(engine: Engine) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    past = (Transition(status=Secondary.DOWNLOADING, start=began),)
    arn = engine.add("again", secondary=Secondary.DOWNLOADING, transitions=past)
    assert ended(engine, arn) == [Status.COMPLETED]
    assert engine.preparation.budgets["again"].runtime == 300.0


def test_a_store_that_is_away_gives_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_PAUSE", 0.0)
    given_up: list[Exception] = []

    def work() -> None:
        raise StoreUnavailable("full")

    retries = Retries(FaultLog(lambda _: None), "moving a job", lambda: None)
    for _ in range(20):
        retries.guard("a", work, given_up.append)
    assert given_up == []


def test_pauses_grow_and_faults_are_forgotten() -> None:
    clock, tries = [0.0], list[float]()
    given_up: list[Exception] = []

    def work() -> None:
        tries.append(clock[0])
        raise ValueError

    retries = Retries(FaultLog(lambda _: None), "moving a job", lambda: None, clock=lambda: clock[0])
    for second in range(400):
        clock[0] = second / 10
        retries.guard("a", work, given_up.append)
    assert tries[:4] == [0.0, 0.5, 2.5, 10.5]
    assert len(given_up) == len(tries) - 3
    clock[0] = 1000.0
    count = len(given_up)
    retries.guard("a", work, given_up.append)
    assert len(given_up) == count


def test_each_kind_is_told_once_a_minute() -> None:
    lines: list[str] = []
    clock = [0.0]
    log = FaultLog(lines.append, lambda: clock[0])
    for job in range(100):
        log.report(f"moving a job: {job}", OSError(28, "No space\x1b[2J left"))
        log.report("moving a job: x", ValueError(job))
    assert lines == [
        "local_emulator: moving a job: 0: OSError: [Errno 28] No space [2J left [unknown]",
        "local_emulator: moving a job: x: ValueError: 0 [unknown]",
    ]
    clock[0] = 61.0
    log.report("moving a job: x", ValueError(1))
    assert len(lines) == 3


def tuning(name: str, **config: Any) -> TuningJob:
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 9},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
            **config,
        },
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": []}, "ResourceConfig": {}},
    }
    times = {"created": NOW, "modified": NOW}
    words: dict[str, Any] = {"name": name, "arn": SCOPE.tuning_arn(name), "request": request, "seed": 1, **times}
    return TuningJob(region="us-east-1", plan=parse.tuning(request), status=Status.IN_PROGRESS, **words)


@pytest.mark.parametrize("fault", ["plan", "request", "record"])
def test_one_tuning_jobs_fault_ends_it_alone(engine: Engine, fault: str) -> None:
    bad = tuning("bad", **({"Strategy": "Hyperband"} if fault == "plan" else {}))  # of an unknown number of epochs
    good = tuning("good")
    for job in (bad, good):
        engine.store.tunings.add(job)
    child = engine.add("bad-001", tuning="bad", tuning_arn=bad.arn)
    if fault != "plan":
        body = json.dumps({**json.loads(to_json(bad)), "request": {}}) if fault == "request" else "[]"
        engine.store.change("UPDATE tunings SET body = ? WHERE arn = ?", body, bad.arn)
        engine.store.tunings._kept.clear()  # as after a restart
    tokens = iter(range(10**6))
    tuner = Tuner(
        store=engine.store,
        now=lambda: datetime.now(UTC),
        token=lambda: f"{next(tokens):032x}",
        notify=lambda: None,
        log=FaultLog(engine.lines.append),
    )
    for _ in range(6):
        tuner.step()
    assert engine.store.rows("SELECT name, status FROM tunings ORDER BY id") == [("bad", "Failed"), ("good", "InProgress")]
    assert engine.job(child).status is Status.STOPPING
    assert len(engine.store.trainings.arns(Query(tuning=good.arn))) == 1
    assert len(engine.lines) == 1
