"""What is thought out ahead is what would have been said anyway, and is used only where it was foreseen."""

from collections.abc import Sequence
from dataclasses import replace

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Continuous, Point, Space
from local_emulator.strategies.ahead import Ahead
from local_emulator.strategies.bayesian import Bayesian

SPACE = Space(parameters=(Continuous(name="x", low=0.0, high=1.0), Continuous(name="y", low=0.0, high=1.0)))


class Counted:
    """A search that counts what it is asked."""

    def __init__(self) -> None:
        self.search = Bayesian(SPACE, seed=1)
        self.asked = 0

    def ask(self, history: History, count: int) -> Sequence[Point]:
        self.asked += 1
        return self.search.ask(history, count)

    def prune(self, history: History) -> Sequence[Trial]:
        return self.search.prune(history)


def ended(number: int) -> Trial:
    point = {"x": str(0.03 * number), "y": str(1 - 0.03 * number)}
    return Trial(
        name=f"t{number}", index=number, point=point, status=Status.COMPLETED, values=(0.1, 0.01 * number), final=0.01 * number
    )


def running(number: int, *values: float) -> Trial:
    return replace(ended(number), status=Status.IN_PROGRESS, values=values, final=None)


def test_a_foreseen_history_is_answered_at_once() -> None:
    made: list[Counted] = []

    def make() -> Counted:
        made.append(Counted())
        return made[-1]

    ahead = Ahead(make)
    past = [ended(number) for number in range(1, 15)]
    ahead.think(History(goal=Goal.MAXIMIZE, trials=[*past, running(15, 0.3, 0.5), running(16)]))
    came = History(goal=Goal.MAXIMIZE, trials=[*past, replace(ended(15), values=(0.3, 0.5), final=0.5), running(16)])
    assert ahead.ask(came, 1) == Bayesian(SPACE, seed=1).ask(came, 1)
    assert (made[0].asked, made[1].asked) == (0, 1)


def test_any_other_history_is_thought_about() -> None:
    ahead = Ahead(Counted)
    past = [ended(number) for number in range(1, 15)]
    ahead.think(History(goal=Goal.MAXIMIZE, trials=[*past, running(15, 0.3, 0.5)]))
    told = running(15).point
    for other in (
        Trial(name="t15", index=15, point=told, status=Status.COMPLETED, values=(0.3, 0.5, 0.4), final=0.4),
        Trial(name="t15", index=15, point=told, status=Status.FAILED, values=(0.3, 0.5)),
    ):
        came = History(goal=Goal.MAXIMIZE, trials=[*past, other])
        assert ahead.ask(came, 1) == Bayesian(SPACE, seed=1).ask(came, 1)
        assert ahead.ask(came, 2) == Bayesian(SPACE, seed=1).ask(came, 2)


def test_nothing_is_foreseen_before_a_value() -> None:
    made: list[Counted] = []

    def make() -> Counted:
        made.append(Counted())
        return made[-1]

    ahead = Ahead(make)
    ahead.think(History(goal=Goal.MAXIMIZE, trials=[ended(1), running(2)]))
    ahead.think(History(goal=Goal.MAXIMIZE, trials=[ended(1)]))
    assert made[1].asked == 0
