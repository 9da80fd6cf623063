"""Tuning jobs on planted surfaces, as the product reads them: points that a strategy chooses, learning curves, objectives.

A learning curve shows why its loss is what it is: too low a rate and too few epochs are still falling at the end, too weak a penalty
and too large a model leave training far below validation, too many epochs turn validation upwards, too high a rate jumps, and beyond
the cliff nothing is learnt.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.diagnosis.axes import Role
from benchmarks.diagnosis.planted import Array, Death, Surface
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point, Space
from local_emulator.strategies.bayesian import Bayesian
from local_emulator.strategies.random import Random
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.metrics import Objective

_START = datetime(2026, 1, 1, tzinfo=UTC)
_EPOCHS = 20  # where they are not tuned
_AT_ONCE = 2
_REASON = "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage: ValueError: the loss is not a number in epoch 2"


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training job on a surface."""

    point: Point
    dead: bool
    train: Sequence[float]
    validation: Sequence[float]
    failed: bool = False

    @property
    def objective(self) -> float | None:
        """The last validation value; None if it is no number, or if the training job failed."""
        value = self.validation[-1]
        return value if math.isfinite(value) and not self.failed else None


def unit_rows(surface: Surface, points: Sequence[Point]) -> Array:
    """Where points lie in the unit cube."""
    return np.array([[axis.parameter.unit(point[axis.name]) for axis in surface.axes] for point in points])


def play(surface: Surface, strategy: str, jobs: int) -> list[Training]:
    """The training jobs of a tuning job, some at once as users run them."""
    space = Space(parameters=tuple(axis.parameter for axis in surface.axes))
    seed = surface.seed
    chooses = Bayesian(space, seed=seed) if strategy == "Bayesian" else Random(space, seed=seed)
    goal = Goal.MAXIMIZE if surface.form == "accuracy" else Goal.MINIMIZE
    trainings: list[Training] = []
    trials: list[Trial] = []
    while len(trainings) < jobs:
        points = chooses.ask(
            History(goal=goal, trials=tuple(trials)), min(max(_AT_ONCE, len(trials) // 6), jobs - len(trainings))
        )
        if not points:
            break  # a finite space is used up
        for point in points:
            training = train(surface, point, np.random.default_rng([seed, 11, len(trainings)]))
            trainings.append(training)
            trials.append(_trial(len(trials), training))
    return trainings


def _trial(number: int, training: Training) -> Trial:
    status = Status.FAILED if training.failed else Status.COMPLETED
    return Trial(
        name=str(number),
        index=number,
        point=training.point,
        status=status,
        final=training.objective,
        ended=_START + timedelta(minutes=number),
    )


def train(surface: Surface, point: Point, rng: np.random.Generator) -> Training:
    """A training job at a point."""
    units = unit_rows(surface, [point])
    epochs = next((int(point[axis.name]) for axis in surface.axes if axis.role is Role.EPOCHS), _EPOCHS)
    if not surface.alive(units)[0]:
        return _dead(surface, point, epochs, rng)
    train_loss, validation = _losses(surface, units, epochs, rng)
    printed = [[float(value) for value in surface.objective(np.maximum(curve, 1e-4))] for curve in (train_loss, validation)]
    return Training(point=point, dead=False, train=printed[0], validation=printed[1])


@dataclass
class _Causes:
    """Parts of a loss above the least, by what they look like in a learning curve."""

    slow: float = 0.0
    gap: float = 0.0
    turn: float = 0.0
    jumps: float = 0.0


def _causes(surface: Surface, units: Array) -> _Causes:
    causes = _Causes()
    for main in surface.mains:
        part = max(float(main.value(units)[0]), 0.0)
        below = not main.levels and units[0, main.axis] < main.centre
        match surface.axes[main.axis].role:
            case Role.RATE | Role.EPOCHS if below:
                causes.slow += part
            case Role.RATE:
                causes.jumps += part
            case Role.EPOCHS:
                causes.turn += part
                causes.gap += part
            case Role.PENALTY if below:
                causes.gap += part
            case Role.SIZE if not below:
                causes.gap += part
            case _:
                continue
    return causes


def _losses(surface: Surface, units: Array, epochs: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Training and validation loss after each epoch; the last validation loss is the surface's, with the noise of a seed."""
    end = float(surface.loss(units)[0]) + surface.noise * float(rng.normal())
    end = min(max(end, 0.3 * surface.least), 0.99 * surface.chance)
    causes = _causes(surface, units)
    excess = max(end - 0.5 * surface.least, 0.0)
    slow, gap, turn = (min(part, excess) for part in (causes.slow, causes.gap, causes.turn))
    floor, start = end - slow, surface.chance * (1 + 0.02 * float(rng.normal()))
    tau = epochs / max(math.log(max(start - floor, 1e-6) / max(slow, 0.003 * (start - floor), 1e-9)), 0.05)
    passed = np.arange(1, epochs + 1)
    fall = (start - floor) * np.exp(-passed / tau)
    fall -= fall[-1] - slow  # ends where it must
    low = epochs * 0.4
    risen = turn * (np.clip((passed - low) / (epochs - low), 0.0, 1.0) - 1.0)
    jitter = (0.004 * surface.chance + 0.3 * causes.jumps) * rng.normal(size=(2, epochs))
    jitter[1, -1] = 0.0
    distance = 0.25 * surface.least * float(rng.uniform(0.2, 1.0)) + 1.1 * gap * (1 - np.exp(-passed / max(tau, 1.0)))
    validation = floor + fall + risen
    train_loss = np.maximum(validation - risen - turn - distance, 0.02 * surface.chance)
    return train_loss + np.minimum(np.abs(jitter[0]), 0.3 * train_loss), validation + jitter[1]


def _dead(surface: Surface, point: Point, epochs: int, rng: np.random.Generator) -> Training:
    """A training job beyond the cliff."""
    chance, death = surface.chance, surface.death
    steps = np.arange(epochs)
    if death is Death.DEAD:
        curves = chance * (1.0 + 0.003 * np.abs(rng.normal(size=(2, epochs))))
    elif death is Death.WILD:
        curves = chance * (1.3 + 0.8 * np.abs(rng.normal(size=(2, epochs))))
    else:
        curves = np.tile(chance * 1.8**steps, (2, 1))
        curves[:, 2:] = np.nan
    printed = [[float(value) for value in surface.objective(curve)] for curve in curves]
    failed = death is Death.FAILED
    if failed:
        printed = [curve[:2] for curve in printed]
    return Training(point=point, dead=True, train=printed[0], validation=printed[1], failed=failed)


def results(surface: Surface, trainings: Sequence[Training]) -> Results:
    """What the product reads of a tuning job."""
    objective = f"validation:{surface.form}"
    trials = [
        TrialResult(
            tuning_job="planted",
            name=f"planted-{number:03d}",
            status="Failed" if training.failed else "Completed",
            hyperparameters=training.point,
            reported=training.objective,
            created=_START + timedelta(minutes=number),
            started=_START + timedelta(minutes=number),
            ended=_START + timedelta(minutes=number + 1),
            failure_reason=_REASON if training.failed else None,
            curves={f"train:{surface.form}": training.train, objective: training.validation},
        )
        for number, training in enumerate(trainings, 1)
    ]
    goal = Objective.maximize if surface.form == "accuracy" else Objective.minimize
    job = TuningJobDescription(
        name="planted",
        objective=goal(objective),
        ranges=[axis.range for axis in surface.axes],
        strategy="Bayesian",
        max_parallel=_AT_ONCE,
    )
    return Results(tuning_jobs=[job], trials=trials)
