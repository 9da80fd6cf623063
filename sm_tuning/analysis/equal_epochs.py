"""By which values training jobs are compared where some were stopped: at equal epochs.

The last value of a training job that was stopped is one of fewer epochs, and those that were left are no sample of all, for they were
chosen by what they had reached. So hyperparameters are compared after as many epochs as nearly all made, and what holds at the end is
told apart from what holds by then.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sm_tuning.analysis.fit import Fit
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.steps import VALUE, counted
from sm_tuning.client.status import UNFINISHED
from sm_tuning.rules.roles import Role, role_of

_MOST_LEFT_OUT = 0.1  # of the training jobs: so few that were stopped change little


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """By which values training jobs are compared.

    Attributes:
        epochs: After how many values of the objective; None where each is compared at its end.
        values: The objective then, by the training job's name.
        ends: The objective of those that ran to their end.
        sentence: What is compared and what cannot be told, without a full stop; empty where each is compared at its end.
        untold: Hyperparameters of which nothing can be told.
        after: The epochs in words, as the script calls them; empty where each is compared at its end.
    """

    epochs: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    ends: Mapping[str, float] = field(default_factory=dict)
    sentence: str = ""
    untold: Sequence[str] = ()
    after: str = ""


def compared(results: Results, fits: Mapping[str, Fit]) -> Comparison:
    """What may be compared of the training jobs.

    Args:
        results: The tuning jobs' results.
        fits: The verdict on each training job, by its name.
    """
    ended = [trial for trial in results.trials if trial.objective is not None and trial.status not in UNFINISHED]
    ends = {trial.name: trial.objective for trial in ended if trial.objective is not None and results.ran_to_its_end(trial)}
    stopped = [trial for trial in ended if trial.name not in ends]
    most_left_out = int(_MOST_LEFT_OUT * len(ended))
    if len(stopped) <= most_left_out:
        return Comparison(values=ends, ends=ends)
    count = f"{len(stopped)} of {len(ended)} training jobs were stopped before their end"
    lengths = sorted(results.values_made(trial) or 0 for trial in stopped)
    epochs = lengths[most_left_out]
    if not epochs:
        why = (
            "their learning curves are not known, or means by the minute: what hyperparameters do cannot be told from last values"
        )
        return Comparison(
            ends=ends,
            sentence=f"{count}, and {why} of different {'numbers of values' if results.step == VALUE else f'{results.step}s'}",
        )
    values = {trial.name: value for trial in results.trials if (value := _value(results, trial, fits, epochs)) is not None}
    untold = [name for name in results.hyperparameters if role_of(name) is Role.EPOCHS]
    return Comparison(
        epochs=epochs,
        values=values,
        ends=ends,
        sentence=_sentence(count, counted(epochs, results.step), len(ends), untold),
        untold=untold,
        after=counted(epochs, results.step),
    )


def _value(results: Results, trial: TrialResult, fits: Mapping[str, Fit], epochs: int) -> float | None:
    """A training job's objective after some epochs; None of one that made fewer, or failed for something else than its training."""
    if (results.values_made(trial) or 0) < epochs or (trial.status == "Failed" and not fits[trial.name].verdict.died):
        return None
    value = trial.curves[results.objective.name][epochs - 1]
    return value if math.isfinite(value) else None


def _sentence(count: str, after: str, whole: int, untold: Sequence[str]) -> str:
    came = f"to which {whole} came" if whole else "to which none came"
    sentence = f"{count}: what hyperparameters do is compared after {after}, and need not be so at the end, {came}"
    return f"{sentence}; what {' and '.join(untold)} does cannot be told" if untold else sentence
