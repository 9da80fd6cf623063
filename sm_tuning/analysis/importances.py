"""How much of the objective each hyperparameter decides."""

import math
from collections.abc import Sequence
from typing import Any

from sm_tuning.analysis.results import Results
from sm_tuning.errors import optional_package
from sm_tuning.spec.parameters import Categorical, Range, Scaling

_LEAST_TRIALS = 10
_SHUFFLES = 10
_FAR_OFF = 1.5  # times the width of the middle half: Tukey's fences


def forest_importances(results: Results) -> dict[str, float]:
    """Permutation importances of a random forest over the training jobs, adding up to 1.

    Objectives that are far off are brought to the edge of the others, so that a few training jobs that diverged do not count for
    all; those that failed have none and are left out.

    Returns:
        The share of each hyperparameter; empty with fewer than ten training jobs, which say nothing.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    trials = [trial for trial in results.trials if trial.objective is not None]
    names = results.hyperparameters
    if len(trials) < _LEAST_TRIALS or not names:
        return {}
    with optional_package("results", "importances need scikit-learn"):
        import numpy as np  # noqa: PLC0415 - comes with that extra
        from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - an extra
    values = np.array([trial.objective for trial in trials])
    low, high = np.quantile(values, (0.25, 0.75))
    values = values.clip(low - _FAR_OFF * (high - low), high + _FAR_OFF * (high - low)) if high > low else values
    blocks = {
        name: np.array(_columns([trial.settings.get(name) for trial in trials], results.ranges.get(name))) for name in names
    }
    forest: Any = RandomForestRegressor(n_estimators=200, min_samples_leaf=2, random_state=0)
    forest.fit(np.hstack(list(blocks.values())), values)
    orders = [np.random.default_rng(seed).permutation(len(trials)) for seed in range(_SHUFFLES)]
    errors = {}
    for name, block in blocks.items():
        predictions = [forest.predict(np.hstack(list({**blocks, name: block[order]}.values()))) for order in orders]
        errors[name] = sum(float(np.mean((prediction - values) ** 2)) for prediction in predictions) / _SHUFFLES
    base = float(np.mean((forest.predict(np.hstack(list(blocks.values()))) - values) ** 2))
    gains = {name: max(error - base, 0.0) for name, error in errors.items()}
    total = sum(gains.values())
    return {name: gain / total if total else 0.0 for name, gain in gains.items()}


def _columns(settings: Sequence[float | str | None], parameter: Range | None) -> list[list[float]]:
    """Settings as rows of numbers: on a logarithmic scale where the range is; a column for each category."""
    if isinstance(parameter, Categorical) or not all(isinstance(setting, float) for setting in settings):
        values = sorted(set(map(str, settings)))
        return [[float(str(setting) == value) for value in values] for setting in settings]
    logarithmic = getattr(parameter, "scaling", None) is Scaling.LOGARITHMIC
    numbers = [setting for setting in settings if isinstance(setting, float)]
    return [[math.log(setting) if logarithmic and setting > 0 else setting] for setting in numbers]
