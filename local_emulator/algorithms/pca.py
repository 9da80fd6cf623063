"""Principal component analysis: `python -m local_emulator.algorithms.pca`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.contract import CustomerError, Floats, say
from sm_tuning.rules.catalogue import Algorithm

_FEWEST_EXTRA = 10  # of the automatic extra_components, as the developer guide says


def train(algorithm: Algorithm) -> None:
    """Find the components of the train channel; AWS has no metric of them, so a test channel is not scored."""
    hyperparameters = contract.hyperparameters(algorithm)
    width, components = hyperparameters["feature_dim"], hyperparameters["num_components"]
    if components > width:
        raise CustomerError(f"Hyperparameter num_components: {components} must not be greater than feature_dim, {width}.")
    features, _ = data.load_train(algorithm, width=width, labelled=False)
    rows = features.shape[0]
    if rows < components:
        raise CustomerError(f"There are {rows} records, fewer than the {components} components of hyperparameter num_components.")
    say(f"{width} feature(s) found in 'data'.")
    progress = contract.Progress("PCA", 1, rows)
    mean = np.asarray(features.mean(axis=0)).reshape(1, -1) if hyperparameters["subtract_mean"] else np.zeros((1, width))
    find = _randomized if hyperparameters["algorithm_mode"] == "randomized" else _regular
    values, vectors = find(features, mean, hyperparameters)
    progress.tell(0)
    has_test = contract.channel("test") is not None
    say("Test data is not scored: no metric of PCA is published." if has_test else "Test data is not provided.")
    contract.save(s=values[::-1], v=vectors[:, ::-1], mean=mean)  # the largest comes last, as in AWS's models


def _regular(features: Any, mean: Floats, hyperparameters: Mapping[str, Any]) -> tuple[Floats, Floats]:  # noqa: ANN401 - dense or sparse
    """Singular values, largest first, and their components as columns: by the covariance of all features."""
    scatter = data.dense(features.T @ features) - features.shape[0] * mean.T @ mean
    squares, vectors = np.linalg.eigh(scatter)
    largest = slice(None, -hyperparameters["num_components"] - 1, -1)
    return np.sqrt(np.maximum(squares[largest], 0)), vectors[:, largest]


def _randomized(features: Any, mean: Floats, hyperparameters: Mapping[str, Any]) -> tuple[Floats, Floats]:  # noqa: ANN401 - dense or sparse
    """The same, near enough: within a random projection on some dimensions more than there are components."""
    components, extra = hyperparameters["num_components"], hyperparameters["extra_components"]
    extra = max(_FEWEST_EXTRA, components) if extra == -1 else extra
    size = min(components + extra, *features.shape)
    chance = np.random.default_rng(0).normal(size=(features.shape[0], size))
    sketch = features.T @ chance - mean.T @ chance.sum(axis=0, keepdims=True)
    basis, _ = np.linalg.qr(sketch)
    _, values, rotation = np.linalg.svd(features @ basis - mean @ basis, full_matrices=False)
    return values[:components], (basis @ rotation.T)[:, :components]


if __name__ == "__main__":
    contract.run("pca", train)
