"""The laws of the store."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_emulator.domain.errors import AlreadyExists, Conflict, ImpossibleTransition, NotFound, StoreError
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import MAY_FOLLOW, Status
from local_emulator.domain.training import FinalMetric, TrainingJob
from local_emulator.store.base import Query, Sort
from local_emulator.store.records import from_json, to_json
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE, ended, training, tuning


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(None if request.param == "memory" else tmp_path / "jobs.sqlite")
    yield store
    store.close()


def test_add_get_put_delete(store: SqliteStore) -> None:
    store.tunings.add(tuning())
    with pytest.raises(AlreadyExists):
        store.tunings.add(tuning("TUNE"))
    job = store.tunings.get(SCOPE.tuning_arn("tune"))
    assert job == tuning()
    newer = store.tunings.put(replace(job, status=Status.STOPPING))
    assert newer.version == 1
    assert store.tunings.get(SCOPE.tuning_arn("tune")).status is Status.STOPPING
    with pytest.raises(Conflict):
        store.tunings.put(job)
    store.tunings.delete(SCOPE.tuning_arn("tune"))
    with pytest.raises(NotFound):
        store.tunings.get(SCOPE.tuning_arn("tune"))
    with pytest.raises(NotFound):
        store.tunings.put(newer)


def test_what_has_tags(store: SqliteStore) -> None:
    store.trainings.add(replace(training("a"), tags={"team": "vision", "none": ""}))
    store.trainings.add(training("b"))
    store.tunings.add(replace(tuning(), tags={"team": "speech"}))
    assert dict(store.tagged(SCOPE)) == {
        SCOPE.training_arn("a"): {"team": "vision", "none": ""},
        SCOPE.tuning_arn("tune"): {"team": "speech"},
    }
    assert store.tagged(replace(SCOPE, region="eu-west-3")) == []
    store.change("UPDATE trainings SET body = 'damaged'")
    assert [arn for arn, _ in store.tagged(SCOPE)] == [SCOPE.tuning_arn("tune")]


@settings(deadline=None)
@given(statuses=st.lists(st.sampled_from(Status), max_size=12))
def test_a_job_walks_along_the_table(statuses: list[Status]) -> None:
    store = SqliteStore(None)
    store.trainings.add(training("a"))
    for status in statuses:
        job = store.trainings.get(SCOPE.training_arn("a"))
        with suppress(ImpossibleTransition):
            store.trainings.put(replace(job, status=status))
        now = store.trainings.get(job.arn)
        assert now.status in {job.status, *MAY_FOLLOW[job.status]}
        assert now.version == job.version + (status is job.status or status in MAY_FOLLOW[job.status])
        assert now.status == job.status or not job.status.terminal, "nothing leaves a terminal status"
    store.close()


def test_pages_hold_everything_once_in_order(store: SqliteStore) -> None:
    for number in range(25):
        job = training(f"job-{number:02d}", minutes=number % 5, index=number)
        store.trainings.add(ended(job, float(number % 4)) if number % 2 else job)
    for sort in Sort:
        for descending in (False, True):
            names: list[str] = []
            after = None
            while True:
                page = store.trainings.find(Query(sort=sort, descending=descending, limit=4, after=after))
                names += [job.name for job in page.items]
                after = page.next
                if after is None:
                    break
            whole = [job.name for job in store.trainings.find(Query(sort=sort, descending=descending)).items]
            assert names == whole
            assert len(set(names)) == len(names) == (12 if sort is Sort.OBJECTIVE else 25)


def test_filters(store: SqliteStore) -> None:
    store.trainings.add(training("one", 0))
    store.trainings.add(ended(training("two", 10), 1.0))
    store.trainings.add(training("three", 20, tuning=None, tuning_arn=None))
    names = {
        "status": Query(statuses=[Status.COMPLETED]),
        "tuning": Query(tuning=SCOPE.tuning_arn("TUNE")),
        "after": Query(created_after=NOW),
        "before": Query(created_before=NOW + timedelta(minutes=10)),
        "contains": Query(name_contains="T"),
    }
    listed = {key: {job.name for job in store.trainings.find(query).items} for key, query in names.items()}
    assert listed == {
        "status": {"two"},
        "tuning": {"one", "two"},
        "after": {"two", "three"},
        "before": {"one"},
        "contains": {"two", "three"},
    }
    with pytest.raises(ValueError, match="no token"):
        store.trainings.find(Query(after="rubbish"))


def test_history_follows_every_change(store: SqliteStore) -> None:
    job = tuning()
    store.tunings.add(job)
    store.trainings.add(training("a"))
    assert store.history(job).trials[0].values == ()
    seen = [Observation(seq=n, metric=metric, value=n / 2, time=NOW) for n, metric in enumerate(["score", "other", "score"], 1)]
    store.record(SCOPE.training_arn("a"), seen, 77)
    assert store.history(job).trials[0].values == (0.5, 1.5)
    assert store.offset(SCOPE.training_arn("a")) == 77
    store.trainings.put(ended(store.trainings.get(SCOPE.training_arn("a")), 1.5))
    trial = store.history(job).trials[0]
    assert (trial.final, trial.values) == (1.5, (0.5, 1.5))
    store.trainings.delete(SCOPE.training_arn("a"))
    assert store.history(job).trials == []
    assert store.observations(SCOPE.training_arn("a")) == []


def test_transactions_are_all_or_nothing(store: SqliteStore) -> None:
    job = tuning()
    store.tunings.add(job)
    store.history(job)

    def write_and_fail() -> None:
        with store.transaction():
            store.trainings.add(training("a"))
            with store.transaction():
                store.trainings.add(training("b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert store.trainings.find(Query()).items == ()
    assert store.history(job).trials == []


def test_threads_lose_nothing(store: SqliteStore) -> None:
    refused: list[str] = []

    def work(number: int) -> None:
        for index in range(50):
            try:
                store.trainings.add(training(f"job-{index}", index=number))
            except AlreadyExists as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.trainings.find(Query()).items) == 50
    assert len(refused) == 350


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_store import SqliteStore, training
store = SqliteStore(Path(sys.argv[1]))
for number in range(100_000):
    store.trainings.add(training(f"job-{number}", number))
    print(number, flush=True)
"""


@pytest.mark.processes
def test_killed_writer_loses_no_acknowledged_write(tmp_path: Path) -> None:
    here = Path(__file__).parent
    for attempt in range(3):
        path = tmp_path / f"{attempt}.sqlite"
        command = [sys.executable, "-c", WRITER, str(path), str(here), str(here.parents[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            last = 0
            for line in process.stdout:
                last = int(line)
                if last >= 40 * (attempt + 1):
                    process.send_signal(signal.SIGKILL)
        store = SqliteStore(path)
        assert len(store.trainings.find(Query()).items) >= last + 1
        store.close()


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_files_are_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"left as it (is|was)"):
        SqliteStore(path)
    assert path.read_bytes() == content


times = st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@settings(deadline=None)
@given(text=st.text(), value=st.floats(allow_nan=False), time=times, ended_at=st.none() | times)
def test_records_come_back_as_they_were(text: str, value: float, time: datetime, ended_at: datetime | None) -> None:
    job = training(
        "a",
        created=time,
        ended=ended_at,
        failure_reason=text,
        tuned={text: text},
        final_metrics=(FinalMetric(name=text, value=value, time=time),),
    )
    assert from_json(TrainingJob, to_json(job)) == job
