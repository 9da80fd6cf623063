"""Search quality and speed of the emulator's strategies beside Optuna's samplers, in one run on the same problems.

    python benchmarks/quality.py [--seeds 10] [--first-seed 0] [--workers 2] [--only svm,branin] [--parts speed,halving,quality]

The problems are those of `problems.py`, whose models are trained on the first run.
Regret is (best value seen - optimum) / (median value of a random point - optimum): 0 is the optimum, 1 is one random point.
Rank is a sampler's place among all samplers for the same problem, seed and pending count, 1 the best, ties shared.
"""

import argparse
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.problems import EPOCHS, PROBLEMS, Problem, linear, mlp
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space
from local_emulator.strategies.bayesian import Bayesian
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.random import Random

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
CHECKPOINTS = (20, 50)


# --- samplers ---------------------------------------------------------------------------------------------------------------


class Ours:
    """A strategy of the emulator as ask and tell."""

    def __init__(self, strategy: Bayesian | Random) -> None:
        self._strategy = strategy
        self._trials: list[Trial] = []

    def ask(self) -> tuple[int, Point]:
        """The next point and its number."""
        point = self._strategy.ask(History(goal=Goal.MINIMIZE, trials=tuple(self._trials)), 1)[0]
        self._trials.append(begun(self._trials, point))
        return len(self._trials) - 1, point

    def tell(self, number: int, value: float) -> None:
        """Say what the point brought."""
        self._trials[number] = ended(self._trials[number], Status.COMPLETED, value)


class Theirs:
    """A sampler of Optuna as ask and tell."""

    def __init__(self, sampler: optuna.samplers.BaseSampler, space: Space) -> None:
        self._space = space
        self._study = optuna.create_study(sampler=sampler)
        self._asked: list[optuna.Trial] = []

    def ask(self) -> tuple[int, Point]:
        """The next point and its number."""
        trial = self._study.ask()
        self._asked.append(trial)
        return len(self._asked) - 1, {parameter.name: str(suggest(trial, parameter)) for parameter in self._space.parameters}

    def tell(self, number: int, value: float) -> None:
        """Say what the point brought."""
        self._study.tell(self._asked[number], value)


def suggest(trial: optuna.Trial, parameter: Parameter) -> object:
    """What Optuna's trial says for one parameter."""
    if isinstance(parameter, Categorical):
        return trial.suggest_categorical(parameter.name, parameter.values)
    log = parameter.scaling is Scaling.LOGARITHMIC
    if isinstance(parameter, Integer):
        return trial.suggest_int(parameter.name, parameter.low, parameter.high, log=log)
    return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=log)


def ended(trial: Trial, status: Status, *values: float) -> Trial:
    """A trial that ended with these values, or with those that it had."""
    losses = values or trial.values
    ended_at = MOMENT + timedelta(seconds=trial.index)
    return replace(trial, status=status, values=losses, final=losses[-1] if losses else None, ended=ended_at)


def begun(trials: Sequence[Trial], point: Point) -> Trial:
    """The next trial."""
    return Trial(name=str(len(trials)), index=len(trials), point=point, status=Status.IN_PROGRESS)


SAMPLERS: dict[str, Callable[[Space, int], Ours | Theirs]] = {
    "Bayesian": lambda space, seed: Ours(Bayesian(space, seed=seed)),
    "Optuna GP": lambda space, seed: Theirs(optuna.samplers.GPSampler(seed=seed), space),
    "Optuna TPE": lambda space, seed: Theirs(optuna.samplers.TPESampler(seed=seed), space),
    "Random": lambda space, seed: Ours(Random(space, seed=seed)),
    "Optuna Random": lambda space, seed: Theirs(optuna.samplers.RandomSampler(seed=seed), space),
}


def search(problem_name: str, sampler_name: str, seed: int, pending: int) -> tuple[str, str, int, int, list[float]]:
    """The best value after each evaluation of one search that keeps `pending` evaluations under way."""
    quiet()
    problem = _problem(problem_name)
    sampler = SAMPLERS[sampler_name](problem.space, seed)
    under_way: list[tuple[int, Point]] = []
    best: list[float] = []
    launched = 0
    while len(best) < CHECKPOINTS[-1]:
        while len(under_way) < pending and launched < CHECKPOINTS[-1]:
            under_way.append(sampler.ask())
            launched += 1
        number, point = under_way.pop(0)
        value = problem.value(point)
        sampler.tell(number, value)
        best.append(min(value, best[-1]) if best else value)
    return problem_name, sampler_name, seed, pending, best


@cache
def _problem(name: str) -> Problem:
    return PROBLEMS[name]()


def quiet() -> None:
    """Optuna's log and its warnings about experimental samplers are not results."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


# --- the three tables -------------------------------------------------------------------------------------------------------


def quality(names: Sequence[str], samplers: Sequence[str], seeds: Sequence[int], workers: int) -> None:
    """Regret and rank of each sampler."""
    tasks = [(p, s, seed, pending) for p in names for s in samplers for seed in seeds for pending in (1, 4)]
    with ProcessPoolExecutor(workers) as pool:
        runs = list(pool.map(search, *zip(*tasks, strict=True), chunksize=1))
    scale = {name: (_problem(name).optimum, _problem(name).typical) for name in names}
    for pending, evaluations in product((1, 4), CHECKPOINTS):
        regrets = np.empty((len(samplers), len(names), len(seeds)))
        for name, sampler, seed, at_once, best in runs:
            if at_once == pending:
                optimum, typical = scale[name]
                regret = (best[evaluations - 1] - optimum) / (typical - optimum)
                regrets[samplers.index(sampler), names.index(name), seeds.index(seed)] = max(regret, 0.0)
        ranks = rankdata(regrets, axis=0)
        print(f"\n{evaluations} evaluations, {pending} at once, {len(seeds)} seeds: mean regret (x 1000) and mean rank")
        print(f"{'':14}" + "".join(f"{name:>12}" for name in names) + f"{'all':>12}{'rank':>8}")
        for index, sampler in enumerate(samplers):
            cells = [*regrets[index].mean(axis=1), regrets[index].mean()]
            print(f"{sampler:14}" + "".join(f"{1000 * cell:12.2f}" for cell in cells) + f"{ranks[index].mean():8.2f}", flush=True)


def speed(samplers: Sequence[str]) -> None:
    """Milliseconds of one suggestion."""
    space = Space(
        parameters=(
            Categorical(name="optimizer", values=("adam", "sgd", "rmsprop")),
            Integer(name="batch_size", low=16, high=512, scaling=Scaling.LOGARITHMIC),
            Integer(name="epochs", low=1, high=50, scaling=Scaling.LINEAR),
            Continuous(name="learning_rate", low=1e-5, high=1e-1, scaling=Scaling.LOGARITHMIC),
            *linear(0, 1, "dropout", "momentum"),
        )
    )
    counts = (10, 50, 100, 200, 500)
    print("\nmilliseconds for one suggestion, six hyperparameters, by observations (median of five)")
    print(f"{'':14}" + "".join(f"{count:>8}" for count in counts))
    for sampler in samplers:
        cells = []
        for count in counts:
            times = []
            for seed in range(5):
                strategy = SAMPLERS[sampler](space, seed)
                _fill(strategy, space, count, seed)
                started = time.perf_counter()
                strategy.ask()
                times.append(1000 * (time.perf_counter() - started))
            cells.append(statistics.median(times))
        print(f"{sampler:14}" + "".join(f"{cell:8.1f}" for cell in cells), flush=True)


def _fill(sampler: Ours | Theirs, space: Space, count: int, seed: int) -> None:
    """Random observations of a bowl with noise."""
    rng = np.random.default_rng(seed)
    for row in rng.random((count, len(space.parameters))):
        value = float(((row - 0.3) ** 2 * np.array([0.2, 1, 1, 3, 1, 0.1])).sum() + rng.normal(0.0, 0.02))
        point = space.at(row.tolist())
        if isinstance(sampler, Ours):
            trials = sampler._trials  # noqa: SLF001 - to be quick
            trials.append(ended(begun(trials, point), Status.COMPLETED, value))
        else:
            read: dict[str, Any] = {
                parameter.name: point[parameter.name]
                if isinstance(parameter, Categorical)
                else int(point[parameter.name])
                if isinstance(parameter, Integer)
                else float(point[parameter.name])
                for parameter in space.parameters
            }
            distributions = {parameter.name: _distribution(parameter) for parameter in space.parameters}
            sampler._study.add_trial(optuna.trial.create_trial(params=read, distributions=distributions, value=value))  # noqa: SLF001


def _distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    if isinstance(parameter, Categorical):
        return optuna.distributions.CategoricalDistribution(parameter.values)
    log = parameter.scaling is Scaling.LOGARITHMIC
    if isinstance(parameter, Integer):
        return optuna.distributions.IntDistribution(parameter.low, parameter.high, log=log)
    return optuna.distributions.FloatDistribution(parameter.low, parameter.high, log=log)


def halving(seeds: int, budget: int = 20 * EPOCHS, at_once: int = 4) -> None:
    """Hyperband (with MinResource 1, and 3) beside Random with the same number of epochs in all."""
    problem = mlp()
    tuned = Space(parameters=tuple(parameter for parameter in problem.space.parameters if parameter.name != "epochs"))
    optimum, typical = problem.optimum, problem.typical
    print(
        f"\nmlp, {budget} epochs in all, {at_once} at once, {seeds} seeds: mean regret (x 1000), its standard error, trainings begun"
    )
    kinds: dict[str, Callable[[int], Hyperband | Random]] = {
        "Hyperband": lambda seed: Hyperband(tuned, seed=seed, max_resource=EPOCHS),
        "Hyperband, 3": lambda seed: Hyperband(tuned, seed=seed, max_resource=EPOCHS, min_resource=3),
        "Random": lambda seed: Random(tuned, seed=seed),
    }
    for name, make in kinds.items():
        spent = [_spend(make(seed), problem, budget, at_once) for seed in range(seeds)]
        regrets = [(best - optimum) / (typical - optimum) for best, _ in spent]
        error = statistics.stdev(regrets) / math.sqrt(seeds)
        trainings = statistics.mean(count for _, count in spent)
        print(f"{name:14}{1000 * statistics.mean(regrets):10.2f}{1000 * error:10.2f}{trainings:8.1f}")


def _spend(strategy: Hyperband | Random, problem: Problem, budget: int, at_once: int) -> tuple[float, int]:
    """The best value that a budget of epochs has brought, and how many trainings were begun for it."""
    trials: list[Trial] = []
    spent, best = 0, math.inf
    while spent < budget:
        for trial in strategy.prune(History(goal=Goal.MINIMIZE, trials=tuple(trials))):
            trials[trial.index] = ended(trial, Status.STOPPED)
        free = at_once - sum(not trial.status.terminal for trial in trials)
        for point in strategy.ask(History(goal=Goal.MINIMIZE, trials=tuple(trials)), free) if free else ():
            trials.append(begun(trials, point))
        running = [trial for trial in trials if not trial.status.terminal]
        for trial in running[: budget - spent]:
            epoch = len(trial.values) + 1
            value = problem.value({**trial.point, "epochs": str(epoch)})
            spent, best = spent + 1, min(best, value)
            moved = replace(trial, values=(*trial.values, value))
            trials[trial.index] = ended(moved, Status.COMPLETED) if epoch == EPOCHS else moved
    return best, len(trials)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", default=",".join(PROBLEMS), help="problems, separated by commas")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="samplers, separated by commas")
    parser.add_argument("--parts", default="speed,halving,quality")
    options = parser.parse_args()
    quiet()
    samplers = options.samplers.split(",")
    names = options.only.split(",")
    for name in names:
        _problem(name)
    parts = options.parts.split(",")
    if "speed" in parts:
        speed(samplers)
    if "halving" in parts:
        halving(max(options.seeds, 30))
    if "quality" in parts:
        quality(names, samplers, range(options.first_seed, options.first_seed + options.seeds), options.workers)


if __name__ == "__main__":
    main()
