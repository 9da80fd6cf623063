"""Factorization machines: `python -m local_emulator.algorithms.factorization_machines`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.special
from sklearn import metrics

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.adam import Adam, batches
from local_emulator.algorithms.contract import CustomerError, Floats, quality
from sm_tuning.rules.catalogue import Algorithm

_PARTS = ("bias", "linear", "factors")
_KINDS = {
    **dict.fromkeys(("rmse", "mse", "absolute_loss", "binary_classification_cross_entropy"), "loss"),
    **dict.fromkeys(("binary_classification_accuracy", "binary_f_1.000"), "score"),
}


class Model:
    """A bias, a weight for each feature, and a vector of factors for each feature."""

    def __init__(self, hyperparameters: Mapping[str, Any]) -> None:
        self.hyperparameters = hyperparameters
        self.binary = hyperparameters["predictor_type"] == "binary_classifier"
        chance = np.random.default_rng(0)
        width = hyperparameters["feature_dim"]
        shapes = {"bias": (1,), "linear": (width,), "factors": (width, hyperparameters["num_factors"])}
        self.weights = {part: self._start(part, shape, chance) for part, shape in shapes.items()}

    def _used(self, part: str) -> bool:
        return bool(self.hyperparameters.get(f"use_{part}", True))

    def _start(self, part: str, shape: tuple[int, ...], chance: np.random.Generator) -> Floats:
        if not self._used(part):
            return np.zeros(shape)
        method = self.hyperparameters[f"{part}_init_method"]
        if method == "constant":
            return np.full(shape, float(self.hyperparameters[f"{part}_init_value"] or 0.0))
        if method == "uniform":
            scale = self.hyperparameters[f"{part}_init_scale"]
            scale = 0.001 if scale is None else scale
            return chance.uniform(-scale, scale, shape)
        return chance.normal(0, self.hyperparameters[f"{part}_init_sigma"], shape)

    def raw(self, features: Any) -> Floats:  # noqa: ANN401 - dense or sparse
        """What is predicted; for a classifier before the logistic function."""
        return raw(self.weights, features)

    def fit_batch(self, adam: Adam, features: Any, labels: Floats) -> None:  # noqa: ANN401 - dense or sparse
        """One step on one mini-batch."""
        raw = self.raw(features)
        error = (scipy.special.expit(raw) - labels if self.binary else 2 * (raw - labels)) / len(labels)
        factors = self.weights["factors"]
        squares = features * features if isinstance(features, np.ndarray) else features.multiply(features).tocsr()
        sums = np.asarray(features @ factors)
        gradients = {
            "bias": np.array([error.sum()]),
            "linear": np.asarray(features.T @ error),
            "factors": np.asarray(features.T @ (error[:, None] * sums)) - factors * np.asarray(squares.T @ error)[:, None],
        }
        clip = self.hyperparameters["clip_gradient"]
        for part, gradient in gradients.items():
            if not self._used(part):
                gradient[:] = 0
            gradient += self.hyperparameters[f"{part}_wd"] * self.weights[part]  # noqa: PLW2901 - in place
            if clip is not None:
                np.clip(gradient, -clip, clip, out=gradient)
        adam.step(gradients)

    def scores(self, features: Any, labels: Floats) -> Mapping[str, float]:  # noqa: ANN401 - dense or sparse
        """The metrics of a set; raises CustomerError."""
        raw = self.raw(features)
        if not np.isfinite(raw).all():
            raise CustomerError("The predictions are not finite: a learning rate is too high.")
        if not self.binary:
            error = raw - labels
            mse = float((error**2).mean())
            return {"rmse": mse**0.5, "mse": mse, "absolute_loss": float(np.abs(error).mean())}
        said = (raw > 0).astype(float)
        return {
            "binary_classification_accuracy": float((said == labels).mean()),
            "binary_classification_cross_entropy": float((np.logaddexp(0, raw) - labels * raw).mean()),
            "binary_f_1.000": float(metrics.f1_score(labels, said, zero_division=0)),
        }


def raw(weights: Mapping[str, Floats], features: Any) -> Floats:  # noqa: ANN401 - dense or sparse
    """What a model of these weights predicts; for a classifier before the logistic function."""
    linear, factors = weights["linear"], weights["factors"]
    squares = features * features if isinstance(features, np.ndarray) else features.multiply(features).tocsr()
    pairs: Floats = (np.asarray(features @ factors) ** 2 - np.asarray(squares @ factors**2)).sum(axis=1) / 2
    predicted: Floats = weights["bias"][0] + np.asarray(features @ linear) + pairs
    return predicted


def train(algorithm: Algorithm) -> None:
    """Train and score the test channel."""
    hyperparameters = contract.hyperparameters(algorithm)
    features, labels = data.load_train(algorithm, width=hyperparameters["feature_dim"])
    test = data.load(algorithm, "test", width=hyperparameters["feature_dim"])
    model = Model(hyperparameters)
    for name, targets in (("train", labels), *((("test", test[1]),) if test is not None else ())):
        if model.binary and not np.isin(targets, (0, 1)).all():
            raise CustomerError(f"The channel {name!r} has labels that are neither 0 nor 1.")
    adam = Adam(model.weights, {part: hyperparameters[f"{part}_lr"] for part in _PARTS})
    progress = contract.Progress("factorization-machines", hyperparameters["epochs"], len(labels))
    chance = np.random.default_rng(0)
    for epoch in range(hyperparameters["epochs"]):
        for batch, some in enumerate(batches(len(labels), hyperparameters["mini_batch_size"], chance)):
            model.fit_batch(adam, features[some], labels[some])
            if batch == 0:
                _tell(model.scores(features[some], labels[some]), epoch=epoch, batch=0)
        _tell(model.scores(features, labels), epoch=epoch)
        progress.tell(epoch)
    _tell(model.scores(features, labels))
    if test is not None:
        contract.scores("test", model.scores(*test), _KINDS)
    contract.save(**model.weights, predictor_type=hyperparameters["predictor_type"])


def _tell(scores: Mapping[str, float], epoch: int | None = None, batch: int | None = None) -> None:
    for name, value in scores.items():
        quality("train", name, value, kind=_KINDS[name], epoch=epoch, batch=batch)


if __name__ == "__main__":
    contract.run("factorization-machines", train)
