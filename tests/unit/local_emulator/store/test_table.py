"""Jobs in memory are those in the database."""

from collections.abc import Callable

import pytest

from local_emulator.domain.errors import NotFound
from local_emulator.domain.jobs import Status
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import SCOPE, ended, training, tuning


def undone(store: SqliteStore, write: Callable[[], object]) -> None:
    """Write something in a transaction that fails."""

    def fail() -> None:
        with store.transaction():
            write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


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
    store = SqliteStore(None, lambda change: reported.append(change.record.name))
    undone(store, lambda: store.trainings.add(training("a")))
    with store.transaction():
        store.trainings.add(training("b"))
        assert reported == []
    store.trainings.delete(SCOPE.training_arn("b"))
    assert reported == ["b"]
    store.close()
