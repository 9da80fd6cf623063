"""Problems of `simulation.py` whose truth is known: tables of learning curves, and functions with curves."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks import functions
from benchmarks.curve_recipes import RECIPES
from benchmarks.curve_tables import SEEDS, CurveTable
from local_emulator.documents import parse
from local_emulator.domain.space import Point
from local_emulator.domain.tuning import Plan
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.world import Training, World

PENDING, STARTUP, HOURS = 120.0, 60.0, 0.4  # seconds, seconds, and hours of the mean training job
TODAY = Setting(strategy="Random", jobs=20, parallel=2)


@dataclass(frozen=True)
class Problem:
    """Something to tune whose truth is known.

    Attributes:
        plan: Its tuning job: random search of 20.
        curve: The objective after each epoch, of a point and a seed of the training.
        seconds: Seconds of an epoch, of a point.
    """

    plan: Plan
    curve: Callable[[Point, int], npt.NDArray[np.float64]]
    seconds: Callable[[Point], float]
    noise: int = SEEDS

    def world(self, seed: int) -> World:
        """The problem itself, with the noise of a seed."""
        return _Truth(self, seed)


@dataclass(frozen=True)
class _Truth:
    problem: Problem
    seed: int

    def train(self, point: Point, number: int) -> Training:
        rng = np.random.default_rng([self.seed, number])
        problem = self.problem
        curve = problem.curve(point, int(rng.integers(problem.noise)))
        expected = statistics.fmean(float(problem.curve(point, seed)[-1]) for seed in range(2))
        epoch = problem.seconds(point) * math.exp(0.05 * rng.normal())
        return Training(
            curve=tuple(curve.tolist()),
            pending=PENDING * math.exp(0.3 * rng.normal()),
            startup=STARTUP,
            epoch=epoch,
            expected=expected,
        )


def plan_of(ranges: Mapping[str, Sequence[Mapping[str, str]]], epochs: int, *, maximize: bool) -> Plan:
    """A tuning job of 20 random training jobs."""
    return parse.tuning(
        {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Maximize" if maximize else "Minimize", "MetricName": "objective"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": TODAY.jobs, "MaxParallelTrainingJobs": TODAY.parallel},
                "ParameterRanges": ranges,
            },
            "TrainingJobDefinition": {
                "AlgorithmSpecification": {"MetricDefinitions": []},
                "StaticHyperParameters": {"epochs": str(epochs)},
            },
        }
    )


def table_problem(name: str) -> Problem:
    """A table as a problem."""
    table, recipe = CurveTable.read(name), RECIPES[name]
    curve, seconds = table.between()
    ranges: dict[str, list[dict[str, str]]] = {"IntegerParameterRanges": [], "ContinuousParameterRanges": []}
    for axis, values in recipe.axes.items():
        kind = "IntegerParameterRanges" if axis in recipe.whole else "ContinuousParameterRanges"
        ends = (round(values[0]), round(values[-1])) if axis in recipe.whole else (values[0], values[-1])
        scaling = "Linear" if axis in recipe.linear else "Logarithmic"
        ranges[kind].append({"Name": axis, "MinValue": str(ends[0]), "MaxValue": str(ends[1]), "ScalingType": scaling})
    epochs = table.curves.shape[-1]
    scale = HOURS * 3600 / float(table.seconds.mean()) / epochs
    return Problem(plan_of(ranges, epochs, maximize=recipe.maximize), curve, lambda point: seconds(point) * scale)


def analytic(dimensions: int, final: Callable[[npt.NDArray[np.float64]], float], noise: float) -> Problem:
    """A function with curves that fall to it, at a speed that two of its inputs decide."""
    names = [f"x{number}" for number in range(dimensions)]
    ranges = {
        "ContinuousParameterRanges": [{"Name": axis, "MinValue": "0", "MaxValue": "1", "ScalingType": "Linear"} for axis in names]
    }
    epochs = np.arange(1, 28)

    def curve(point: Point, seed: int) -> npt.NDArray[np.float64]:
        x = np.array([float(point[axis]) for axis in names])
        rng = np.random.default_rng([seed, *(int(1e6 * value) for value in x)])
        speed = 2.0 + 6.0 * x[0] + 3.0 * x[1]
        end = final(x) + noise * rng.normal()
        return np.asarray(end + 2.0 * np.exp(-epochs / speed) + 0.5 * noise * rng.normal(size=len(epochs)))

    return Problem(
        plan_of(ranges, 27, maximize=False),
        curve,
        lambda point: HOURS * 3600 / 27 * (0.5 + float(point["x1"])),
        noise=1000,
    )


def bowl() -> Problem:
    """Two of four inputs matter."""
    return analytic(4, lambda x: 0.2 + 3.0 * (x[0] - 0.4) ** 2 + (x[1] - 0.7) ** 2 + 0.1 * x[2], 0.02)


def hartmann() -> Problem:
    """Hartmann's function of three inputs."""
    return analytic(3, lambda x: 4.0 + functions.hartmann(x, *functions.HARTMANN3), 0.03)


def valley() -> Problem:
    """A narrow bent valley."""
    return analytic(3, lambda x: 0.1 + 8.0 * (x[1] - 0.2 - 0.6 * x[0] ** 2) ** 2 + 0.3 * (x[0] - 0.8) ** 2, 0.01)


def plateau() -> Problem:
    """Half of the space is about as good, the other half bad."""
    return analytic(3, lambda x: 0.3 + 0.5 / (1.0 + math.exp(-14.0 * (x[0] - 0.55))) + 0.02 * (x[1] - 0.5) ** 2, 0.01)


def branin() -> Problem:
    """Branin's function, which has three optima, and an input that does nothing."""

    def final(x: npt.NDArray[np.float64]) -> float:
        across, up = 15.0 * x[0] - 5.0, 15.0 * x[1]
        bent = up - 5.1 / (4 * math.pi**2) * across**2 + 5.0 / math.pi * across - 6.0
        return 0.02 * float(bent**2 + 10.0 * (1.0 - 1.0 / (8.0 * math.pi)) * math.cos(across) + 10.0)

    return analytic(3, final, 0.02)


@cache
def problem_of(name: str) -> Problem:
    """The problem of a name."""
    known = {"bowl": bowl, "hartmann": hartmann, "valley": valley, "plateau": plateau, "branin": branin}
    return known.get(name, lambda: table_problem(name))()


def epochs_of(problem: Problem) -> int:
    """Epochs of a training job."""
    return int(problem.plan.definitions[0].spec.hyperparameters["epochs"])
