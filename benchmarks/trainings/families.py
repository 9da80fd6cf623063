"""How the models of six families are trained, two of each family.

Each function takes a seed and a point and returns the objective, to be minimised, after each epoch (one value where a training has
none). What diverges returns numbers as large as they come, or none.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR

from benchmarks.trainings import data
from benchmarks.trainings.data import Split
from benchmarks.trainings.losses import Curve, error, log_loss
from local_emulator.domain.space import Point

BRANCHES = ("none", "no_interactions")


def _curve(model: Any, split: Split, epochs: int) -> Curve:  # noqa: ANN401 - scikit-learn's models have no common type
    """The loss after each of some epochs of a model that learns bit by bit."""
    seen, held, targets, held_targets = split
    more = {"classes": np.unique(targets)} if hasattr(model, "predict_proba") else {}
    curve = []
    for _ in range(epochs):
        try:
            model.partial_fit(seen, targets, **more)
            curve.append(log_loss(model.predict_proba(held), held_targets) if more else error(model.predict(held), held_targets))
        except ValueError:  # weights that are no finite numbers any more
            break
    return curve


# --- gradient boosting ------------------------------------------------------------------------------------------------------


def boosting_cancer(seed: int, point: Point) -> Curve:
    """Log loss after each tree."""
    seen, held, labels, held_labels = data.cancer()
    model = GradientBoostingClassifier(
        n_estimators=20,
        learning_rate=float(point["learning_rate"]),
        max_depth=int(point["max_depth"]),
        subsample=float(point["subsample"]),
        max_features=float(point["max_features"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        random_state=seed,
    ).fit(seen, labels)
    return [log_loss(probabilities, held_labels) for probabilities in model.staged_predict_proba(held)]


def boosting_classes(seed: int, point: Point) -> Curve:
    """Log loss after each round."""
    seen, held, labels, held_labels = data.classes()
    model = HistGradientBoostingClassifier(
        max_iter=15,
        learning_rate=float(point["learning_rate"]),
        max_leaf_nodes=int(point["max_leaf_nodes"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        l2_regularization=float(point["l2_regularization"]),
        max_features=float(point["max_features"]),
        max_bins=int(point["max_bins"]),
        interaction_cst=None if point["interactions"] == BRANCHES[0] else BRANCHES[1],
        early_stopping=False,
        random_state=seed,
    ).fit(seen, labels)
    return [log_loss(probabilities, held_labels) for probabilities in model.staged_predict_proba(held)]


# --- forests ----------------------------------------------------------------------------------------------------------------


def _forest(point: Point) -> Mapping[str, Any]:
    return {
        "n_estimators": int(point["n_estimators"]),
        "max_depth": int(point["max_depth"]),
        "max_features": float(point["max_features"]),
        "min_samples_leaf": int(point["min_samples_leaf"]),
        "bootstrap": point["bootstrap"] == "yes",
    }


def forest_diabetes(seed: int, point: Point) -> Curve:
    """Error of a forest of one of two kinds."""
    seen, held, targets, held_targets = data.diabetes()
    kind = {"random": RandomForestRegressor, "extra": ExtraTreesRegressor}[point["kind"]]
    return [error(kind(**_forest(point), random_state=seed).fit(seen, targets).predict(held), held_targets)]


def forest_wine(seed: int, point: Point) -> Curve:
    """Log loss of a forest."""
    seen, held, labels, held_labels = data.wine()
    model = RandomForestClassifier(**_forest(point), criterion=point["criterion"], random_state=seed).fit(seen, labels)
    return [log_loss(model.predict_proba(held), held_labels)]


# --- convex problems --------------------------------------------------------------------------------------------------------


def kernel_houses(seed: int, point: Point) -> Curve:
    """Error of ridge regression with a kernel, on nine tenths of the rows."""
    seen, held, targets, held_targets = data.houses()
    kept = data.nine_tenths(seed, len(seen))
    model = KernelRidge(
        alpha=float(point["alpha"]), gamma=float(point["gamma"]), kernel=point["kernel"], degree=int(point["degree"])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a matrix that is nearly singular
        return [error(model.fit(seen[kept], targets[kept]).predict(held), held_targets)]


def logistic_cancer(seed: int, point: Point) -> Curve:
    """Log loss of logistic regression that may be ended too early."""
    seen, held, labels, held_labels = data.cancer()
    model = LogisticRegression(
        solver="saga",
        C=float(point["C"]),
        l1_ratio=float(point["l1_ratio"]),
        tol=float(point["tol"]),
        max_iter=int(point["max_iter"]),
        class_weight=None if point["class_weight"] == "none" else "balanced",
        random_state=seed,
    )
    return [log_loss(model.fit(seen, labels).predict_proba(held), held_labels)]


# --- networks ---------------------------------------------------------------------------------------------------------------


def _network(seed: int, point: Point) -> Mapping[str, Any]:
    return {
        "hidden_layer_sizes": (int(point["hidden"]),) * int(point.get("layers", "1")),
        "learning_rate_init": float(point["learning_rate"]),
        "batch_size": int(point["batch_size"]),
        "alpha": float(point["alpha"]),
        "activation": point["activation"],
        "solver": point.get("solver", "adam"),
        "momentum": float(point.get("momentum", "0.9")),
        "random_state": seed,
    }


def mlp_digits(seed: int, point: Point) -> Curve:
    """Log loss of a network; its momentum counts for one solver alone."""
    return _curve(MLPClassifier(**_network(seed, point)), data.digits(), 12)


def mlp_friedman(seed: int, point: Point) -> Curve:
    """Error of a network of one to three layers."""
    return _curve(MLPRegressor(**_network(seed, point)), data.friedman(), 9)


# --- linear models by stochastic gradients ----------------------------------------------------------------------------------


def _descent(seed: int, point: Point) -> Mapping[str, Any]:
    return {
        "loss": point["loss"],
        "penalty": point["penalty"],
        "alpha": float(point["alpha"]),
        "l1_ratio": float(point.get("l1_ratio", "0.5")),
        "learning_rate": point["schedule"],
        "eta0": float(point["learning_rate"]),
        "power_t": float(point["power_t"]),
        "random_state": seed,
    }


def sgd_diabetes(seed: int, point: Point) -> Curve:
    """Error of a linear model that easily diverges."""
    return _curve(SGDRegressor(**_descent(seed, point), epsilon=float(point["epsilon"])), data.diabetes(), 20)


def sgd_digits(seed: int, point: Point) -> Curve:
    """Log loss of a linear classifier."""
    return _curve(SGDClassifier(**_descent(seed, point), average=point["average"] == "yes"), data.digits(), 9)


# --- support vectors --------------------------------------------------------------------------------------------------------


def svm_diabetes(seed: int, point: Point) -> Curve:
    """Error of a support vector regression, on nine tenths of the rows."""
    seen, held, targets, held_targets = data.diabetes()
    kept = data.nine_tenths(seed, len(seen))
    model = SVR(
        C=float(point["C"]), gamma=float(point["gamma"]), epsilon=float(point["epsilon"]), kernel=point["kernel"], max_iter=20_000
    )
    return [error(model.fit(seen[kept], targets[kept]).predict(held), held_targets)]


def svm_digits(seed: int, point: Point) -> Curve:
    """Share of digits that are misread, having seen nine tenths of the rows."""
    seen, held, labels, held_labels = data.digits()
    kept = data.nine_tenths(seed, len(seen))
    model = SVC(
        C=float(point["C"]),
        gamma=float(point["gamma"]),
        kernel=point["kernel"],
        degree=int(point["degree"]),
        coef0=float(point["coef0"]),
    )
    return [1.0 - float(model.fit(seen[kept], labels[kept]).score(held, held_labels))]
