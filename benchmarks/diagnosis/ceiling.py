"""Which hyperparameter an observer names as the strongest who knows the form of every effect and has only to learn its size."""

from collections.abc import Sequence

import numpy as np

from benchmarks.diagnosis.planted import Interaction, Main, Surface
from benchmarks.diagnosis.played import Training, unit_rows


def ceiling(surface: Surface, trainings: Sequence[Training]) -> str:
    """The name of the strongest by least squares on the living training jobs; where some died, the learning rate."""
    if sum(training.dead for training in trainings) > 1 and surface.rate is not None:
        return surface.axes[surface.rate].name
    living = [training for training in trainings if training.objective is not None and not training.dead]
    units = unit_rows(surface, [training.point for training in living])
    values = np.array([training.objective for training in living], float)
    loss = (
        values
        if surface.form in {"loss", "rmse"}
        else -np.log(np.clip(values if surface.form == "accuracy" else 1 - values, 1e-6, 1))
    )
    terms = surface.terms
    idle = [index for index in range(len(surface.axes)) if not any(index in _axes(term) for term in terms)]
    columns = [term.value(units) / term.weight for term in terms] + [np.sqrt(12) * units[:, index] for index in idle]
    design = np.column_stack([np.ones(len(units)), *columns])
    weights = np.linalg.lstsq(design, loss, rcond=None)[0][1:]
    totals = dict.fromkeys((axis.name for axis in surface.axes), 0.0)
    for axes, weight in zip([*map(_axes, terms), *((index,) for index in idle)], weights, strict=True):
        for index in axes:
            totals[surface.axes[index].name] += float(weight) ** 2
    return max(totals, key=totals.__getitem__)


def _axes(term: Main | Interaction) -> tuple[int, ...]:
    return term.axes if isinstance(term, Interaction) else (term.axis,)
