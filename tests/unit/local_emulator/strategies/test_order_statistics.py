"""Order statistics that grow with a history are those that are sorted afresh."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from local_emulator.domain.history import Log, Trial, Trials
from local_emulator.domain.jobs import Status
from local_emulator.strategies.order_statistics import Aggregate, OrderStatistics

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def trial(index: int, final: float | None, status: Status = Status.COMPLETED) -> Trial:
    return Trial(name=str(index), index=index, point={}, status=status, final=final, ended=NOW + timedelta(seconds=index))


@pytest.mark.parametrize("seed", range(8))
def test_those_launched_before_a_trial_in_ascending_order(seed: int) -> None:
    chance = random.Random(seed)
    waiting = [trial(index, chance.choice([None, 0.0, 1.0, chance.random()])) for index in range(1, 40)]
    chance.shuffle(waiting)  # they end in another order than they were launched in
    statistics, log = OrderStatistics(lambda ended: ended.final), Log()
    while waiting:
        for _ in range(min(len(waiting), chance.randint(1, 6))):
            log.append(waiting.pop())
        running = tuple(trial(ended.index, ended.final, Status.IN_PROGRESS) for ended in waiting[:3])
        trials = Trials(log, running)
        asked = trial(chance.randint(1, 40), None, Status.IN_PROGRESS)
        expected = sorted(
            other.final for other in (*log.trials, *running) if other.final is not None and other.index < asked.index
        )
        assert list(statistics.before(asked, trials)) == expected


def test_an_aggregate_takes_each_trial_once_and_starts_again_for_another_log() -> None:
    taken: list[str] = []

    def take(names: list[str], ended: Trial) -> None:
        names.append(ended.name)
        taken.append(ended.name)

    aggregate = Aggregate(list[str], take)
    log = Log()
    for index in range(1, 4):
        log.append(trial(index, 0.0))
        assert aggregate.of(Trials(log, ())) == [str(number) for number in range(1, index + 1)]
    assert taken == ["1", "2", "3"]
    assert aggregate.of(Trials(log, (), past=1)) == ["1"], "an earlier moment of the same log"
    other = Log()
    other.append(trial(9, 0.0))
    assert aggregate.of(Trials(other, ())) == ["9"]
