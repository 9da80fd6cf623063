"""What keeps the store fast with many jobs, and true while it is: indexes, objects and histories in memory, the change of schema."""

import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.errors import NotFound, StoreError
from local_emulator.domain.history import History, Observation, Trial, Trials
from local_emulator.domain.jobs import Secondary, Status, Transition
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.training import FinalMetric, PreviousRun, TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store import queries
from local_emulator.store.base import Query, Sort
from local_emulator.store.records import microseconds, to_json
from local_emulator.store.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = AwsScope(region="us-east-1", account="123456789012")


def tuning(name: str = "tune") -> TuningJob:
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 9},
        "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
    }
    request = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": {"AlgorithmSpecification": {}}}
    return TuningJob(
        name=name,
        arn=SCOPE.tuning_arn(name),
        region="us-east-1",
        request=request,
        plan=parse.tuning(request),
        status=Status.IN_PROGRESS,
        created=NOW,
        modified=NOW,
        seed=1,
    )


def training(name: str, minutes: int = 0, **changes: Any) -> TrainingJob:
    created = NOW + timedelta(minutes=minutes)
    job = TrainingJob(
        name=name,
        arn=SCOPE.training_arn(name),
        region="us-east-1",
        request={"HyperParameters": {"x": "1"}},
        spec=parse.training({"HyperParameters": {"x": "1"}}),
        run=f"run-{name}",
        status=Status.IN_PROGRESS,
        secondary=Secondary.STARTING,
        created=created,
        modified=created,
        transitions=(Transition(status=Secondary.STARTING, start=created),),
        tuning="Tune",
        tuning_arn=SCOPE.tuning_arn("Tune"),
        objective="score",
        tuned={"x": "0.5"},
        index=minutes + 1,
    )
    return replace(job, **changes)


def ended(job: TrainingJob, value: float | None, at: datetime = NOW) -> TrainingJob:
    metrics = () if value is None else (FinalMetric(name="score", value=value, time=at),)
    status = Status.FAILED if value is None else Status.COMPLETED
    return replace(job, status=status, ended=at, final_metrics=metrics, failure_reason=None if value is not None else "why")


def undone(store: SqliteStore, write: Callable[[], object]) -> None:
    """Write something in a transaction that fails."""

    def fail() -> None:
        with store.transaction():
            write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = SqliteStore(None)
    yield store
    store.close()


# --- indexes ----------------------------------------------------------------------------------------------------------------


def plan(store: SqliteStore, statement: queries.Statement) -> str:
    return "; ".join(row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {statement.sql}", *statement.values))


FILTERS: Sequence[dict[str, Any]] = (
    {},
    {"statuses": [Status.FAILED]},
    {"name_contains": "x"},
    {"created_after": NOW, "created_before": NOW},
    {"modified_after": NOW},
)


def narrowed(tuning_name: str | None) -> dict[str, Any]:
    """The jobs of a tuning job, or all of a region and account."""
    return {"scope": SCOPE} if tuning_name is None else {"tuning": SCOPE.tuning_arn(tuning_name)}


TOKEN = {Sort.NAME: "name", Sort.CREATED: 1, Sort.STATUS: "Failed", Sort.OBJECTIVE: 0.5}


@pytest.mark.parametrize(
    ("scope", "sort", "given", "descending", "later"),
    [
        case
        for case in product((None, "tune"), Sort, FILTERS, (False, True), (False, True))
        if case[:2] != (None, Sort.OBJECTIVE)  # no list of AWS's is sorted so
    ],
)
def test_pages_are_read_in_the_order_of_an_index(
    store: SqliteStore,
    scope: str | None,
    sort: Sort,
    given: dict[str, Any],
    descending: bool,  # noqa: FBT001 - a parameter of the test
    later: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    after = queries.cursor(TOKEN[sort], 7) if later else None
    query = Query(**narrowed(scope), sort=sort, descending=descending, limit=10, after=after, **given)
    steps = plan(store, queries.page("trainings", query, "name"))
    assert "TEMP B-TREE" not in steps, steps
    assert re.fullmatch(r"(SCAN|SEARCH) trainings USING INDEX [^;]+", steps), steps
    assert steps.startswith("SEARCH"), steps


@pytest.mark.parametrize("scope", [None, "tune"])
@pytest.mark.parametrize("given", FILTERS[1:])
def test_few_are_found_by_the_filter_and_sorted(store: SqliteStore, scope: str | None, given: dict[str, Any]) -> None:
    query = Query(**narrowed(scope), sort=Sort.NAME, limit=10, **given)
    for statement in queries.narrow("trainings", query):
        assert " COVERING INDEX " in plan(store, statement), statement
    steps = plan(store, queries.page("trainings", query, "name", among=[1, 2]))
    assert "SEARCH trainings USING INTEGER PRIMARY KEY" in steps, steps


def test_both_ways_find_the_same(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        job = training(f"job-{number * 7 % 40:02d}", number, modified=NOW + timedelta(minutes=number * 11 % 40))
        store.trainings.add(ended(job, number / 9) if number % 3 else job)
    some: dict[str, Any] = {"created_after": NOW + timedelta(minutes=5), "modified_before": NOW + timedelta(minutes=30)}
    for sort, scope, descending in product(Sort, (None, "tune"), (False, True)):
        query = Query(
            sort=sort,
            **narrowed(scope),
            descending=descending,
            statuses=[Status.COMPLETED],
            name_contains="B-1",
            limit=99,
            **some,
        )
        names = [[job.name for job in store.trainings.find(replace(query, limit=None)).items]]
        for few in (0, 1000):
            monkeypatch.setattr(queries, "FEW", few)
            names.append([job.name for job in store.trainings.find(query).items])
        assert names[0] == names[1] == names[2]
        assert names[0]


# --- objects in memory ------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_what_is_stored(store: SqliteStore) -> None:
    first = training("A")
    store.trainings.add(first)
    undone(store, lambda: store.trainings.put(ended(first, 0.5)))
    undone(store, lambda: store.trainings.add(training("b")))
    assert store.trainings.get(SCOPE.training_arn("a")) == first
    assert store.trainings.find(Query()).items == (first,)
    with pytest.raises(NotFound):
        store.trainings.get(SCOPE.training_arn("b"))
    newer = store.trainings.put(ended(first, 0.5))
    assert store.trainings.get(SCOPE.training_arn("A")) == newer
    assert store.trainings.find(Query(statuses=[Status.COMPLETED])).items == (newer,)
    store.trainings.delete(SCOPE.training_arn("a"))
    with pytest.raises(NotFound):
        store.trainings.get(SCOPE.training_arn("A"))


def test_memory_is_bounded_and_what_was_forgotten_is_read_again(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.store.table._KEPT", 3)
    monkeypatch.setattr("local_emulator.store.sqlite._MOST", 30)
    jobs = [training(f"job-{number}", number, tuning_arn=SCOPE.tuning_arn(f"tune-{number % 5}")) for number in range(20)]
    for number in range(5):
        store.tunings.add(tuning(f"tune-{number}"))
    for job in jobs:
        store.trainings.add(job)
    for number in (*range(5), *range(5)):
        assert [trial.index % 5 for trial in store.history(store.tunings.get(SCOPE.tuning_arn(f"tune-{number}"))).trials] == [
            (number + 1) % 5
        ] * 4
        assert sum(cache.size for cache in store._histories.values()) <= 40
    assert [store.trainings.get(job.arn) for job in jobs] == jobs
    assert len(store.trainings._kept) == 3


def test_listeners_hear_what_has_really_changed() -> None:
    reported: list[str] = []
    store = SqliteStore(None, lambda job: reported.append(job.name))
    undone(store, lambda: store.trainings.add(training("a")))
    with store.transaction():
        store.trainings.add(training("b"))
        assert reported == []
    store.trainings.delete(SCOPE.training_arn("b"))
    assert reported == ["b"]
    store.close()


# --- histories --------------------------------------------------------------------------------------------------------------


def told(history: History) -> tuple[Any, ...]:
    running = [trial.name for trial in history.running]
    return list(history.trials), running, history.counters(), history.objective_counters(), history.summary()


@pytest.mark.parametrize("seed", range(30))
def test_a_history_that_grew_is_the_one_that_is_read_afresh(store: SqliteStore, seed: int) -> None:
    rng = random.Random(seed)
    job = tuning()
    store.tunings.add(job)
    before: list[tuple[History, tuple[Any, ...]]] = []
    seqs: dict[str, int] = {}
    for step in range(60):
        active = [
            child for child in store.trainings.find(Query(tuning=SCOPE.tuning_arn("tune"))).items if not child.status.terminal
        ]
        over = [child for child in store.trainings.find(Query(tuning=SCOPE.tuning_arn("tune"))).items if child.status.terminal]
        choice = rng.random()
        now = NOW + timedelta(seconds=step if rng.random() < 0.9 else 0)  # at times the clock is set back
        if choice < 0.3 or not active:
            store.trainings.add(training(f"job-{step}", step))
        elif choice < 0.6:
            child = rng.choice(active)
            seq = seqs[child.name] = seqs.get(child.name, 0) + 2
            told_now = [("score", rng.random()), ("other", 1.0)]
            seen = [Observation(seq=seq + n, metric=name, value=value, time=now) for n, (name, value) in enumerate(told_now)]
            store.record(child.arn, seen, step)
        elif choice < 0.85:
            store.trainings.put(ended(rng.choice(active), rng.choice([None, rng.random(), 0.5]), now))
        elif choice < 0.9 and over:
            store.trainings.delete(rng.choice(over).arn)
        elif choice < 0.95:
            changed = ended(rng.choice(active), 0.9, now)
            undone(store, lambda job=changed: store.trainings.put(job))  # type: ignore[misc] # mypy cannot infer the default's type
        history = store.history(job)
        before.append((history, told(history)))
        store._histories.clear() if rng.random() < 0.05 else None
    fresh = SqliteStore(None)
    store._db.backup(fresh._db)
    assert told(store.history(job)) == told(fresh.history(job))
    fresh.close()
    for history, was in before:
        assert told(replace(history)) == was, "a history of the past has changed"
        assert told(replace(history, trials=list(history.trials)))[:4] == was[:4]


def test_of_an_ended_tuning_job_the_values_are_not_read(store: SqliteStore) -> None:
    store.trainings.add(training("a"))
    store.record(SCOPE.training_arn("a"), [Observation(seq=1, metric="score", value=0.5, time=NOW)], 1)
    (trial,) = store.history(tuning()).trials
    assert trial.values == (0.5,)
    store._histories.clear()
    (trial,) = store.history(replace(tuning(), status=Status.COMPLETED)).trials
    assert trial.values == ()


def test_definitions_have_histories_of_their_own() -> None:
    trials = [
        Trial(name=str(n), index=n, point={}, definition="ab"[n % 2], status=status, ended=NOW if status.terminal else None)
        for n, status in enumerate([Status.COMPLETED, Status.FAILED, Status.IN_PROGRESS, Status.STOPPED, Status.STOPPING])
    ]
    whole = Trials.of(trials)
    assert [trial.index for trial in whole.of_definition("a")] == [0, 2, 4]
    assert [trial.index for trial in whole.of_definition("b")] == [1, 3]
    assert len(whole.of_definition("c")) == 0
    more = whole.begun(replace(trials[2], index=9, definition="b"))
    assert [trial.index for trial in more.of_definition("b")] == [1, 3, 9]


# --- the change of schema ---------------------------------------------------------------------------------------------------


def old_json(job: TrainingJob | TuningJob) -> str:
    """A record with the names that its members had then."""
    return to_json(job).replace('"previous_runs":', '"earlier":').replace('"observation_offset":', '"told":')


def old_database(path: Path, jobs: Sequence[TrainingJob], version: int = 1, job: TuningJob | None = None) -> None:
    """As an earlier version wrote it."""
    job = job or tuning()
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript((Path(__file__).parent / f"schema_{version}.sql").read_text() + f"PRAGMA user_version = {version};")
    times = (microseconds(job.created), microseconds(job.modified))
    db.execute("INSERT INTO tunings VALUES (1, 'tune', 'tune', ?, ?, ?, 3, ?)", (job.status.value, *times, to_json(job)))
    for number, child in enumerate(jobs, 5):
        row: tuple[object, ...] = (
            number,
            child.name.casefold(),
            child.name,
            child.status.value,
            *map(microseconds, (child.created, child.modified)),
        )
        if version == 1:
            row = (*row, 2, old_json(child), "tune", child.final_objective)
        else:
            times_of_run = (None if time is None else microseconds(time) for time in (child.started, child.ended))
            brief = (
                child.secondary.value,
                *times_of_run,
                child.failure_reason,
                child.retryable,
                "tune",
                child.definition,
                child.run,
                child.index,
            )
            row = (*row, 2, child.arn, *brief, "{}", child.objective, child.final_objective, old_json(child))
        db.execute(f"INSERT INTO trainings VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - the test's own
    db.execute("INSERT INTO observations VALUES ('done', 1, 'score', 0.25, 1767225600000)")
    db.execute("INSERT INTO offsets VALUES ('done', 70)")
    db.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_database_of_an_earlier_version_is_brought_up(tmp_path: Path, version: int) -> None:
    jobs = [
        ended(training("Done", 1, started=NOW, previous_runs=(PreviousRun(run="run-0", started=NOW),)), 0.25),
        ended(training("bad", 2, retryable=True, definition="one"), None),
        training("runs", 3),
    ]
    old_database(tmp_path / "old", jobs, version)
    store, fresh = SqliteStore(tmp_path / "old"), SqliteStore(tmp_path / "new")
    job = store.tunings.get(SCOPE.tuning_arn("tune"))
    assert job == replace(tuning(), version=3)
    assert [replace(job, version=0) for job in store.trainings.find(Query(scope=SCOPE)).items] == jobs
    assert store.runs() == {"run-Done", "run-bad", "run-runs", "run-0"}
    for child, brief in zip(jobs, store.summaries(Query(scope=SCOPE)).items, strict=True):
        assert {name: getattr(child, name) for name in vars(brief)} == vars(brief)
        fresh.trainings.add(child)
    done = SCOPE.training_arn("Done")
    assert [seen.value for seen in store.observations(done)] == [0.25]
    fresh.record(done, store.observations(done), store.offset(done))
    assert told(store.history(job)) == told(fresh.history(job))
    names = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert store.rows(names) == fresh.rows(names)
    store.close()
    fresh.close()
    SqliteStore(tmp_path / "old").close()


def test_jobs_of_an_earlier_version_get_the_partition_of_their_region(tmp_path: Path) -> None:
    china = AwsScope(region="cn-north-1", account="123456789012")
    before = "arn:aws:sagemaker:cn-north-1:123456789012:"
    old = replace(tuning(), arn=Arn(f"{before}hyper-parameter-tuning-job/tune"), region="cn-north-1")
    job = training("a", arn=Arn(f"{before}training-job/a"), tuning_arn=old.arn, region="cn-north-1")
    old_database(tmp_path / "old", [job], 2, old)
    store = SqliteStore(tmp_path / "old")
    assert (
        store.tunings.get(china.tuning_arn("tune")).arn
        == "arn:aws-cn:sagemaker:cn-north-1:123456789012:hyper-parameter-tuning-job/tune"
    )
    (child,) = store.trainings.find(Query(scope=china)).items
    assert (child.arn, child.tuning_arn) == (china.training_arn("a"), china.tuning_arn("tune"))
    assert [trial.name for trial in store.history(store.tunings.get(china.tuning_arn("tune"))).trials] == ["a"]
    assert store.trainings.find(Query(scope=SCOPE)).items == ()
    store.close()


def test_a_change_of_schema_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "old"
    old_database(path, [training("a")])
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("UPDATE trainings SET body = 'no JSON'")
    before = list(db.iterdump())
    with pytest.raises(StoreError, match="left as it is"):
        SqliteStore(path)
    assert list(db.iterdump()) == before
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()
