"""The value of a hyperparameter above which training comes to nothing."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.fit import Fit, Verdict, classify
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.rules.roles import Role, role_of

_LEAST_DEAD = 3  # fewer may be chance
_MOST = 0.75  # of the training jobs that came to nothing lie above the value, and of those above it came to nothing
_CHANCE = 0.1  # that so many of them lie there though the hyperparameter has no part in it
_NOTHING = 0.03  # gained by the training metric: a model that has learnt nothing
_TELLING = 3  # values, of which one that has learnt nothing is told
_LITTLE = 0.2  # of what the best training job gained: no more than a jumping metric reaches by chance


@dataclass(frozen=True)
class _Cut:
    """A value: how many training jobs it puts on the right side, and how probable that is by chance."""

    value: float
    right: int
    chance: float


def cliff(results: Results, fits: Mapping[str, Fit]) -> tuple[str, float] | None:
    """The hyperparameter above a value of which training comes to nothing, and the least such value; None if there is none.

    Training came to nothing where the verdict says so, and where nothing was learnt at a higher value than the best training job's:
    a network that died at once prints sound numbers.

    Args:
        results: The tuning jobs' results.
        fits: The verdict on each training job, by its name.
    """
    cuts = {name: cut for name in results.hyperparameters if (cut := _best_cut(_outcomes(results, fits, name)))}
    if not cuts:
        return None
    name = max(cuts, key=lambda name: (cuts[name].right, -cuts[name].chance))
    return name, cuts[name].value


def dead_by_rate(results: Results, fits: Mapping[str, Fit]) -> dict[str, Fit]:
    """The verdicts, given what others came to: who learnt nothing above the rate from which on training dies has died of it.

    By its own curve alone a network that died at once looks underfit, where no loss shows that it is no better than guessing.

    Args:
        results: The tuning jobs' results.
        fits: The verdict on each training job by its own curves, by its name.
    """
    name, value = cliff(results, fits) or ("", math.inf)
    if role_of(name) is not Role.RATE:
        return dict(fits)
    judged = dict(fits)
    for trial in results.trials:
        setting, fit = trial.settings.get(name), fits[trial.name]
        above = isinstance(setting, float) and setting >= value
        if above and fit.verdict is Verdict.UNDERFIT and _stuck(results, fits, trial, name):
            reason = f"{fit.reason}; with {name} from {value:.3g} on hardly any training job learnt anything"
            judged[trial.name] = replace(fit, verdict=Verdict.RATE_TOO_HIGH, reason=reason, confidence=Confidence.MEDIUM)
    return judged


def _outcomes(results: Results, fits: Mapping[str, Fit], name: str) -> list[tuple[float, bool]]:
    """Setting of each training job, in order, and whether it came to nothing; without those that were stopped before it would show."""
    died = [results.values_made(trial) or 0 for trial in results.trials if fits[trial.name].verdict.died]
    shows = max(statistics.median(died) if died else 0, _TELLING)
    return sorted(
        (setting, came_to_nothing)
        for trial in results.trials
        if isinstance(setting := trial.settings.get(name), float)
        and (
            (came_to_nothing := fits[trial.name].verdict.died or _stuck(results, fits, trial, name))
            or trial.status != "Stopped"
            or (results.values_made(trial) or 0) >= shows
        )
    )


def _stuck(results: Results, fits: Mapping[str, Fit], trial: TrialResult, name: str) -> bool:
    """Whether a training job learnt nothing at a higher value than the best one's, in as many epochs."""
    if results.best is None:
        return False
    setting, best = trial.settings.get(name), results.best.settings.get(name)
    gained = fits[trial.name].gained
    above = isinstance(setting, float) and isinstance(best, float) and setting > best
    return above and gained is not None and gained < max(_NOTHING, _LITTLE * (_best_gained(results, fits, trial) or 0.0))


def _best_gained(results: Results, fits: Mapping[str, Fit], trial: TrialResult) -> float | None:
    """What the best training job gained; beside one that was stopped, by as many values."""
    best = results.best
    if best is None:
        return None
    made, most = results.values_made(trial), results.values_made(best)
    if results.ran_to_its_end(trial) or not made or not most or made >= most:
        return fits[best.name].gained
    by_then = {metric: values[: made * len(values) // most] for metric, values in best.curves.items()}
    return classify(by_then, results.objective).gained


def _best_cut(outcomes: Sequence[tuple[float, bool]]) -> _Cut | None:
    """The cut that puts most training jobs on the right side; None if what lies above it may be chance."""
    count, total = len(outcomes), sum(dead for _, dead in outcomes)
    if total < _LEAST_DEAD:
        return None
    best: _Cut | None = None
    above = total
    for cut in range(1, count):
        (below, dead), (value, _) = outcomes[cut - 1], outcomes[cut]
        above -= dead
        right = above + cut - (total - above)
        if value == below or min(above / total, above / (count - cut)) < _MOST or (best is not None and right <= best.right):
            continue
        best = _Cut(value, right, _by_chance(above, count - cut, total, count))
    return best if best is not None and best.chance < _CHANCE else None


def _by_chance(above: int, there: int, total: int, count: int) -> float:
    """Probability that of `total` of `count` training jobs at least `above` are among `there` (hypergeometric)."""
    ways = sum(math.comb(total, hits) * math.comb(count - total, there - hits) for hits in range(above, min(total, there) + 1))
    return ways / math.comb(count, there)
