"""What `SAGEMAKER_INFERENCE_OUTPUT` asks XGBoost's image to answer: labels, probabilities and scores of each record."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from local_emulator.algorithms import recordio

_LABELS = ("predicted_label", "labels")
_PROBABILITIES = ("probability", "probabilities")
_SCORES = ("raw_score", "raw_scores")
_REGRESSIONS = ("reg:squarederror", "reg:logistic", "reg:gamma", "reg:absoluteerror", "reg:tweedie")
_VALID: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(_REGRESSIONS, ("predicted_score",)),
    "binary:logistic": _LABELS + _PROBABILITIES + _SCORES,
    "binary:logitraw": _LABELS + _SCORES,
    "binary:hinge": _LABELS + _SCORES,
    "multi:softmax": _LABELS + _SCORES,
    "multi:softprob": _LABELS + _PROBABILITIES + _SCORES,
}
_HALF = 0.5


class UnsupportedError(Exception):
    """An objective of which nothing can be selected."""


def encode(predictions: Any, asked: str, objective: str, classes: int, accept: str) -> bytes:  # noqa: ANN401 - an array
    """The selected content of each prediction; raises UnsupportedError. What an objective does not have is NaN."""
    if objective not in _VALID:
        raise UnsupportedError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    keys = asked.replace(" ", "").lower().split(",")
    rows = [_selected(prediction, keys, objective, classes) for prediction in predictions]
    if accept == "application/json":
        return json.dumps({"predictions": rows}).encode()
    if accept == "application/jsonlines":
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    if accept == "application/x-recordio-protobuf":
        return recordio.write(rows)
    lines = [",".join(f'"{row[key]}"' if isinstance(row[key], list) else str(row[key]) for key in keys) for row in rows]
    return "\n".join(lines).encode()


def _selected(prediction: Any, keys: Sequence[str], objective: str, classes: int) -> dict[str, Any]:  # noqa: ANN401 - a number, or numbers
    values = _values(prediction, objective, classes)
    return {key: values[key] if key in _VALID[objective] else math.nan for key in keys}


def _values(prediction: Any, objective: str, classes: int) -> Mapping[str, Any]:  # noqa: ANN401 - see above
    if objective == "multi:softprob":
        chances = prediction.tolist()
        most = max(chances)
        label: float = int(np.argmax(prediction))
        return _named(label, list(range(classes)), most, chances)
    value = prediction.item()
    if objective.startswith("reg:"):
        return {"predicted_score": value}
    labels = list(range(classes)) if objective == "multi:softmax" else [0, 1]
    threshold = {"binary:logistic": _HALF, "binary:logitraw": 0.0}.get(objective)
    return _named(value if threshold is None else int(value > threshold), labels, value, [1.0 - value, value])


def _named(label: float, labels: Sequence[int], value: float, values: Sequence[float]) -> Mapping[str, Any]:
    named: dict[str, Any] = {"predicted_label": label, "labels": list(labels)}
    return named | {"probability": value, "probabilities": values, "raw_score": value, "raw_scores": values}
