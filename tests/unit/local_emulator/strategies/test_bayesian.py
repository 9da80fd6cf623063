"""Bayesian search: odd results, parents of a warm start, trials that run."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Continuous, Point, Space
from local_emulator.strategies import bayesian
from local_emulator.strategies.bayesian import FULL, QUICK, Bayesian, Effort, warp
from local_emulator.strategies.gaussian_process import Kernel
from tests.unit.local_emulator.strategies.test_gaussian_process import SPACE, points


def valley(point: Point) -> float:
    """Lowest, 0, at a rate of 0.01 and 16 units with adam."""
    off = (math.log10(float(point["rate"])) + 2.0) ** 2 + ((int(point["units"]) - 16) / 32) ** 2
    return off + (point["optimizer"] == "sgd")


def trials(values: Sequence[tuple[Point, float | None]], status: Status = Status.COMPLETED) -> tuple[Trial, ...]:
    return tuple(
        Trial(
            name=str(index),
            index=index,
            point=point,
            status=status if value is not None or not status.terminal else Status.FAILED,
            values=() if value is None else (value,),
            final=value,
            ended=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for index, (point, value) in enumerate(values)
    )


def inside(point: Point) -> bool:
    return point["optimizer"] in {"adam", "sgd"} and 1 <= int(point["units"]) <= 64 and 1e-4 <= float(point["rate"]) <= 1.0


def test_the_first_point_is_the_middle_and_six_results_are_learnt_from() -> None:
    """The middle of what is believed: two thirds of a learning rate's range, half of one of which nothing is known."""
    first = Bayesian(SPACE, seed=1).ask(History(goal=Goal.MINIMIZE), 1)[0]
    assert float(first["rate"]) == pytest.approx(10.0 ** (4 * 0.67 - 4))
    assert first["units"] in {"32", "33"}
    known = [(point, valley(point)) for point in points(6)]
    for count, learns in ((5, False), (6, True)):
        history = History(goal=Goal.MINIMIZE, trials=trials(known[:count]))
        assert (Bayesian(SPACE, seed=1).expectation(history, first) is not None) is learns


def test_many_at_once_are_spread_evenly_before_there_are_results() -> None:
    """In each quarter of a range about a quarter of the points, where random ones differ more."""
    asked = Bayesian(SPACE, seed=1).ask(History(goal=Goal.MINIMIZE), 100)
    quarters = np.bincount([(int(point["units"]) - 1) // 16 for point in asked], minlength=4)
    assert quarters.min() >= 20


ODD: dict[str, Sequence[float | None]] = {
    "all the same": [0.5] * 14,
    "huge": [3e38, -3e38, 1e30, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.25, 3e38, 3e38, 1e-30, 0.0],
    "half failed": [None, 1.0, None, 2.0, None, 3.0, None, 4.0, None, 5.0, None, 6.0, None, 7.0],
    "all failed": [None] * 14,
    "one better": [1.0] * 13 + [0.0],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_results_are_not_fatal(name: str) -> None:
    history = History(goal=Goal.MINIMIZE, trials=trials(list(zip(points(14), ODD[name], strict=True))))
    asked = Bayesian(SPACE, seed=1).ask(history, 4)
    assert len({tuple(sorted(point.items())) for point in asked}) == 4
    assert all(map(inside, asked))
    assert asked == Bayesian(SPACE, seed=1).ask(history, 4)


def test_what_diverged_does_not_drown_the_rest() -> None:
    """One loss of 1e30 must not flatten the others, nor change which of them is best."""
    outputs = np.array([0.1, 0.2, 0.3, 0.4, 1e30])
    warped = warp(outputs)
    assert np.all(np.diff(warped) > 0)
    assert warped[2] - warped[0] > 0.2 * (warped[4] - warped[0])


@pytest.mark.parametrize("transfer", [False, True])
def test_parents_save_the_first_steps(transfer: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """With parents the very first proposals are good; with transfer even if their values are of another size."""
    observed = [(point, valley(point) * (1000.0 if transfer else 1.0) + (50.0 if transfer else 0.0)) for point in points(30, 3)]
    warm = History(goal=Goal.MINIMIZE, parents=trials(observed), transfer=transfer)
    cold = History(goal=Goal.MINIMIZE)
    for seed in range(3):
        from_warm = [valley(point) for point in Bayesian(SPACE, seed=seed).ask(warm, 4)]
        from_cold = [valley(point) for point in Bayesian(SPACE, seed=seed).ask(cold, 4)]
        assert np.mean(from_warm) < 0.5 * np.mean(from_cold)


def test_transfer_does_not_mix_scales() -> None:
    """Own results that are all worse than the parents' still tell which of them is best."""
    parents = trials([(point, valley(point) - 100.0) for point in points(20, 4)])
    own = trials([(point, valley(point)) for point in points(12, 5)])
    asked = Bayesian(SPACE, seed=0).ask(History(goal=Goal.MINIMIZE, trials=own, parents=parents, transfer=True), 2)
    assert max(map(valley, asked)) < 0.3


def test_parents_with_other_values_are_left_out() -> None:
    good = list(points(12, 6))
    odd: list[Point] = [
        {**good[0], "units": "many"},
        {**good[1], "units": "200"},
        {**good[2], "optimizer": "lion"},
        {"rate": "0.1"},
        {**good[3], "rate": "1e-9"},
    ]
    with_odd = trials([(point, 0.0) for point in odd] + [(point, valley(point)) for point in good])
    without = trials([(point, valley(point)) for point in good])
    asked = Bayesian(SPACE, seed=2).ask(History(goal=Goal.MINIMIZE, parents=with_odd), 2)
    assert asked == Bayesian(SPACE, seed=2).ask(History(goal=Goal.MINIMIZE, parents=without), 2)


def test_what_parents_died_of_beyond_an_end_is_not_sought_at_it() -> None:
    """The next round's range ends where training began to die, and the objective rises up to there."""
    space = Space(parameters=(Continuous(name="rate", low=1e-4, high=1.39),))
    rates = [10 ** (-4 + index / 4) for index in range(17)]
    lived = trials([({"rate": str(rate)}, 90 + 2 * math.log10(rate)) for rate in rates])
    died = trials([({"rate": str(rate)}, 10.0) for rate in (1.3903, 1.77, 2.22)])
    for seed in range(3):
        asked = Bayesian(space, seed=seed).ask(History(goal=Goal.MAXIMIZE, parents=[*lived, *died]), 4)
        assert max(float(point["rate"]) for point in asked) < 1.3
        asked = Bayesian(space, seed=seed).ask(History(goal=Goal.MAXIMIZE, parents=lived), 4)
        assert max(float(point["rate"]) for point in asked) == pytest.approx(1.39)


def test_a_value_that_was_tried_little_weighs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the square root of how much rarer it is, of each category; numbers weigh nothing. The proposal follows it."""
    space = Space(parameters=(Categorical(name="kind", values=("a", "b", "c")), Continuous(name="x", low=0.0, high=1.0)))
    strategy = Bayesian(space, seed=0)
    inputs = np.array([[0.0, 0.5]] * 14 + [[1.0, 0.5]] * 4)
    rarity = strategy._rarity(inputs)(np.array([[0.0, 0.1], [1.0, 0.9], [2.0, 0.5]]))
    np.testing.assert_allclose(np.exp(rarity), (np.array([15.0, 5.0, 1.0]) / 7.0) ** -0.5)

    known = [({"kind": kind, "x": str(at / 18)}, float(at % 5)) for at, kind in enumerate("a" * 14 + "b" * 3 + "c")]
    monkeypatch.setattr(bayesian, "_CURIOSITY", 50.0)
    assert strategy.ask(History(goal=Goal.MINIMIZE, trials=trials(known)), 1)[0]["kind"] == "c"


@pytest.mark.parametrize("effort", [FULL, QUICK])
def test_two_kernels_share_few_results_and_the_more_probable_has_many(effort: Effort) -> None:
    strategy = Bayesian(SPACE, seed=0, effort=effort)

    def kernels(results: int) -> Sequence[Kernel]:
        observed = trials([(point, valley(point)) for point in points(results)])
        model = strategy._learn(History(goal=Goal.MINIMIZE, trials=observed))
        return [process.kernel for process in model.processes] if model else []

    first, second = kernels(12)
    assert np.ptp(first.weights) > 0.0
    assert np.ptp(second.weights) == 0.0
    (alone,) = kernels(60)
    assert np.ptp(alone.weights) > 0.0


def test_running_trials_are_kept_away_from() -> None:
    """What runs already is extended: asking one by one with nothing told gives other points than what runs."""
    observed = trials([(point, valley(point)) for point in points(12, 7)])
    first = Bayesian(SPACE, seed=3).ask(History(goal=Goal.MINIMIZE, trials=observed), 1)[0]
    running = Trial(name="12", index=12, point=first, status=Status.IN_PROGRESS)
    second = Bayesian(SPACE, seed=3).ask(History(goal=Goal.MINIMIZE, trials=(*observed, running)), 1)[0]
    near = np.abs(np.array(SPACE.units(first)) - np.array(SPACE.units(second))).max()
    assert near > 0.01


def test_it_computes_on_one_thread_and_leaves_the_others_to_whoever_had_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    monkeypatch.setattr(Bayesian, "_learn", lambda *_: seen.extend(threads()))
    with threadpool_limits(2):
        Bayesian(SPACE, seed=1).ask(History(goal=Goal.MINIMIZE, trials=()), 1)
        assert seen
        assert set(seen) == {1}
        assert set(threads()) == {2}
