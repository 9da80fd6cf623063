"""A random forest over training jobs, and how much each hyperparameter matters to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sm_tuning.errors import optional_package

with optional_package("results", "importances need scikit-learn"):
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

_SHUFFLES = 10
_FAR_OFF = 1.5  # times the width of the middle half: Tukey's fences


def permutation_importances(objectives: Sequence[float], columns: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, float]:
    """How much worse the forest's predictions get when one hyperparameter's values are shuffled, as shares that add up to 1.

    Args:
        objectives: One for each training job. Those far off are brought to the edge of the others.
        columns: For each hyperparameter a row of numbers for each training job.
    """
    values = np.array(objectives)
    low, high = np.quantile(values, (0.25, 0.75))
    values = values.clip(low - _FAR_OFF * (high - low), high + _FAR_OFF * (high - low)) if high > low else values
    blocks = {name: np.array(rows) for name, rows in columns.items()}
    forest: Any = RandomForestRegressor(n_estimators=200, min_samples_leaf=2, random_state=0)
    forest.fit(np.hstack(list(blocks.values())), values)
    orders = [np.random.default_rng(seed).permutation(len(values)) for seed in range(_SHUFFLES)]
    errors = {}
    for name, block in blocks.items():
        predictions = [forest.predict(np.hstack(list({**blocks, name: block[order]}.values()))) for order in orders]
        errors[name] = sum(float(np.mean((prediction - values) ** 2)) for prediction in predictions) / _SHUFFLES
    base = float(np.mean((forest.predict(np.hstack(list(blocks.values()))) - values) ** 2))
    gains = {name: max(error - base, 0.0) for name, error in errors.items()}
    total = sum(gains.values())
    return {name: gain / total if total else 0.0 for name, gain in gains.items()}
