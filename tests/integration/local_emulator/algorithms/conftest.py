"""Real data sets, divided for training and testing."""

import importlib
from typing import Any

import pytest


def _divided(name: str) -> Any:
    # Every process of the tests reads this file, and few need scikit-learn.
    datasets, selection = (importlib.import_module(f"sklearn.{module}") for module in ("datasets", "model_selection"))
    inputs, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    return selection.train_test_split(inputs, labels, random_state=0, test_size=0.3)


@pytest.fixture(scope="module")
def cancer() -> Any:
    return _divided("breast_cancer")


@pytest.fixture(scope="module")
def digits() -> Any:
    return _divided("digits")


@pytest.fixture(scope="module")
def diabetes() -> Any:
    return _divided("diabetes")
