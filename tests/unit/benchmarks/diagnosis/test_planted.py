"""What the benchmark of effects and advice calls true is what was planted."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.diagnosis.against import Judge, contradictions
from benchmarks.diagnosis.axes import Axis, Role
from benchmarks.diagnosis.families import HELD_OUT, surface
from benchmarks.diagnosis.planted import Death, Interaction, Main, Surface
from benchmarks.diagnosis.played import play, results
from sm_tuning.analysis import Advice, Remedy

RATE = Axis(name="learning_rate", role=Role.RATE, low=1e-4, high=1.0, logarithmic=True)
PENALTY = Axis(name="weight_decay", role=Role.PENALTY, low=1e-6, high=1e-1, logarithmic=True)
OPTIMIZER = Axis(name="optimizer", role=Role.CATEGORY, values=("adam", "sgd", "lamb"))


def made(*mains: Main, interactions: tuple[Interaction, ...] = (), cliff: float | None = None, level: float = 0.03) -> Surface:
    return Surface(
        family="test",
        seed=1,
        axes=[RATE, PENALTY, OPTIMIZER],
        mains=mains,
        interactions=interactions,
        least=0.2,
        chance=2.3,
        level=level,
        cliff=cliff,
    )


def slope(axis: int, weight: float, centre: float = 1.2) -> Main:
    return Main(axis=axis, shape="cone", centre=centre, weight=weight)


def near(totals: Mapping[str, float], **expected: float) -> bool:
    return all(totals[name] == pytest.approx(value, abs=0.06) for name, value in expected.items())


def test_total_effects_are_the_shares_of_what_was_added() -> None:
    assert near(made(slope(0, 0.2), slope(1, 0.1)).total_effects, learning_rate=0.8, weight_decay=0.2, optimizer=0.0)


def test_both_hyperparameters_of_a_pure_interaction_are_the_strongest() -> None:
    planted = made(interactions=(Interaction(axes=(0, 1), kind="xor", weight=0.2),))
    assert near(planted.total_effects, learning_rate=1.0, weight_decay=1.0, optimizer=0.0)
    assert planted.strongest == {"learning_rate", "weight_decay"}
    assert planted.edges == {}  # neither is better at an end


def test_a_cliff_makes_the_rate_strong() -> None:
    planted = made(slope(0, 0.02, centre=0.5), slope(1, 0.06), cliff=0.7)
    assert planted.total_effects["learning_rate"] > 0.9
    assert planted.strongest == {"learning_rate", "weight_decay"}  # without the dead ones it is the other
    assert planted.cliff_value == pytest.approx(10**-1.2)
    assert planted.optimum[0] < 0.7


@pytest.mark.parametrize(("centre", "edge"), [(1.2, "high"), (-0.2, "low"), (0.5, None)])
def test_edges_are_where_the_best_is(centre: float, edge: str | None) -> None:
    planted = made(slope(0, 0.2, centre))
    assert planted.edges == {"learning_rate": edge, "weight_decay": None}
    assert planted.best_at("learning_rate") == pytest.approx(min(max(centre, 0.0), 1.0), abs=0.03)


def test_categories_that_cost_most_are_bad() -> None:
    levels = Main(axis=2, shape="", centre=0.0, weight=0.2, levels=(0.1, 1.0, 0.0))
    assert made(levels).bad_categories == {"optimizer": {"sgd"}}


@pytest.mark.parametrize("family", HELD_OUT)
def test_families_are_what_they_are_called(family: str) -> None:
    for seed in range(3):
        planted = surface(family, seed)
        sample = np.random.default_rng(seed).random((500, len(planted.axes)))
        loss = planted.loss(sample)
        assert (loss >= planted.best_loss - 0.01 * planted.scale).all()
        assert (loss[~planted.alive(sample)] == planted.chance).all()
        assert bool(planted.strongest) == (family != "noise")
        first = planted.axes[0].name
        if family in {"single", "edge", "inside", "cliff", "bad_category", "numeric_category", "steps"}:
            assert first in planted.strongest
        if family == "edge":
            assert planted.edges[first] in {"low", "high"}
        if family == "inside":
            assert planted.edges[first] is None


def test_training_jobs_end_where_the_surface_says() -> None:
    planted = replace(made(slope(0, 0.2), slope(1, 0.1), level=0.0), death=Death.NAN, cliff=0.8)
    trainings = play(planted, "Random", 12)
    read = results(planted, trainings)
    for training, trial in zip(trainings, read.trials, strict=True):
        units = np.array([[axis.parameter.unit(training.point[axis.name]) for axis in planted.axes]])
        assert training.dead == (units[0, 0] > 0.8) == (trial.objective is None)
        if trial.objective is not None:
            assert trial.objective == pytest.approx(float(planted.loss(units)[0]))


def test_advice_is_held_against_the_truth() -> None:
    planted = made(slope(0, 0.2, centre=-0.3), cliff=0.6)
    trainings = play(planted, "Random", 12)
    judge = Judge(planted, trainings)
    assert (judge.clearly(0, "up"), judge.clearly(1, "up")) == ("wrong", "neither")
    higher = Advice(kind=Remedy.HIGHER_RATE, remedy="a higher learning rate", reason="", ranges={"learning_rate": (0.01, 1.0)})
    lower = Advice(kind=Remedy.LOWER_RATE, remedy="a lower learning rate", reason="", ranges={"learning_rate": (1e-6, 1e-2)})
    assert [text.split(":")[0] for text in contradictions(planted, trainings, [higher])] == ["wrong way", "range", "cliff"]
    assert contradictions(planted, trainings, [lower]) == []
    both = [text.split(":")[0] for text in contradictions(planted, trainings, [lower, higher])]
    assert {"opposite", "two ranges"} <= set(both)
