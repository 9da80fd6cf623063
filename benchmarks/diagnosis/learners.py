"""Real trainings, epoch by epoch: networks in numpy, torch and scikit-learn, gradient boosting of XGBoost and LightGBM, linear models.

Each learner takes a problem, its settings and a number of epochs, and returns loss and metric of the three sets of rows after each
epoch; `running` holds what a script prints that averages over the batches of an epoch, dropout and all.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import lightgbm
import numpy as np
import torch
import xgboost
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.diagnosis.layers import Layers, Settings
from benchmarks.diagnosis.random_data import Array, Problem, Rows

Pair = tuple[float, float]  # loss, metric
_LOOKS = 60  # at the fresh rows, of which there are many
PARTS = ("train", "validation", "fresh")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a training did.

    Attributes:
        curves: Of each set of rows, (loss, metric) after each epoch: cross-entropy and accuracy, or mean squared error and R².
        running: The training set's, averaged over the batches of each epoch; empty if the learner keeps no such average.
        constant: At the end all fresh rows get the same answer, or none.
    """

    curves: Mapping[str, list[Pair]]
    running: list[Pair] = field(default_factory=list)
    constant: bool


def score(problem: Problem, y: Array, answers: Array) -> Pair:
    """Loss and metric of answers: a probability for each class, or values."""
    if not np.isfinite(answers).all():
        return math.nan, float((y == 0).mean()) if problem.classes else math.nan
    if problem.classes:
        chosen = answers[np.arange(len(y)), y.astype(int)]
        return float(-np.log(np.maximum(chosen, 1e-15)).mean()), float((answers.argmax(1) == y).mean())
    with np.errstate(over="ignore"):
        loss = float(((answers - y) ** 2).mean())
    return loss, 1 - loss / float(y.var())


def follow(problem: Problem, epochs: int, step: Callable[[], Pair | None], answer: Callable[[Array], Array]) -> Trace:
    """Train epoch by epoch and measure after each."""
    parts: Mapping[str, Rows] = {name: getattr(problem, name) for name in PARTS}
    curves: dict[str, list[Pair]] = {name: [] for name in PARTS}
    running = []
    last = np.zeros(1)
    stride = max(1, epochs // _LOOKS)
    for epoch in range(epochs):
        average = step()
        if average:
            running.append(average)
        for name, rows in parts.items():
            if name == "fresh" and epoch % stride and epoch != epochs - 1:
                curves[name].append((math.nan, math.nan))
                continue
            last = answer(rows.x)
            curves[name].append(score(problem, rows.y, last))
    curves["fresh"] = _between(curves["fresh"], stride)
    return Trace(curves=curves, running=running, constant=_constant(last))


def _between(pairs: list[Pair], stride: int) -> list[Pair]:
    """Every value, those that were not measured on the straight line between the two that were."""
    last = len(pairs) - 1
    known = [i for i in range(last + 1) if i % stride == 0 or i == last]
    columns = ([pairs[i][column] for i in known] for column in (0, 1))
    losses, metrics = (np.interp(np.arange(last + 1), known, column) for column in columns)
    return [(float(loss), float(metric)) for loss, metric in zip(losses, metrics, strict=True)]


def _constant(answers: Array) -> bool:
    return not np.isfinite(answers).all() or float(np.ptp(answers, axis=0).max()) < 1e-4


def _network(problem: Problem, settings: Settings) -> torch.nn.Sequential:
    """A network of linear layers, or of two convolutions and a linear layer."""
    width, outputs = int(settings["width"]), problem.classes or 1
    activation = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[str(settings["activation"])]
    dropout = float(settings["dropout"])
    layers: list[torch.nn.Module] = []
    size = problem.train.x.shape[1]
    if settings["model"] == "convolutions":
        channels = max(4, width // 8)
        layers = [
            torch.nn.Unflatten(1, (1, problem.side, problem.side)),
            torch.nn.Conv2d(1, channels, 3, padding=1),
            activation(),
            torch.nn.MaxPool2d(2),
        ]
        layers += [torch.nn.Conv2d(channels, 2 * channels, 3, padding=1), activation(), torch.nn.MaxPool2d(2), torch.nn.Flatten()]
        layers += [torch.nn.Dropout(dropout)]
        size = 2 * channels * (problem.side // 4) ** 2
    else:
        for _ in range(int(settings["depth"])):
            layers += [torch.nn.Linear(size, width), activation(), torch.nn.Dropout(dropout)]
            size = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(size, outputs))


def network(problem: Problem, settings: Settings, epochs: int, seed: int) -> Trace:
    """A network in torch."""
    torch.manual_seed(seed)
    model = _network(problem, settings)
    rate, decay = float(settings["rate"]), float(settings["decay"])
    optimizers: Mapping[str, Callable[[], torch.optim.Optimizer]] = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), lr=rate, weight_decay=decay),
        "momentum": lambda: torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay),
        "adam": lambda: torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay),
    }
    optimizer = optimizers[str(settings["optimizer"])]()
    x = torch.tensor(problem.train.x, dtype=torch.float32)
    kind = torch.long if problem.classes else torch.float32
    y = torch.tensor(problem.train.y, dtype=kind)
    batch = int(settings["batch"])
    variance = float(problem.train.y.var())

    def step() -> Pair:
        model.train()
        losses = hits = 0.0
        for rows in torch.randperm(len(x)).split(batch):
            out = model(x[rows])
            if problem.classes:
                loss = torch.nn.functional.cross_entropy(out, y[rows])
                hits += float((out.argmax(1) == y[rows]).sum())
            else:
                loss = torch.nn.functional.mse_loss(out[:, 0], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += float(loss.detach()) * len(rows)
        mean = losses / len(x)
        return mean, hits / len(x) if problem.classes else 1 - mean / variance

    def answer(rows: Array) -> Array:
        model.eval()
        with torch.no_grad():
            out = model(torch.tensor(rows, dtype=torch.float32))
        answers = torch.softmax(out.double(), 1) if problem.classes else out[:, 0].double()
        return np.asarray(answers.numpy())

    return follow(problem, epochs, step, answer)


def layers(problem: Problem, settings: Settings, epochs: int, seed: int) -> Trace:
    """A network in numpy."""
    rng = np.random.default_rng(seed)
    x, y = problem.train.x, problem.train.y
    model = Layers(x.shape[1], problem.classes, settings, rng)
    batches, variance = math.ceil(len(x) / int(settings["batch"])), float(y.var())

    def step() -> Pair:
        losses = hits = 0.0
        for rows in np.array_split(rng.permutation(len(x)), batches):
            loss, right = model.step(x[rows], y[rows])
            losses += loss * len(rows)
            hits += right
        mean = losses / len(x)
        return mean, hits / len(x) if problem.classes else 1 - mean / variance

    with np.errstate(all="ignore"):
        return follow(problem, epochs, step, model.answer)


def scikit_network(problem: Problem, settings: Settings, epochs: int, seed: int) -> Trace:
    """scikit-learn's network, an epoch at a time."""
    make = MLPClassifier if problem.classes else MLPRegressor
    model = make(
        hidden_layer_sizes=(int(settings["width"]),) * int(settings["depth"]),
        activation=str(settings["activation"]),
        solver="adam" if settings["optimizer"] == "adam" else "sgd",
        learning_rate_init=float(settings["rate"]),
        alpha=float(settings["decay"]),
        batch_size=min(int(settings["batch"]), len(problem.train.y)),
        random_state=seed,
    )
    return _by_partial_fit(problem, model, epochs)


def linear(problem: Problem, settings: Settings, epochs: int, seed: int) -> Trace:
    """A linear model by stochastic gradient descent, row by row."""
    options = {
        "alpha": float(settings["decay"]),
        "learning_rate": "constant",
        "eta0": float(settings["rate"]),
        "random_state": seed,
    }
    model = SGDClassifier(loss="log_loss", **options) if problem.classes else SGDRegressor(**options)
    return _by_partial_fit(problem, model, epochs)


def _by_partial_fit(problem: Problem, model: object, epochs: int) -> Trace:
    """Follow a model of scikit-learn's; one that refuses to go on, since its weights are no numbers, answers nothing from there on."""
    broken = [False]
    classes = {"classes": np.arange(problem.classes)} if problem.classes else {}

    def step() -> None:
        if not broken[0]:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.partial_fit(problem.train.x, problem.train.y, **classes)  # type: ignore[attr-defined]
            except ValueError:
                broken[0] = True

    def answer(rows: Array) -> Array:
        if broken[0]:
            return np.full((len(rows), max(1, problem.classes)), np.nan)[:, : problem.classes or 1].squeeze()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            method = model.predict_proba if problem.classes else model.predict  # type: ignore[attr-defined]
            return np.asarray(method(rows))

    return follow(problem, epochs, step, answer)


def extreme_boosting(problem: Problem, settings: Settings, epochs: int, seed: int) -> Trace:
    """Gradient boosting of XGBoost, a round being an epoch."""
    data = {name: xgboost.DMatrix(getattr(problem, name).x, getattr(problem, name).y) for name in PARTS}
    options: dict[str, object] = {
        "eta": settings["rate"],
        "max_depth": settings["depth"],
        "min_child_weight": settings["least"],
        "subsample": settings["share"],
        "lambda": settings["decay"],
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
        "tree_method": "hist",
        "max_bin": 64,
    }
    options |= _objective(problem, {2: "binary:logistic", 0: "reg:squarederror"}, "multi:softprob")
    options["eval_metric"] = {0: ["rmse"], 2: ["logloss", "error"]}.get(problem.classes, ["mlogloss", "merror"])
    log: dict[str, dict[str, list[float]]] = {}
    evals = [(matrix, name) for name, matrix in data.items()]
    model = xgboost.train(options, data["train"], epochs, evals=evals, evals_result=log, verbose_eval=False)
    return _from_log(problem, log, model.predict(data["fresh"]))


def light_boosting(problem: Problem, settings: Settings, epochs: int, seed: int) -> Trace:
    """Gradient boosting of LightGBM, a round being an epoch."""
    train = lightgbm.Dataset(problem.train.x, problem.train.y, params={"verbose": -1})
    sets = {
        name: train if name == "train" else train.create_valid(getattr(problem, name).x, getattr(problem, name).y)
        for name in PARTS
    }
    options: dict[str, object] = {
        "learning_rate": settings["rate"],
        "num_leaves": 2 ** int(settings["depth"]),
        "min_data_in_leaf": settings["least"],
        "lambda_l2": settings["decay"],
        "num_threads": 1,
        "seed": seed,
        "verbose": -1,
        "deterministic": True,
        "max_bin": 63,
    }
    options |= _objective(problem, {2: "binary", 0: "regression"}, "multiclass")
    options["metric"] = {0: ["rmse"], 2: ["binary_logloss", "binary_error"]}.get(
        problem.classes, ["multi_logloss", "multi_error"]
    )
    log: dict[str, dict[str, list[float]]] = {}
    model = lightgbm.train(options, train, epochs, list(sets.values()), list(sets), callbacks=[lightgbm.record_evaluation(log)])
    return _from_log(problem, log, np.asarray(model.predict(problem.fresh.x)))


def _objective(problem: Problem, names: Mapping[int, str], many: str) -> dict[str, object]:
    name = names.get(problem.classes, many)
    return {"objective": name, "num_class": problem.classes} if name == many else {"objective": name}


def _from_log(problem: Problem, log: Mapping[str, Mapping[str, list[float]]], answers: Array) -> Trace:
    """The curves of a boosting library's own record."""
    curves = {}
    for name in PARTS:
        values = list(log[name].values())
        if problem.classes:
            curves[name] = [(loss, 1 - error) for loss, error in zip(*values, strict=True)]
        else:
            variance = float(getattr(problem, name).y.var())
            curves[name] = [(rmse**2, 1 - rmse**2 / variance) for rmse in values[0]]
    return Trace(curves=curves, constant=_constant(np.asarray(answers)))


LEARNERS: Mapping[str, Callable[[Problem, Settings, int, int], Trace]] = {
    "layers": layers,
    "torch layers": network,
    "convolutions": network,
    "scikit layers": scikit_network,
    "linear": linear,
    "xgboost": extreme_boosting,
    "lightgbm": light_boosting,
}
