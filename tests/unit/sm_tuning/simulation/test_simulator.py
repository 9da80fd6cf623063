from dataclasses import replace
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.space import Point
from local_emulator.strategies.random import Random
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.simulator import Ended, simulate
from sm_tuning.simulation.world import Training
from tests.unit.sm_tuning.made_examples import tuning_job

PLAN = parse.tuning(tuning_job(20).request)
RANDOM = Setting(strategy="Random", jobs=20, parallel=2)


class Planted:
    """Training jobs whose objective is their dropout, after nine epochs of 10 s, a minute of waiting and 30 s of starting."""

    def __init__(self, **changes: Any) -> None:
        self.points: dict[int, Point] = {}
        self._changes = changes

    def train(self, point: Point, number: int) -> Training:
        self.points[number] = point
        end = float(point["dropout"])
        training = Training(curve=tuple(end + 1 / epoch for epoch in range(1, 10)), pending=60, startup=30, epoch=10)
        return replace(training, **self._changes)


def simulated(setting: Setting, **changes: Any) -> tuple[list[Ended], Planted]:
    world = Planted(**changes)
    return list(simulate(setting.plan(PLAN), world, 7)), world


def test_the_strategy_is_the_emulators() -> None:
    ended, world = simulated(RANDOM)
    assert len(ended) == 20
    strategy = Random(PLAN.definitions[0].space, seed=7)
    assert world.points[1] == strategy._draw(0, set())  # type: ignore[arg-type] # nothing was tried


def test_the_clock_runs_two_training_jobs_at_a_time() -> None:
    ended, _ = simulated(RANDOM)
    assert max(training.ended for training in ended) == pytest.approx(10 * 180.0)
    assert [training.ended - training.started for training in ended] == [120.0] * 20
    assert all(training.started - training.launched == 60.0 for training in ended)
    assert all(training.epochs == 9 for training in ended)


def test_the_same_seed_gives_the_same_tuning_job() -> None:
    setting = Setting(strategy="Bayesian", jobs=14, parallel=3, early_stopping=True)
    assert simulated(setting)[0] == simulated(setting)[0]


def test_fewer_training_jobs_are_the_beginning_of_more() -> None:
    many, few = (simulated(replace(RANDOM, jobs=jobs, early_stopping=True))[0] for jobs in (20, 12))
    assert sorted(few, key=lambda training: training.index) == sorted(many, key=lambda training: training.index)[:12]


def test_hyperband_stops_at_rungs_and_at_the_last_epoch() -> None:
    ended, _ = simulated(Setting(strategy="Hyperband", jobs=20, parallel=4, min_resource=1, max_resource=9))
    assert {training.epochs for training in ended} <= {1, 3, 9}
    assert sum(training.epochs == 1 for training in ended) > 5
    best = min(ended, key=lambda training: training.final or 9.0)
    assert best.epochs == 9


def test_early_stopping_saves_time_and_keeps_the_best() -> None:
    watched, _ = simulated(replace(RANDOM, early_stopping=True))
    whole, _ = simulated(RANDOM)
    assert sum(training.epochs for training in watched) < sum(training.epochs for training in whole)
    assert min(training.final or 9.0 for training in watched) == min(training.final or 9.0 for training in whole)


def test_a_training_job_that_takes_too_long_is_stopped_by_its_limit() -> None:
    definition = PLAN.definitions[0]
    limited = replace(definition, spec=replace(definition.spec, stopping=replace(definition.spec.stopping, max_runtime=75)))
    plan = replace(RANDOM.plan(PLAN), definitions=(limited,))
    ended = simulate(plan, Planted(), 7)
    assert {(training.ended - training.started, training.epochs) for training in ended} == {(75.0, 4)}


def test_failures_end_the_tuning_job_as_the_emulator_ends_it() -> None:
    ended, _ = simulated(RANDOM, fails=True)
    assert len(ended) == 6  # five may fail, and one more ran beside the fifth
    assert all(training.final is None for training in ended)


def test_completion_criteria_are_the_emulators() -> None:
    plan = replace(RANDOM.plan(PLAN), max_runtime=400)
    ended = simulate(plan, Planted(), 7)
    assert max(training.ended for training in ended) == 400.0
    assert len(simulate(replace(RANDOM.plan(PLAN), target=5.0), Planted(), 7)) < 4
