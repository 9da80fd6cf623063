"""What `curve_tables.py` trains: the trainings of `curve_trainings.py`, over grids of hyperparameters."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from benchmarks import curve_trainings
from benchmarks.trainings.losses import Curve


@dataclass(frozen=True)
class Recipe:
    """How a table is trained: `train` takes a seed and a value of each axis, and returns the objective after every epoch."""

    axes: Mapping[str, Sequence[float]]
    train: Callable[..., Curve]
    maximize: bool = False
    linear: AbstractSet[str] = frozenset()
    whole: AbstractSet[str] = frozenset()


def spaced(low: float, high: float, count: int) -> list[float]:
    """Values with even steps of their logarithm."""
    return [float(value) for value in np.geomspace(low, high, count)]


_RECIPES = (
    Recipe(
        {"learning_rate": spaced(1e-4, 1e-1, 9), "batch_size": spaced(8, 256, 5), "alpha": spaced(1e-5, 1.0, 4)},
        curve_trainings.digits_mlp,
        whole={"batch_size"},
    ),
    Recipe(
        {"learning_rate": spaced(1e-5, 1e1, 11), "alpha": spaced(1e-6, 1e0, 7), "l1_ratio": [0.0, 0.25, 0.5, 0.75, 1.0]},
        curve_trainings.digits_sgd,
        maximize=True,
        linear={"l1_ratio"},
    ),
    Recipe(
        {"learning_rate": spaced(3e-3, 1.0, 9), "max_depth": [1, 2, 3, 4, 6], "subsample": [0.2, 0.4, 0.7, 1.0]},
        curve_trainings.cancer_boosting,
        linear={"subsample"},
        whole={"max_depth"},
    ),
    Recipe(
        {"learning_rate": spaced(1e-4, 1e-1, 9), "dropout": [0.0, 0.25, 0.5, 0.75, 0.9], "width": spaced(8, 256, 5)},
        curve_trainings.digits_torch,
        maximize=True,
        linear={"dropout"},
        whole={"width"},
    ),
    Recipe(
        {"learning_rate": spaced(1e-4, 1.0, 9), "momentum": [0.0, 0.5, 0.8, 0.95, 0.99], "batch_size": spaced(4, 100, 5)},
        curve_trainings.wine_mlp,
        linear={"momentum"},
        whole={"batch_size"},
    ),
    Recipe({"learning_rate": spaced(1e-5, 1.0, 11), "alpha": spaced(1e-6, 1.0, 9)}, curve_trainings.wine_sgd, maximize=True),
    Recipe(
        {"learning_rate": spaced(1e-4, 1e-1, 9), "alpha": spaced(1e-4, 1e1, 5), "hidden": spaced(4, 128, 5)},
        curve_trainings.flipped_mlp,
        maximize=True,
        whole={"hidden"},
    ),
    Recipe(
        {"learning_rate": spaced(3e-3, 1.0, 9), "max_depth": [1, 2, 3, 4, 6], "subsample": [0.2, 0.4, 0.7, 1.0]},
        curve_trainings.friedman_boosting,
        linear={"subsample"},
        whole={"max_depth"},
    ),
    Recipe(
        {
            "learning_rate": spaced(1e-4, 1e-1, 7),
            "alpha": spaced(1e-5, 1.0, 6),
            "l1_ratio": [0.0, 0.5, 1.0],
            "power_t": [0.0, 0.25, 0.5],
        },
        curve_trainings.sparse_sgd,
        linear={"l1_ratio", "power_t"},
    ),
    Recipe(
        {"max_depth": [2, 3, 5, 8, 12, 20], "max_features": spaced(0.02, 1.0, 6), "min_samples_leaf": spaced(1, 32, 5)},
        curve_trainings.digits_forest,
        whole={"max_depth", "min_samples_leaf"},
    ),
    Recipe(
        {"learning_rate": spaced(1e-4, 1e-1, 9), "batch_size": spaced(8, 128, 5), "hidden": spaced(4, 128, 5)},
        curve_trainings.diabetes_mlp,
        whole={"batch_size", "hidden"},
    ),
    Recipe(
        {"learning_rate": spaced(3e-3, 1.0, 9), "max_depth": [1, 2, 3, 4, 6], "min_samples_leaf": spaced(1, 64, 5)},
        curve_trainings.diabetes_boosting,
        whole={"max_depth", "min_samples_leaf"},
    ),
    Recipe(
        {"learning_rate": spaced(1e-5, 1e0, 11), "alpha": spaced(1e-6, 1e0, 7), "l1_ratio": [0.0, 0.25, 0.5, 0.75, 1.0]},
        curve_trainings.cancer_sgd,
        linear={"l1_ratio"},
    ),
    Recipe(
        {"learning_rate": spaced(1e-4, 3e-1, 9), "batch_size": spaced(8, 128, 5), "weight_decay": spaced(1e-6, 1e-1, 5)},
        curve_trainings.convolution_torch,
        whole={"batch_size"},
    ),
)
RECIPES: Mapping[str, Recipe] = {recipe.train.__name__: recipe for recipe in _RECIPES}
