"""Histories that grew are those that are read afresh."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local_emulator.domain.history import History, Observation, Trial, Trials
from local_emulator.domain.jobs import Status
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE, ended, training, tuning
from tests.unit.local_emulator.store.test_sqlite import facts_of
from tests.unit.local_emulator.store.test_table import undone


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
        before.append((history, facts_of(history)))
        store._histories.clear() if rng.random() < 0.05 else None
    fresh = SqliteStore(None)
    store._db.backup(fresh._db)
    assert facts_of(store.history(job)) == facts_of(fresh.history(job))
    fresh.close()
    for history, was in before:
        assert facts_of(replace(history)) == was, "a history of the past has changed"
        assert facts_of(replace(history, trials=list(history.trials)))[:4] == was[:4]


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
