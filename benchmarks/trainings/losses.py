"""How good a model is on held-out rows."""

from collections.abc import Sequence

import numpy as np

from benchmarks.trainings.data import Values

Curve = Sequence[float]
"""The objective after each epoch."""


def softmax(logits: Values) -> Values:
    """Probabilities of classes, of logits in the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def log_loss(probabilities: Values, labels: Values) -> float:
    """Mean negative log likelihood; probabilities of shape (rows, classes)."""
    chosen = probabilities[np.arange(len(labels)), labels.astype(int)]
    return float(-np.log(np.clip(chosen, 1e-6, 1.0)).mean())


def error(predicted: Values, targets: Values) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - targets) ** 2)))
