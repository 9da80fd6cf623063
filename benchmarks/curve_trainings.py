"""Real trainings of scikit-learn and torch, and their data: what the recipes of `curve_recipes.py` train.

Each function takes a seed and a value of each axis, and returns the objective after every epoch.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
    make_regression,
)
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from benchmarks.trainings.data import Split, Values, unit
from benchmarks.trainings.losses import Curve, error, log_loss


def _split(inputs: Values, targets: Values, *, scaled: bool = True) -> Split:
    seen, held, seen_targets, held_targets = train_test_split(inputs, targets, test_size=0.4, random_state=0)
    if scaled:
        scaler = StandardScaler().fit(seen)
        seen, held = scaler.transform(seen), scaler.transform(held)
    return seen, held, seen_targets, held_targets


@cache
def digits() -> Split:
    """Handwritten digits."""
    inputs, labels = load_digits(return_X_y=True)
    return _split(inputs / 16.0, labels, scaled=False)


@cache
def cancer() -> Split:
    """Breast cancer."""
    return _split(*load_breast_cancer(return_X_y=True))


@cache
def diabetes() -> Split:
    """Diabetes, with targets of unit variance."""
    inputs, targets = load_diabetes(return_X_y=True)
    return _split(inputs, unit(targets))


@cache
def wine() -> Split:
    """Wines of three growers: 107 rows to train on."""
    return _split(*load_wine(return_X_y=True))


@cache
def flipped() -> Split:
    """Made classes, a sixth of whose labels are wrong."""
    inputs, labels = make_classification(
        n_samples=700, n_features=15, n_informative=8, n_classes=3, n_clusters_per_class=2, flip_y=0.17, random_state=3
    )
    return _split(inputs, labels)


@cache
def friedman() -> Split:
    """Friedman's first function with noise, with targets of unit variance."""
    inputs, targets = make_friedman1(n_samples=400, noise=1.0, random_state=1)
    return _split(inputs, unit(targets))


@cache
def sparse() -> Split:
    """A linear function of a tenth of 60 inputs with noise, with targets of unit variance."""
    inputs, targets = make_regression(n_samples=250, n_features=60, n_informative=6, noise=40.0, random_state=2)
    return _split(inputs, unit(targets))


def _log_loss(model: Any, held: Values, labels: Values) -> float:  # noqa: ANN401 - scikit-learn's models have no common type
    return log_loss(model.predict_proba(held), labels)


def _accuracy(model: Any, held: Values, labels: Values) -> float:  # noqa: ANN401 - as above
    return float(model.score(held, labels))


def _error(model: Any, held: Values, targets: Values) -> float:  # noqa: ANN401 - as above
    return error(model.predict(held), targets)


def _learnt(
    model: Any,  # noqa: ANN401 - as above
    split: Split,
    epochs: int,
    objective: Callable[[Any, Values, Values], float],
    rows: int | None = None,
) -> Curve:
    """The objective after each of some epochs of a model that learns bit by bit, of the first rows if not of all."""
    seen, held, targets, held_targets = split
    more = {"classes": np.unique(targets)} if is_classifier(model) else {}
    curve = []
    for _ in range(epochs):
        model.partial_fit(seen[:rows], targets[:rows], **more)
        curve.append(objective(model, held, held_targets))
    return curve


def digits_mlp(seed: int, rate: float, batch: float, alpha: float) -> Curve:
    """Validation loss of a small network on the digits."""
    model = MLPClassifier(
        hidden_layer_sizes=(32,), learning_rate_init=rate, batch_size=round(batch), alpha=alpha, random_state=seed
    )
    return _learnt(model, digits(), 27, _log_loss)


def digits_sgd(seed: int, rate: float, alpha: float, l1: float) -> Curve:
    """Validation accuracy of a linear classifier on the digits, trained on 300 rows."""
    model = SGDClassifier(
        loss="hinge", learning_rate="constant", eta0=rate, alpha=alpha, penalty="elasticnet", l1_ratio=l1, random_state=seed
    )
    return _learnt(model, digits(), 20, _accuracy, rows=300)


def cancer_boosting(seed: int, rate: float, depth: float, subsample: float) -> Curve:
    """Validation loss of gradient boosting on the breast cancer data."""
    seen, held, labels, held_labels = cancer()
    model = GradientBoostingClassifier(
        learning_rate=rate, n_estimators=40, max_depth=round(depth), subsample=subsample, max_features=0.3, random_state=seed
    )
    model.fit(seen, labels)
    return [log_loss(probabilities, held_labels) for probabilities in model.staged_predict_proba(held)]


def diabetes_mlp(seed: int, rate: float, batch: float, hidden: float) -> Curve:
    """Validation error of a small network on the diabetes data."""
    model = MLPRegressor(hidden_layer_sizes=(round(hidden),), learning_rate_init=rate, batch_size=round(batch), random_state=seed)
    return _learnt(model, diabetes(), 30, _error)


def diabetes_boosting(seed: int, rate: float, depth: float, leaf: float) -> Curve:
    """Validation error of gradient boosting on the diabetes data."""
    seen, held, targets, held_targets = diabetes()
    model = GradientBoostingRegressor(
        learning_rate=rate,
        n_estimators=50,
        max_depth=round(depth),
        min_samples_leaf=round(leaf),
        subsample=0.6,
        random_state=seed,
    )
    model.fit(seen, targets)
    return [error(predicted, held_targets) for predicted in model.staged_predict(held)]


def cancer_sgd(seed: int, rate: float, alpha: float, l1: float) -> Curve:
    """Validation loss of logistic regression on 100 rows of the breast cancer data."""
    model = SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=rate, alpha=alpha, penalty="elasticnet", l1_ratio=l1, random_state=seed
    )
    return _learnt(model, cancer(), 25, _log_loss, rows=100)


def wine_mlp(seed: int, rate: float, momentum: float, batch: float) -> Curve:
    """Validation loss of a small network on the wines, by stochastic gradient descent with momentum."""
    model = MLPClassifier(
        hidden_layer_sizes=(16,),
        solver="sgd",
        learning_rate_init=rate,
        momentum=momentum,
        batch_size=round(batch),
        activation="tanh",
        random_state=seed,
    )
    return _learnt(model, wine(), 25, _log_loss)


def wine_sgd(seed: int, rate: float, alpha: float) -> Curve:
    """Validation accuracy of a linear classifier on 60 of the wines."""
    model = SGDClassifier(loss="modified_huber", learning_rate="constant", eta0=rate, alpha=alpha, random_state=seed)
    return _learnt(model, wine(), 15, _accuracy, rows=60)


def flipped_mlp(seed: int, rate: float, alpha: float, hidden: float) -> Curve:
    """Validation accuracy of a network on classes with wrong labels."""
    model = MLPClassifier(hidden_layer_sizes=(round(hidden),), learning_rate_init=rate, alpha=alpha, random_state=seed)
    return _learnt(model, flipped(), 30, _accuracy)


def friedman_boosting(seed: int, rate: float, depth: float, subsample: float) -> Curve:
    """Validation error of gradient boosting on Friedman's function."""
    seen, held, targets, held_targets = friedman()
    model = GradientBoostingRegressor(
        learning_rate=rate, n_estimators=60, max_depth=round(depth), subsample=subsample, random_state=seed
    )
    model.fit(seen, targets)
    return [error(predicted, held_targets) for predicted in model.staged_predict(held)]


def sparse_sgd(seed: int, rate: float, alpha: float, l1: float, power: float) -> Curve:
    """Validation error of a linear regression, whose rate falls with a power of the steps; too high a rate diverges."""
    seen, held, targets, held_targets = sparse()
    model = SGDRegressor(
        penalty="elasticnet",
        eta0=rate,
        alpha=alpha,
        l1_ratio=l1,
        learning_rate="invscaling",
        power_t=power,
        random_state=seed,
    )
    curve = []
    for _ in range(20):
        model.partial_fit(seen, targets)
        loss = error(np.clip(model.predict(held), -1e6, 1e6), held_targets)
        curve.append(loss if math.isfinite(loss) else 1e6)
    return curve


def digits_forest(seed: int, depth: float, share: float, leaf: float) -> Curve:
    """Validation loss of a random forest on 400 of the digits, five trees after each other."""
    seen, held, labels, held_labels = digits()
    model = RandomForestClassifier(
        n_estimators=0,
        max_depth=round(depth),
        max_features=share,
        min_samples_leaf=round(leaf),
        warm_start=True,
        random_state=seed,
    )
    curve = []
    for trees in range(5, 65, 5):
        model.set_params(n_estimators=trees).fit(seen[:400], labels[:400])
        curve.append(log_loss(model.predict_proba(held), held_labels))
    return curve


def digits_torch(seed: int, rate: float, dropout: float, width: float) -> Curve:
    """Validation accuracy of a network with dropout on 400 of the digits."""
    import torch  # noqa: PLC0415 - not needed to read the table

    torch.manual_seed(seed)
    size = round(width)
    model = torch.nn.Sequential(torch.nn.Linear(64, size), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(size, 10))
    return _torch_curve(model, torch.optim.Adam(model.parameters(), lr=rate), 32, 400, 27, accuracy=True)


def convolution_torch(seed: int, rate: float, batch: float, decay: float) -> Curve:
    """Validation loss of a small convolutional network on the digits."""
    import torch  # noqa: PLC0415 - not needed to read the table

    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, 8, 8)),
        torch.nn.Conv2d(1, 8, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 8, 3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(128, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    return _torch_curve(model, optimizer, round(batch), 500, 18, accuracy=False)


def _torch_curve(model: Any, optimizer: Any, batch: int, rows: int, epochs: int, *, accuracy: bool) -> Curve:  # noqa: ANN401 - torch has types only where it is
    import torch  # noqa: PLC0415 - not needed to read the table

    seen, held, labels, held_labels = (torch.tensor(array) for array in digits())
    seen, held = seen[:rows].float(), held.float()
    curve = []
    for _ in range(epochs):
        model.train()
        order = torch.randperm(rows)
        for start in range(0, rows, batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(seen[chosen]), labels[:rows][chosen]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            scores = model(held)
        loss = float(torch.nn.functional.cross_entropy(scores, held_labels))
        right = float((scores.argmax(dim=1) == held_labels).float().mean())
        curve.append(right if accuracy else min(loss, 1e6) if math.isfinite(loss) else 1e6)
    return curve
