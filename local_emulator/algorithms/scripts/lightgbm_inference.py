"""Serves the model of lightgbm_training.py."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import tabular


def model_fn(model_dir: str) -> Any:  # noqa: ANN401 - a Booster
    """The model."""
    return pickle.loads(Path(model_dir, "model.pkl").read_bytes())  # noqa: S301 - the endpoint's own model


def transform_fn(model: Any, body: Any, content_type: str, accept: str) -> tuple[str, str]:  # noqa: ANN401 - a Booster; text or bytes
    """Predictions, or the probabilities of all classes."""
    output = model.predict(tabular.request(body, content_type), num_iteration=model.best_iteration)
    if output.ndim == 1 and tabular.facts()["task"] == "classification":
        output = np.column_stack([1.0 - output, output])
    return tabular.answer(output, accept), tabular.JSON
