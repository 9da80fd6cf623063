"""Search quality and speed of the emulator's strategies beside Optuna's samplers, in one run on the same problems.

    python benchmarks/quality.py [--seeds 10] [--first-seed 0] [--workers 2] [--only svm,branin] [--parts speed,halving,quality]

Problems: analytic functions with a known optimum, and real scikit-learn models trained once over a grid (minutes on the first run,
then read from benchmarks/.tables); between the grid's points the table is interpolated linearly in the scaled ranges.
Regret is (best value seen - optimum) / (median value of a random point - optimum): 0 is the optimum, 1 is one random point.
Rank is a sampler's place among all samplers for the same problem, seed and pending count, 1 the best, ties shared.
"""

import argparse
import json
import math
import os
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from scipy.interpolate import RegularGridInterpolator
from scipy.stats import rankdata
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space
from local_emulator.strategies.bayesian import Bayesian
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.random import Random

TABLES = Path(__file__).parent / ".tables"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
CHECKPOINTS = (20, 50)
Values = npt.NDArray[np.float64]


# --- problems ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """Something to minimise."""

    name: str
    space: Space
    value: Callable[[Point], float]
    optimum: float

    @property
    def typical(self) -> float:
        """The median value of a random point."""
        rng = np.random.default_rng(0)
        return float(
            np.median([self.value(self.space.at(row.tolist())) for row in rng.random((2000, len(self.space.parameters)))])
        )


def _floats(point: Point, *names: str) -> Values:
    return np.array([float(point[name]) for name in names])


def _linear(low: float, high: float, *names: str) -> tuple[Parameter, ...]:
    return tuple(Continuous(name=name, low=low, high=high, scaling=Scaling.LINEAR) for name in names)


def branin() -> Problem:
    """Two dimensions, three global optima."""

    def value(point: Point) -> float:
        x, y = _floats(point, "x", "y")
        a = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        return float(a**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)

    return Problem("branin", Space(parameters=(*_linear(-5, 10, "x"), *_linear(0, 15, "y"))), value, 0.397887)


def hartmann6() -> Problem:
    """Six dimensions, a few of them matter more."""
    a = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    p = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    names = tuple("abcdef")

    def value(point: Point) -> float:
        x = _floats(point, *names)
        return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(a * (x - p) ** 2).sum(axis=1)))

    return Problem("hartmann6", Space(parameters=_linear(0, 1, *names)), value, -3.32237)


def ackley() -> Problem:
    """Five dimensions, very many local optima around one."""
    names = tuple("abcde")

    def value(point: Point) -> float:
        x = _floats(point, *names)
        waves = math.exp(float(np.cos(2 * math.pi * x).mean()))
        return -20 * math.exp(-0.2 * math.sqrt(float((x**2).mean()))) - waves + 20 + math.e

    return Problem("ackley", Space(parameters=_linear(-5, 12, *names)), value, 0.0)


def rosenbrock() -> Problem:
    """Four dimensions, a curved valley."""
    names = tuple("abcd")

    def value(point: Point) -> float:
        x = _floats(point, *names)
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    return Problem("rosenbrock", Space(parameters=_linear(-2, 3, *names)), value, 0.0)


def training() -> Problem:
    """The four hyperparameters that decide most of a training, and an optimizer, with the noise of a training's seed."""
    parameters = (
        Categorical(name="optimizer", values=("adam", "sgd", "rmsprop")),
        Integer(name="batch_size", low=16, high=512, scaling=Scaling.LOGARITHMIC),
        Integer(name="epochs", low=1, high=50),
        Continuous(name="learning_rate", low=1e-5, high=1.0, scaling=Scaling.LOGARITHMIC),
        Continuous(name="weight_decay", low=1e-6, high=1e-1, scaling=Scaling.LOGARITHMIC),
    )
    shift = {"adam": 0.0, "sgd": 1.5, "rmsprop": 0.4}
    cost = {"adam": 0.0, "sgd": 0.01, "rmsprop": 0.03}

    def value(point: Point) -> float:
        rate, batch, decay = (math.log10(float(point[name])) for name in ("learning_rate", "batch_size", "weight_decay"))
        best = -3.0 + shift[point["optimizer"]] + (batch - 1.5) * 0.8
        loss = 0.08 + cost[point["optimizer"]] + 0.05 * (rate - best) ** 2 + 0.006 * (decay + 4.0) ** 2
        if rate > best + 1.3:
            loss += 20.0 * (rate - best - 1.3)  # it diverges
        return loss + 0.3 * math.exp(-int(point["epochs"]) / 8.0) + 0.0002 * max(int(point["epochs"]) - 25, 0)

    return Problem("training", Space(parameters=parameters), value, _lowest(Space(parameters=parameters), value))


def _lowest(space: Space, value: Callable[[Point], float]) -> float:
    """The optimum, by random search and then ever smaller steps."""
    rng = np.random.default_rng(1)
    rows = rng.random((20_000, len(space.parameters)))
    values = np.array([value(space.at(row.tolist())) for row in rows])
    best, row = float(values.min()), rows[int(values.argmin())]
    for width in np.geomspace(0.2, 1e-4, 20_000):
        moved = np.clip(row + rng.normal(0.0, width, len(row)) * (rng.random(len(row)) < 0.5), 0.0, 1.0)
        loss = value(space.at(moved.tolist()))
        if loss < best:
            best, row = loss, moved
    return best


@dataclass(frozen=True)
class Table:
    """Real trainings over a grid: `axes` by name; `losses` has one dimension an axis."""

    axes: Mapping[str, Sequence[float]]
    losses: Values

    @classmethod
    def of(cls, name: str, axes: Mapping[str, Sequence[float]], train: Callable[..., Any], inner: int = 1) -> "Table":
        """Read the table, or train it: `train` takes one value of each axis but the last `inner - 1` and returns the rest."""
        path = TABLES / f"{name}.json"
        if not path.exists():
            print(f"training the table {name} …", flush=True)
            outer = list(product(*list(axes.values())[: len(axes) - (inner - 1)]))
            with ProcessPoolExecutor(os.cpu_count()) as pool:
                rows = list(pool.map(train, *zip(*outer, strict=True), chunksize=4))
            TABLES.mkdir(exist_ok=True)
            path.write_text(json.dumps({"axes": axes, "losses": np.array(rows).ravel().tolist()}))
        stored = json.loads(path.read_text())
        shape = [len(axis) for axis in stored["axes"].values()]
        return cls(stored["axes"], np.array(stored["losses"]).reshape(shape))

    def problem(self, name: str, *, linear: Sequence[str] = (), whole: Sequence[str] = ()) -> Problem:
        """A search over the table's ranges, in logarithms but for the `linear` axes."""
        stretch = [(lambda value: value) if axis in linear else math.log for axis in self.axes]
        points = [[scale(value) for value in axis] for scale, axis in zip(stretch, self.axes.values(), strict=True)]
        between = RegularGridInterpolator(points, self.losses, method="linear")

        def value(point: Point) -> float:
            row = [scale(float(point[axis])) for scale, axis in zip(stretch, self.axes, strict=True)]
            inside = [min(max(value, axis[0]), axis[-1]) for value, axis in zip(row, points, strict=True)]
            return float(between(np.array([inside]))[0])

        parameters: list[Parameter] = []
        for axis, values in self.axes.items():
            scaling = Scaling.LINEAR if axis in linear else Scaling.LOGARITHMIC
            if axis in whole:
                parameters.append(Integer(name=axis, low=round(values[0]), high=round(values[-1]), scaling=scaling))
            else:
                parameters.append(Continuous(name=axis, low=values[0], high=values[-1], scaling=scaling))
        return Problem(name, Space(parameters=tuple(parameters)), value, float(self.losses.min()))


def _train_svm(c: float, gamma: float) -> float:
    inputs, labels = load_digits(return_X_y=True)
    model = make_pipeline(StandardScaler(), SVC(C=c, gamma=gamma))
    return 1.0 - float(cross_val_score(model, inputs[:900], labels[:900], cv=3).mean())


def svm() -> Problem:
    """Cross-validated error of a support vector machine on the digits."""
    axes = {"C": np.geomspace(1e-2, 1e3, 18).tolist(), "gamma": np.geomspace(1e-5, 1e0, 18).tolist()}
    return Table.of("svm", axes, _train_svm).problem("svm")


def _train_boosting(rate: float, leaves: float, samples: float, penalty: float) -> float:
    inputs, labels = load_breast_cancer(return_X_y=True)
    model = HistGradientBoostingClassifier(
        learning_rate=rate,
        max_iter=30,
        max_leaf_nodes=round(leaves),
        min_samples_leaf=round(samples),
        l2_regularization=penalty,
        random_state=0,
        early_stopping=False,
    )
    return -float(cross_val_score(model, inputs, labels, cv=3, scoring="neg_log_loss").mean())


def boosting() -> Problem:
    """Cross-validated log loss of gradient boosting on the breast cancer data."""
    axes = {
        "max_leaf_nodes": [2, 4, 8, 16, 32],
        "min_samples_leaf": [2, 5, 12, 30, 75],
        "learning_rate": np.geomspace(5e-3, 1.0, 9).tolist(),
        "l2_regularization": [1e-6, 1e-3, 1e-1, 1.0, 10.0, 100.0],
    }
    ordered = {name: axes[name] for name in ("learning_rate", "max_leaf_nodes", "min_samples_leaf", "l2_regularization")}
    return Table.of("boosting", ordered, _train_boosting).problem("boosting", whole=("max_leaf_nodes", "min_samples_leaf"))


EPOCHS = 27


def _train_mlp(rate: float, batch: float, penalty: float) -> list[float]:
    inputs, labels = load_digits(return_X_y=True)
    split = train_test_split(inputs / 16.0, labels, test_size=0.4, random_state=0, stratify=labels)
    seen, held, seen_labels, held_labels = split
    model = MLPClassifier((32,), learning_rate_init=rate, batch_size=round(batch), alpha=penalty, random_state=0)
    curve = []
    for _ in range(EPOCHS):
        model.partial_fit(seen, seen_labels, classes=np.arange(10))
        proba = model.predict_proba(held)[np.arange(len(held)), held_labels]
        curve.append(float(-np.log(np.clip(proba, 1e-6, 1.0)).mean()))
    return curve


@cache
def mlp_table() -> Table:
    """Validation loss of a small network on the digits after every epoch."""
    axes = {
        "learning_rate": np.geomspace(1e-4, 1e-1, 10).tolist(),
        "batch_size": [8, 16, 32, 64, 128, 256],
        "alpha": np.geomspace(1e-5, 1.0, 6).tolist(),
        "epochs": [float(epoch) for epoch in range(1, EPOCHS + 1)],
    }
    return Table.of("mlp", axes, _train_mlp, inner=2)


def mlp() -> Problem:
    """The network's validation loss, the number of epochs a hyperparameter like the others."""
    return mlp_table().problem("mlp", linear=("epochs",), whole=("batch_size", "epochs"))


PROBLEMS: dict[str, Callable[[], Problem]] = {
    problem.__name__: problem for problem in (branin, hartmann6, ackley, rosenbrock, training, svm, boosting, mlp)
}


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
            *_linear(0, 1, "dropout", "momentum"),
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
