from dataclasses import replace

import pytest

from local_emulator.documents import parse
from local_emulator.domain.space import Point
from sm_tuning.simulation.runner import run
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.world import Training, World
from tests.unit.sm_tuning.made_examples import tuning_job

PLAN = parse.tuning(tuning_job(20).request)
SETTINGS = [
    Setting(strategy="Random", jobs=jobs, parallel=2, early_stopping=stops) for jobs in (5, 12) for stops in (False, True)
]


class Counting:
    """Worlds that count how often a training job was asked for."""

    def __init__(self) -> None:
        self.trained = 0

    def world(self, seed: int) -> World:  # noqa: ARG002 - every seed has the same
        return self

    def train(self, point: Point, number: int) -> Training:  # noqa: ARG002 - see above
        self.trained += 1
        return Training(curve=(1.0, float(point["dropout"])), expected=float(point["dropout"]))


def test_settings_share_what_they_have_in_common() -> None:
    worlds = Counting()
    outcomes = run(PLAN, SETTINGS, worlds, seeds=range(3))
    assert [outcome.setting for outcome in outcomes] == SETTINGS
    assert worlds.trained == 3 * 2 * 12
    alone = run(PLAN, SETTINGS[:1], Counting(), seeds=range(3))
    assert alone[0].replicas == outcomes[0].replicas


def test_a_convergence_depends_on_the_number_of_training_jobs() -> None:
    worlds = Counting()
    run(replace(PLAN, complete_on_convergence=True), SETTINGS, worlds, seeds=range(1))
    assert worlds.trained > 2 * 12


@pytest.mark.parametrize("workers", [1, 2])
def test_every_seed_that_is_done_is_counted(workers: int) -> None:
    counts: list[tuple[int, int]] = []
    run(PLAN, SETTINGS[:1], Counting(), seeds=range(3), workers=workers, progress=lambda *count: counts.append(count))
    assert counts == [(1, 3), (2, 3), (3, 3)]
