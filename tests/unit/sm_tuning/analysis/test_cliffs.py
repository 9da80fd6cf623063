"""The value above which training comes to nothing."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from sm_tuning import Objective
from sm_tuning.analysis import Verdict, diagnose
from sm_tuning.analysis.cliffs import cliff
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.results import Results
from tests.unit.sm_tuning.planted import RATE, fall, losses, tuned

_CHANCE = math.log(10)


def dead_above(point: Mapping[str, float], name: str, value: float) -> Curves:
    """A network of ten classes: above a value it stays at chance level from its first epoch on, with sound numbers."""
    chance = random.Random(repr(sorted(point.items())))
    if point[name] > value:
        flat = [_CHANCE + chance.uniform(0, 0.003) for _ in range(15)]
        return losses(flat, [loss + 0.001 for loss in flat])
    curve = fall(15, _CHANCE, 0.3 + 0.05 * abs(math.log10(point["learning_rate"] / 0.003)), 0.4)
    return losses(curve, [loss + 0.05 for loss in curve])


@pytest.mark.parametrize(("jobs", "seed"), [(12, 1), (12, 2), (30, 3), (60, 4)])
def test_dead_networks_show_it_as_well_as_numbers_that_are_none(jobs: int, seed: int) -> None:
    results = tuned(lambda point: dead_above(point, "learning_rate", 0.05), RATE, jobs, seed)
    rates = [float(trial.hyperparameters["learning_rate"]) for trial in results.trials]
    assert cliff(results, diagnose(results).fits) == ("learning_rate", min(rate for rate in rates if rate > 0.05))


def as_errors(play: Mapping[str, Sequence[float]]) -> Curves:
    """Losses as the shares that are wrong: no number of those is what guessing gives."""
    return {name.replace("loss", "error"): [1 - math.exp(-value) for value in values] for name, values in play.items()}


def with_errors(results: Results) -> Results:
    """The same tuning job, had it printed and tuned errors."""
    trials = [
        replace(trial, curves=as_errors(trial.curves), reported=1 - math.exp(-(trial.reported or 0.0)))
        for trial in results.trials
    ]
    job = replace(results.tuning_jobs[0], objective=Objective.minimize("validation:error"))
    return replace(results, trials=trials, tuning_jobs=[job])


def test_a_dead_network_that_prints_errors_is_known_by_the_others() -> None:
    results = with_errors(tuned(lambda point: dead_above(point, "learning_rate", 0.05), RATE, 24, 1))
    diagnosis = diagnose(results)
    dead = {trial.name for trial in results.trials if float(trial.hyperparameters["learning_rate"]) > 0.05}
    assert {name for name, fit in diagnosis.fits.items() if fit.verdict is Verdict.RATE_TOO_HIGH} == dead
    assert all("with learning_rate from" in diagnosis.fits[name].reason for name in dead)


def test_what_a_penalty_kills_has_no_rate_that_is_too_high() -> None:
    results = with_errors(tuned(lambda point: dead_above(point, "regularization", 1e-3), RATE, 30, 1))
    diagnosis = diagnose(results)
    name, _ = cliff(results, diagnosis.fits) or ("", 0.0)
    assert name == "regularization"
    assert not any(fit.verdict.died for fit in diagnosis.fits.values())


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_doing_of_one_hyperparameter(seed: int) -> None:
    results = tuned(lambda point: dead_above(point, "regularization", 1e-3), RATE, 30, seed)
    diagnosis = diagnose(results)
    (effect,) = (effect for effect in diagnosis.effects if effect.dies_above is not None)
    assert effect.name == "regularization"
    assert effect.dies_above is not None
    assert 1e-3 < effect.dies_above < 1e-2


def test_too_low_a_rate_learns_nothing_and_is_no_cliff() -> None:
    def play(point: Mapping[str, float]) -> Curves:
        flat = [_CHANCE - 0.0005 * epoch for epoch in range(15)]
        curve = flat if point["learning_rate"] < 0.01 else fall(15, _CHANCE, 0.3, 0.4)
        return losses(curve, [loss + 0.05 for loss in curve])

    results = tuned(play, RATE, 30)
    assert cliff(results, diagnose(results).fits) is None


@pytest.mark.parametrize("seed", range(8))
def test_deaths_by_chance_are_none(seed: int) -> None:
    def play(point: Mapping[str, float]) -> Curves:
        dead = random.Random(repr(sorted(point.items()))).random() < 0.3
        curve = [2.3, math.nan, math.nan] if dead else fall(15, 2.3, 0.3, 0.4)
        return losses(curve, curve)

    results = tuned(play, RATE, 30, seed)
    fits = diagnose(results).fits
    assert sum(fit.verdict.died for fit in fits.values()) > 3
    assert cliff(results, fits) is None
