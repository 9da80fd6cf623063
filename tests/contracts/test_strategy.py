"""The laws of every strategy: points inside the space, none twice in a finite one, same history same answer, an end."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space
from local_emulator.strategies.base import Strategy
from local_emulator.strategies.bayesian import QUICK, Bayesian
from local_emulator.strategies.grid import Grid
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.random import Random, key

MAKERS: dict[str, Callable[[Space, int], Strategy]] = {
    "Random": lambda space, seed: Random(space, seed=seed),
    "Bayesian": lambda space, seed: Bayesian(space, seed=seed),
    "Bayesian, quick": lambda space, seed: Bayesian(space, seed=seed, effort=QUICK),
    "Hyperband": lambda space, seed: Hyperband(space, seed=seed, max_resource=9),
    "Grid": lambda space, _seed: Grid(space),
}

categoricals = st.builds(
    lambda name, values: Categorical(name=name, values=tuple(values)),
    st.just(""),
    st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True),
)
integers = st.builds(
    lambda low, span: Integer(name="", low=low, high=low + span, scaling=Scaling.LINEAR), st.integers(-50, 50), st.integers(1, 20)
) | st.builds(
    lambda low, span: Integer(name="", low=low, high=low + span, scaling=Scaling.LOGARITHMIC), st.integers(1, 50), st.integers(1, 2000)
)  # fmt: skip
continuous = st.builds(
    lambda low, span, scaling: Continuous(name="", low=low, high=low + span, scaling=scaling),
    st.floats(1e-6, 0.4),
    st.floats(1e-3, 0.5),
    st.sampled_from(Scaling),
)


def named(parameters: Sequence[Parameter]) -> Space:
    copies = []
    for number, parameter in enumerate(parameters):
        fields = {name: getattr(parameter, name) for name in parameter.__dataclass_fields__}
        copies.append(type(parameter)(**{**fields, "name": f"p{number}"}))
    return Space(parameters=tuple(copies))


spaces = st.lists(categoricals | integers | continuous, min_size=1, max_size=4).map(named)
grids = st.lists(categoricals, min_size=1, max_size=3).map(named)


def inside(space: Space, point: Point) -> bool:
    if set(point) != {parameter.name for parameter in space.parameters}:
        return False
    for parameter in space.parameters:
        text = point[parameter.name]
        if isinstance(parameter, Categorical):
            if text not in parameter.values:
                return False
        elif not parameter.low <= float(text) <= parameter.high or (isinstance(parameter, Integer) and str(int(text)) != text):
            return False
    return True


def histories(draw: st.DataObject, points: list[Point], *, running: bool = True) -> History:
    trials = []
    for number, point in enumerate(points):
        status = draw.draw(
            st.sampled_from([Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.STOPPED] + [Status.IN_PROGRESS] * running)
        )
        value = draw.draw(st.floats(-1e6, 1e6)) if status in {Status.COMPLETED, Status.STOPPED} else None
        ended = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number) if status is not Status.IN_PROGRESS else None
        values = () if value is None else (value,)
        trials.append(
            Trial(name=f"t{number}", index=number + 1, point=point, status=status, final=value, ended=ended, values=values)
        )
    return History(goal=draw.draw(st.sampled_from(Goal)), trials=trials)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), seed=st.integers(0, 2**31), rounds=st.integers(1, 4), count=st.integers(1, 5))
def test_laws(name: str, data: st.DataObject, seed: int, rounds: int, count: int) -> None:
    space = data.draw(grids if name == "Grid" else spaces)
    points: list[Point] = []
    for _ in range(rounds):
        history = histories(data, points)
        asked = list(MAKERS[name](space, seed).ask(history, count))
        assert asked == list(MAKERS[name](space, seed).ask(history, count)), "same history, same answer"
        assert len(asked) <= count
        assert all(inside(space, point) for point in asked)
        assert all(trial in history.running for trial in MAKERS[name](space, seed).prune(history))
        points += asked
        if space.size is not None:
            assert len({key(point) for point in points}) == len(points), "never twice in a finite space"
            assert len(asked) == min(count, space.size - len(points) + len(asked))
        else:
            assert len(asked) == count


@pytest.mark.parametrize("name", ["Random", "Bayesian", "Grid"])
def test_a_finite_space_is_used_up(name: str) -> None:
    space = named([Categorical(name="", values=("a", "b", "c")), Categorical(name="", values=("x", "y"))])
    strategy = MAKERS[name](space, 3)
    trials: list[Trial] = []
    while points := strategy.ask(History(goal=Goal.MINIMIZE, trials=trials), 4):
        for point in points:
            number = len(trials) + 1
            ended = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            trials.append(
                Trial(name=str(number), index=number, point=point, status=Status.COMPLETED, final=float(number), ended=ended)
            )
    assert len({key(trial.point) for trial in trials}) == 6


def test_parallel_bayesian_proposals_differ() -> None:
    space = named([Continuous(name="", low=0.0, high=1.0), Continuous(name="", low=0.0, high=1.0)])
    random = Random(space, seed=1)
    trials: list[Trial] = []
    for number in range(10):
        point = random.ask(History(goal=Goal.MINIMIZE, trials=trials), 1)[0]
        value = (float(point["p0"]) - 0.3) ** 2 + (float(point["p1"]) - 0.7) ** 2
        ended = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        trials.append(Trial(name=str(number), index=number + 1, point=point, status=Status.COMPLETED, final=value, ended=ended))
    points = Bayesian(space, seed=1).ask(History(goal=Goal.MINIMIZE, trials=trials), 4)
    rows = [[float(value) for value in point.values()] for point in points]
    assert min(math.dist(row, other) for index, row in enumerate(rows) for other in rows[:index]) > 1e-3


def test_bayesian_beats_random_on_a_valley() -> None:
    space = named([Continuous(name="", low=0.0, high=1.0), Continuous(name="", low=0.0, high=1.0)])

    def best(strategy: Strategy) -> float:
        trials: list[Trial] = []
        for number in range(25):
            point = strategy.ask(History(goal=Goal.MINIMIZE, trials=trials), 1)[0]
            value = (float(point["p0"]) - 0.3) ** 2 + (float(point["p1"]) - 0.7) ** 2
            ended = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            trials.append(
                Trial(name=str(number), index=number + 1, point=point, status=Status.COMPLETED, final=value, ended=ended)
            )
        return min(trial.final for trial in trials if trial.final is not None)

    bayesian = [best(Bayesian(space, seed=seed)) for seed in range(3)]
    random = [best(Random(space, seed=seed)) for seed in range(3)]
    assert max(bayesian) < min(random)


def test_hyperband_by_hand() -> None:
    """MinResource 1, MaxResource 9: rungs at 1 and 3. At the first rung 0.9, 0.5 and 0.1 (maximised): one of them goes on, 0.9."""
    space = named([Continuous(name="", low=0.0, high=1.0)])
    rows = [(0.9, 0.9), (0.5,), (0.1,), (0.95,)]
    trials = [
        Trial(name=str(number), index=number, point={"p0": "0.5"}, status=Status.IN_PROGRESS, values=values)
        for number, values in enumerate(rows, 1)
    ]
    pruned = Hyperband(space, seed=0, max_resource=9).prune(History(goal=Goal.MAXIMIZE, trials=trials))
    # The first two had fewer than three to be judged by; the third is worst of three; the fourth is best of four.
    assert [trial.name for trial in pruned] == ["3"]
    done = [Trial(name="1", index=1, point={"p0": "0.5"}, status=Status.IN_PROGRESS, values=(0.1,) * 9)]
    assert [trial.name for trial in Hyperband(space, seed=0, max_resource=9).prune(History(goal=Goal.MAXIMIZE, trials=done))] == [
        "1"
    ]
