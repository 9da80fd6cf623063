"""What `SAGEMAKER_INFERENCE_OUTPUT` selects."""

import json

import numpy as np
import pytest

from local_emulator.inference.stand_ins.xgboost_output import UnsupportedError, encode

CHANCES = np.array([[0.25, 0.5, 0.25]])


@pytest.mark.parametrize(
    ("objective", "predictions", "asked", "row"),
    [
        ("reg:squarederror", [1.5], "predicted_score", {"predicted_score": 1.5}),
        ("binary:logistic", [0.75], "predicted_label,probability", {"predicted_label": 1, "probability": 0.75}),
        ("binary:logitraw", [-1.0], "predicted_label,raw_scores", {"predicted_label": 0, "raw_scores": [2.0, -1.0]}),
        ("binary:hinge", [1.0], "Predicted_Label", {"predicted_label": 1.0}),
        ("multi:softmax", [2.0], "labels,predicted_label", {"labels": [0, 1, 2], "predicted_label": 2.0}),
        ("multi:softprob", CHANCES, "predicted_label,probability", {"predicted_label": 1, "probability": 0.5}),
    ],
)
def test_each_objective(objective: str, predictions: object, asked: str, row: dict[str, object]) -> None:
    body = encode(np.array(predictions, dtype=np.float32), asked, objective, 3, "application/json")
    assert json.loads(body) == {"predictions": [row]}


def test_what_an_objective_does_not_have_is_nan() -> None:
    assert encode(np.array([1.5]), "predicted_score,probability", "reg:squarederror", 0, "text/csv") == b"1.5,nan"


def test_other_objectives_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="Objective `rank:pairwise` unsupported for selectable inference predictions"):
        encode(np.array([1.5]), "predicted_score", "rank:pairwise", 0, "text/csv")
