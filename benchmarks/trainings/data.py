"""Data sets of the recorded trainings: what scikit-learn brings along, and made-up ones."""

from functools import cache

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine, make_classification, make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

Values = npt.NDArray[np.float64]
Split = tuple[Values, Values, Values, Values]
"""Training inputs, held-out inputs, training targets, held-out targets."""


def split(rows: int, inputs: Values, targets: Values) -> Split:
    """Some rows to learn from, the others held out; inputs with zero mean and unit variance."""
    seen, held, seen_targets, held_targets = train_test_split(inputs, targets, train_size=rows, random_state=0)
    scaler = StandardScaler().fit(seen)
    return scaler.transform(seen), scaler.transform(held), seen_targets, held_targets


def nine_tenths(seed: int, count: int) -> npt.NDArray[np.int64]:
    """Which of so many rows a training sees that has no randomness of its own."""
    return np.random.default_rng(seed).permutation(count)[: count * 9 // 10]


def unit(targets: Values) -> Values:
    """Targets with zero mean and unit variance."""
    return np.asarray((targets - targets.mean()) / targets.std())


@cache
def digits() -> Split:
    """Handwritten digits, 400 to learn from."""
    return split(400, *load_digits(return_X_y=True))


@cache
def cancer() -> Split:
    """Breast cancer, 200 to learn from."""
    return split(200, *load_breast_cancer(return_X_y=True))


@cache
def wine() -> Split:
    """Wines, 60 to learn from."""
    return split(60, *load_wine(return_X_y=True))


@cache
def diabetes() -> Split:
    """Diabetes, with targets of unit variance, 250 to learn from."""
    inputs, targets = load_diabetes(return_X_y=True)
    return split(250, inputs, unit(targets))


@cache
def classes() -> Split:
    """Three made-up classes in 20 columns of which 8 tell something; a tenth of the labels is wrong."""
    inputs, labels = make_classification(
        1200, 20, n_informative=8, n_redundant=4, n_classes=3, n_clusters_per_class=2, flip_y=0.1, class_sep=1.2, random_state=0
    )
    return split(500, inputs, labels)


@cache
def friedman() -> Split:
    """Friedman's first function with noise, 10 columns of which 5 count."""
    inputs, targets = make_friedman1(1000, 10, noise=1.0, random_state=0)
    return split(400, inputs, unit(targets))


@cache
def houses() -> Split:
    """Made-up prices of houses by location, age, rooms and income: hills around two towns, a ceiling, outliers."""
    rng = np.random.default_rng(0)
    location, age = rng.uniform(-1.0, 1.0, size=(900, 2)), rng.uniform(0.0, 50.0, 900)
    income, rooms = rng.lognormal(1.2, 0.5, 900), rng.normal(5.0, 1.5, 900)
    hills = sum(np.exp(-8.0 * ((location - town) ** 2).sum(axis=1)) for town in ((-0.5, 0.4), (0.6, -0.3)))
    prices = np.minimum(0.5 * income + 2.0 * hills - 0.01 * age + 0.1 * rooms + rng.standard_t(3, 900) * 0.3, 6.0)
    return split(350, np.column_stack([location, age, income, rooms]), unit(prices))
