"""Problems to minimise with a known optimum: analytic functions, real scikit-learn models trained over a grid, recorded trainings.

The models are trained once (minutes on the first run, then read from benchmarks/.tables); between the grid's points the table is
interpolated linearly in the scaled ranges. To develop on is all but the seventh series of recorded
trainings, which was looked at once, and what others published (`published.py`).
"""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks import functions
from benchmarks.functions import hartmann
from benchmarks.problem import Problem, Values, linear, lowest, numbers
from benchmarks.published import published
from benchmarks.trainings.losses import log_loss
from benchmarks.trainings.recipes import RECIPES, half
from benchmarks.trainings.recorded import Recorded
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space

TABLES = Path(__file__).parent / ".tables"
EPOCHS = 27  # of the network


def branin() -> Problem:
    """Two dimensions, three global optima."""

    def value(point: Point) -> float:
        x, y = numbers(point, "x", "y")
        a = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        return float(a**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)

    return Problem("branin", Space(parameters=(*linear(-5, 10, "x"), *linear(0, 15, "y"))), value, 0.397887)


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
        return hartmann(numbers(point, *names), a, p)

    return Problem("hartmann6", Space(parameters=linear(0, 1, *names)), value, -3.32237)


def ackley() -> Problem:
    """Five dimensions, very many local optima around one."""
    names = tuple("abcde")

    def value(point: Point) -> float:
        x = numbers(point, *names)
        waves = math.exp(float(np.cos(2 * math.pi * x).mean()))
        return -20 * math.exp(-0.2 * math.sqrt(float((x**2).mean()))) - waves + 20 + math.e

    return Problem("ackley", Space(parameters=linear(-5, 12, *names)), value, 0.0)


def rosenbrock() -> Problem:
    """Four dimensions, a curved valley."""
    names = tuple("abcd")

    def value(point: Point) -> float:
        x = numbers(point, *names)
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    return Problem("rosenbrock", Space(parameters=linear(-2, 3, *names)), value, 0.0)


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

    return Problem("training", Space(parameters=parameters), value, lowest(Space(parameters=parameters), value))


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


def _train_mlp(rate: float, batch: float, penalty: float) -> list[float]:
    inputs, labels = load_digits(return_X_y=True)
    split = train_test_split(inputs / 16.0, labels, test_size=0.4, random_state=0, stratify=labels)
    seen, held, seen_labels, held_labels = split
    model = MLPClassifier((32,), learning_rate_init=rate, batch_size=round(batch), alpha=penalty, random_state=0)
    curve = []
    for _ in range(EPOCHS):
        model.partial_fit(seen, seen_labels, classes=np.arange(10))
        curve.append(log_loss(model.predict_proba(held), held_labels))
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


def recorded(name: str) -> Problem:
    """Recorded trainings; their optimum is that of the model of them, looked for once."""
    trainings = Recorded(name)
    path = TABLES / f"{name}-optimum.json"
    if not path.exists():
        TABLES.mkdir(exist_ok=True)
        path.write_text(json.dumps(trainings.lowest()))
    return Problem(name, trainings.space, trainings.value, json.loads(path.read_text()), trainings.observed)


_SEEN = (branin, hartmann6, ackley, rosenbrock, training, svm, boosting, mlp)
HALVES: dict[str, dict[str, Callable[[], Problem]]] = {
    "development": {problem.__name__: problem for problem in _SEEN}
    | functions.FIRST
    | functions.LATER
    | {name: partial(recorded, name) for name in RECIPES if half(name) == "development"},
    "held-out": {name: partial(recorded, name) for name in RECIPES if half(name) == "held-out"},
    "published": dict(published()),
}
PROBLEMS = HALVES["development"] | HALVES["held-out"] | HALVES["published"]


def names_of(half: str) -> list[str]:
    """The problems of a half; SystemExit where it has none here, for its data are elsewhere."""
    if not HALVES[half]:
        raise SystemExit("YAHPO_DATA names no folder, so there are no published problems: see benchmarks/published.py")
    return list(HALVES[half])
