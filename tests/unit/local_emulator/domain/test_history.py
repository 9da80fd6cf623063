"""What a history says of its trials; a summary that grows is the one that is computed afresh."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local_emulator.domain.history import Goal, History, HistorySummary, Trial, Trials, in_completion_order, objective_status
from local_emulator.domain.jobs import Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def trial(index: int, status: Status = Status.COMPLETED, final: float | None = None, *, ended: int | None = None) -> Trial:
    when = NOW + timedelta(seconds=index if ended is None else ended) if status.terminal else None
    return Trial(name=f"t{index}", index=index, point={"x": str(index)}, status=status, final=final, ended=when)


def drawn(seed: int) -> Sequence[Trial]:
    """Trials of every kind, which end in another order than they were launched in."""
    chance = random.Random(seed)
    kinds = [Status.COMPLETED, Status.STOPPED, Status.FAILED, Status.IN_PROGRESS]
    statuses = chance.choices(kinds, weights=(6, 2, 1, 1), k=25)
    return [
        trial(
            index, status, None if status in {Status.FAILED, Status.IN_PROGRESS} else chance.random(), ended=chance.randrange(99)
        )
        for index, status in enumerate(statuses, 1)
    ]


@pytest.mark.parametrize(
    ("goal", "value", "best", "improves"),
    [
        (Goal.MAXIMIZE, 1.011, 1.0, True),
        (Goal.MAXIMIZE, 1.009, 1.0, False),
        (Goal.MAXIMIZE, 0.5, 1.0, False),
        (Goal.MINIMIZE, 0.989, 1.0, True),
        (Goal.MINIMIZE, -1.02, -1.0, True),
        (Goal.MINIMIZE, 0.0, 0.0, False),
    ],
)
def test_an_improvement_is_one_in_a_hundred(goal: Goal, value: float, best: float, *, improves: bool) -> None:
    assert goal.improves(value, best) is improves


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("goal", Goal)
def test_the_summary_is_what_a_loop_would_compute(seed: int, goal: Goal) -> None:
    trials = drawn(seed)
    history = History(goal=goal, trials=trials)
    finals = [ended.final for ended in in_completion_order(trials) if ended.final is not None]
    best = max(finals) if goal is Goal.MAXIMIZE else min(finals)
    assert history.best is not None
    assert history.best.final == best
    assert history.summary().succeeded == len(finals)
    assert sum(history.counters().values()) == len(trials)
    assert sum(history.objective_counters().values()) == len(trials)
    assert history.counters()["NonRetryableError"] == sum(ended.status is Status.FAILED for ended in trials)


@pytest.mark.parametrize("seed", range(5))
def test_a_summary_that_grows_is_the_one_of_all(seed: int) -> None:
    trials = drawn(seed)
    grown = HistorySummary(goal=Goal.MINIMIZE, patience=3)
    for ended in in_completion_order(trials):
        grown = grown.after(ended)
    assert grown == History(goal=Goal.MINIMIZE, trials=trials).summary(3)


def test_it_has_converged_when_nothing_improves_for_that_many_trials() -> None:
    finals = [1.0, 0.5, 0.499, 0.498, 0.497, 0.3]
    history = History(goal=Goal.MINIMIZE, trials=[trial(index, final=final) for index, final in enumerate(finals, 1)])
    assert history.summary(3).converged == NOW + timedelta(seconds=5)
    assert history.summary(4).converged is None


def test_trials_are_a_sequence_in_launch_order() -> None:
    trials = drawn(1)
    known = Trials.of(trials)
    assert list(known) == list(trials)
    assert known == trials
    assert known[3] is trials[3]
    assert list(known[2:5]) == list(trials[2:5])
    assert [ended.name for ended in known.ended] == [ended.name for ended in in_completion_order(trials)]
    more = known.begun(trial(26, Status.IN_PROGRESS))
    assert (len(more), len(known)) == (26, 25)


def test_one_definition_sees_its_own_trials() -> None:
    trials = [replace(each, definition="ab"[each.index % 2]) for each in drawn(2)]
    history = History(goal=Goal.MAXIMIZE, trials=trials).of_definition("a", Goal.MINIMIZE)
    assert [each.name for each in history.known] == [each.name for each in trials if each.definition == "a"]
    assert history.goal is Goal.MINIMIZE
    assert len(History(goal=Goal.MAXIMIZE, trials=trials).of_definition("c", Goal.MAXIMIZE).known) == 0


def test_the_status_of_an_objective() -> None:
    assert objective_status(Status.IN_PROGRESS, None) == "Pending"
    assert objective_status(Status.STOPPED, 0.5) == "Succeeded"
    assert objective_status(Status.COMPLETED, None) == "Failed"
