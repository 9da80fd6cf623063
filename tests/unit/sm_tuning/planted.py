"""Learning curves and tuning jobs whose right diagnosis is known, because they were made so."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sm_tuning import Continuous, Objective, Scaling
from sm_tuning.analysis import Diagnosis
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription

START = datetime(2026, 1, 1, tzinfo=UTC)
Play = Callable[[Mapping[str, float]], Curves]
RATE = {"learning_rate": (1e-4, 1.0, "Logarithmic"), "regularization": (1e-6, 1e-1, "Logarithmic")}


def fall(epochs: int, start: float, floor: float, rate: float) -> list[float]:
    """A loss that falls towards a floor."""
    return [floor + (start - floor) * math.exp(-rate * epoch) for epoch in range(epochs)]


def jittered(curve: Sequence[float], size: float, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [value + chance.gauss(0, size) for value in curve]


def losses(train: Sequence[float], held: Sequence[float], noise: float = 0.0, seed: int = 0) -> Curves:
    return {"train:loss": jittered(train, noise, seed), "validation:loss": jittered(held, noise, seed + 1)}


def overfitting(epochs: int = 40, turn: int = 10, slope: float = 0.02) -> tuple[list[float], list[float]]:
    """Training goes on; validation turns."""
    train = fall(epochs, 2.3, 0.01, 0.15)
    held = [value + 0.15 + slope * max(epoch - turn, 0) for epoch, value in enumerate(fall(epochs, 2.3, 0.3, 0.2))]
    return train, held


def good(epochs: int = 40, floor: float = 0.3) -> tuple[list[float], list[float]]:
    return fall(epochs, 2.3, floor, 0.25), [value + 0.08 for value in fall(epochs, 2.3, floor, 0.22)]


def little_data(epochs: int = 40) -> tuple[list[float], list[float]]:
    """Training fits perfectly; validation levels off far above."""
    return fall(epochs, 2.3, 0.01, 0.3), fall(epochs, 2.3, 1.2, 0.3)


def tuned(play: Play, ranges: Mapping[str, tuple[float, float, str]], jobs: int = 30, seed: int = 1) -> Results:
    """A random tuning job of a planted space; the objective is the last validation loss."""
    chance = random.Random(seed)
    trials = []
    for number in range(jobs):
        point = {}
        for name, (low, high, scaling) in ranges.items():
            at = chance.random()
            point[name] = (
                math.exp(math.log(low) + at * math.log(high / low)) if scaling == "Logarithmic" else low + at * (high - low)
            )
        curves = play(point)
        held = curves.get("validation:loss", ())
        value = held[-1] if held and math.isfinite(held[-1]) else None
        trial = TrialResult(
            tuning_job="planted",
            name=f"job-{number:03d}",
            status="Completed",
            hyperparameters={name: repr(setting) for name, setting in point.items()},
            reported=value,
            created=START + timedelta(minutes=number),
            started=START + timedelta(minutes=number),
            ended=START + timedelta(minutes=number + 2),
            curves=curves,
        )
        trials.append(trial)
    formed = [Continuous(name, low, high, Scaling(scaling)) for name, (low, high, scaling) in ranges.items()]
    objective = Objective.minimize("validation:loss")
    job = TuningJobDescription(name="planted", objective=objective, ranges=formed, max_parallel=2)
    return Results(tuning_jobs=[job], trials=trials)


def halved(results: Results, most: int = 9, rungs: Sequence[int] = (1, 3)) -> Results:
    """What Hyperband leaves of a tuning job of whole curves: at each rung the better half of those launched by then goes on."""
    metric = results.objective.name
    trials: list[TrialResult] = []
    reached: dict[int, list[float]] = {rung: [] for rung in rungs}
    for trial in results.trials:
        made = most
        for rung in rungs:
            value = trial.curves[metric][rung - 1]
            reached[rung].append(value)
            if sorted(reached[rung]).index(value) > len(reached[rung]) // 2:
                made = rung
                break
        trials.append(stopped(trial, made, metric))
    config = {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": most}}}
    job = replace(results.tuning_jobs[0], strategy="Hyperband", request={"HyperParameterTuningJobConfig": config})
    return Results(tuning_jobs=[job], trials=trials)


def stopped(trial: TrialResult, made: int, metric: str = "validation:loss") -> TrialResult:
    """A training job that was stopped after some epochs: its objective is the last value then."""
    curves = {name: values[:made] for name, values in trial.curves.items()}
    return replace(trial, status="Stopped", reported=curves[metric][-1], curves=curves)


def diverging(point: Mapping[str, float]) -> Curves:
    """Above a rate of 0.1 training diverges; the best rate is 0.01."""
    rate = point["learning_rate"]
    if rate > 0.1:
        return losses([2.3 * 1.3**epoch for epoch in range(20)], [2.3 * 1.3**epoch for epoch in range(20)])
    floor = 0.2 + 0.2 * abs(math.log10(rate / 0.01))
    curve = fall(20, 2.3, floor, 0.4)
    return losses(curve, [value + 0.05 for value in curve])


def falling(towards: str) -> Play:
    """The farther towards an end of the rate's range, the better."""

    def play(point: Mapping[str, float]) -> Curves:
        distance = math.log10(1.0 / point["learning_rate"]) if towards == "high" else math.log10(point["learning_rate"] / 1e-4)
        curve = fall(25, 2.3, 0.2 + 0.3 * distance, 0.5)
        return losses(curve, [value + 0.05 for value in curve])

    return play


def overfit_job() -> Results:
    return tuned(lambda _: losses(*overfitting()), RATE, 5)


def effect(diagnosis: Diagnosis, name: str) -> Any:
    return next(effect for effect in diagnosis.effects if effect.name == name)


def remedies(diagnosis: Diagnosis) -> list[str]:
    return [advice.remedy for advice in diagnosis.advice]
