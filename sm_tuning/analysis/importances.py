"""How much of the objective each hyperparameter decides."""

import math
from collections.abc import Sequence

from sm_tuning.analysis.results import Results
from sm_tuning.spec.parameters import Categorical, Range, Scaling

_LEAST_TRIALS = 10


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
    from sm_tuning.analysis.forest import permutation_importances  # noqa: PLC0415 - an extra

    columns = {name: _columns([trial.settings.get(name) for trial in trials], results.ranges.get(name)) for name in names}
    return permutation_importances([objective for trial in trials if (objective := trial.objective) is not None], columns)


def _columns(settings: Sequence[float | str | None], parameter: Range | None) -> list[list[float]]:
    """Settings as rows of numbers: on a logarithmic scale where the range is; a column for each category."""
    if isinstance(parameter, Categorical) or not all(isinstance(setting, float) for setting in settings):
        values = sorted(set(map(str, settings)))
        return [[float(str(setting) == value) for value in values] for setting in settings]
    logarithmic = getattr(parameter, "scaling", None) is Scaling.LOGARITHMIC
    numbers = [setting for setting in settings if isinstance(setting, float)]
    return [[math.log(setting) if logarithmic and setting > 0 else setting] for setting in numbers]
