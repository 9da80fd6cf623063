"""Real data sets, divided for training and testing."""

from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split


@pytest.fixture(scope="module")
def cancer() -> Any:
    inputs, labels = load_breast_cancer(return_X_y=True)
    return train_test_split(inputs, labels, random_state=0, test_size=0.3)


@pytest.fixture(scope="module")
def digits() -> Any:
    inputs, labels = load_digits(return_X_y=True)
    return train_test_split(inputs, labels, random_state=0, test_size=0.3)


@pytest.fixture(scope="module")
def diabetes() -> Any:
    inputs, labels = load_diabetes(return_X_y=True)
    return train_test_split(inputs, labels, random_state=0, test_size=0.3)
