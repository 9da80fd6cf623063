"""Serves the model of catboost_training.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost
import pandas as pd
import tabular


def model_fn(model_dir: str) -> Any:  # noqa: ANN401 - a CatBoost
    """The model."""
    kind = catboost.CatBoostRegressor if tabular.facts()["task"] == "regression" else catboost.CatBoostClassifier
    model = kind()
    model.load_model(str(Path(model_dir, "model")))
    return model


def transform_fn(model: Any, body: Any, content_type: str, accept: str) -> tuple[str, str]:  # noqa: ANN401 - a CatBoost; text or bytes
    """Predictions, or the probabilities of all classes."""
    features = pd.DataFrame(tabular.request(body, content_type)).astype(dict.fromkeys(model.get_cat_feature_indices(), "int64"))
    output = model.predict(features) if tabular.facts()["task"] == "regression" else model.predict_proba(features)
    return tabular.answer(output, accept), tabular.JSON
