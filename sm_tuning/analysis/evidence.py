"""What advice is given on: the results of a tuning job with its verdicts and its effects, and what they say of one hyperparameter."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sm_tuning.analysis.advice import Cost
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.data_scaling import DataScalingCurve
from sm_tuning.analysis.effects import Edge, Effect, is_logarithmic, position
from sm_tuning.analysis.equal_epochs import Comparison
from sm_tuning.analysis.fit import Fit, Verdict
from sm_tuning.analysis.goal import looks_for_the_worst
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.shared_settings import SharedSetting, shared_settings
from sm_tuning.rules import catalogue
from sm_tuning.rules.roles import Role, is_seed, role_of
from sm_tuning.spec.parameters import Categorical, Continuous, Integer

_MOST_SHARE = 0.99  # the end of a hyperparameter that is a share
_ENOUGH_TO_SHOW = 6  # training jobs with different objectives
_MOST_FACTOR = 10.0  # between the old and the new end of a logarithmic range
_NEAR = 0.7  # of the range: near its high end
_AT_THE_END = 0.2  # of the range
_LEVEL = 0.2  # of what the best is ahead of the median: no better
_LEAST_BEFORE = 2  # training jobs with the category before the last one
_ABOUT = 0.75  # times a setting: about as much
_NO_CHANCE = 2  # training jobs that died; one may have died for another reason
_NUMBER = re.compile(r"\b\d")  # `0.1`, `64,64`; of `l2` the 2 is no number


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Results of a tuning job with their diagnosis.

    Attributes:
        results: The tuning jobs' results.
        fit: The verdict on the best training job.
        fits: The verdict on each training job, by its name.
        comparison: By which values training jobs are compared.
        effects: The effect of each hyperparameter, by its name.
        scaling: The objective on growing shares of the training set, where it was measured.
    """

    results: Results
    fit: Fit
    fits: Mapping[str, Fit]
    comparison: Comparison
    effects: Mapping[str, Effect]
    scaling: DataScalingCurve | None = None

    # --- training jobs ------------------------------------------------------------------------------------------------------

    @cached_property
    def died(self) -> int:
        """Number of training jobs that came to nothing."""
        return sum(fit.verdict.died for fit in self.fits.values())

    @cached_property
    def shared_by_failed(self) -> list[SharedSetting]:
        """What training jobs that failed have in common."""
        return shared_settings(self.results, self.fits)

    @cached_property
    def goal_is_wrong(self) -> bool:
        """Whether the goal contradicts the objective's name."""
        return looks_for_the_worst(self.results)

    @cached_property
    def ranking(self) -> list[TrialResult]:
        """Training jobs that ran to their end, the best first: nobody knows what others would have come to."""
        return [trial for trial in self.results.ranking if trial.name in self.comparison.ends]

    @cached_property
    def measured(self) -> int:
        """Number of training jobs by which effects are measured: those that did not die, as far as their objectives differ."""
        return len({value for name, value in self.comparison.values.items() if not self.fits[name].verdict.died})

    @property
    def shows_directions(self) -> bool:
        """Whether there are enough training jobs to show a direction, if there is one."""
        return self.measured >= _ENOUGH_TO_SHOW

    @property
    def shows_nothing(self) -> bool:
        """Whether there is nothing that a hyperparameter could be measured by: no two objectives differ."""
        return self.measured <= 1

    @property
    def jobs(self) -> int:
        """Number of training jobs of a round like the last one."""
        return sum(trial.tuning_job == self.results.latest.name for trial in self.results.trials)

    def cost(self, training_jobs: int, epochs: int | None = None) -> Cost:
        """The cost of so many training jobs like those that have run."""
        seconds = [trial.seconds for trial in self.results.trials if trial.seconds]
        return Cost(
            training_jobs=training_jobs,
            epochs=epochs,
            seconds=training_jobs * statistics.fmean(seconds) if seconds and training_jobs else None,
        )

    def other_seeds(self, training_jobs: int) -> str:
        """What to write to train the best with so many other seeds, behind a reason; empty for AWS's algorithms: no seed is tuned."""
        job, best = self.results.latest, self.results.best
        if best is None or catalogue.find(job.image or ""):
            return ""
        settings = {**job.static_hyperparameters, **best.hyperparameters}
        name = next(filter(is_seed, settings), None)
        text = settings.get(name or "", "").strip('"')
        first = int(text) + 1 if text.isdecimal() else 1
        ranges = f"{name or 'seed'} = {list(range(first, first + training_jobs))}"
        takes = "" if name is not None else "; a script that does not take seed yet must"
        return (
            f'; in the job file `strategy = "Grid"`, `ranges = {{ {ranges} }}` and its other values as `hyperparameters`{takes}'
        )

    # --- one hyperparameter -------------------------------------------------------------------------------------------------

    def tuned(self, *roles: Role) -> str | None:
        """The tuned hyperparameter of a role, or of some: of several the most important."""
        names = [name for name in (*self.effects, *self.results.hyperparameters) if role_of(name) in roles]
        return next((name for name in names if self._is_amount(name)), None)

    def _is_amount(self, name: str) -> bool:
        """Whether there may be more or less of it: not of scikit-learn's `penalty`, `l1` or `elasticnet`, which names a kind."""
        parameter = self.results.ranges.get(name)
        return not isinstance(parameter, Categorical) or all(_NUMBER.search(str(value)) for value in parameter.values)

    def numeric(self, name: str | None) -> Continuous | Integer | None:
        """The range of a hyperparameter, if that is a range of numbers."""
        parameter = self.results.ranges.get(name or "")
        return parameter if isinstance(parameter, Continuous | Integer) else None

    def setting(self, name: str | None) -> float | None:
        """A hyperparameter's value in the best training job, if it is a number."""
        best = self.results.best
        setting = best.settings.get(name) if best is not None and name is not None else None
        return setting if isinstance(setting, float) else None

    def share(self, name: str | None) -> float | None:
        """Where the best training job lies in a hyperparameter's range, from 0 to 1."""
        return position(self.results.ranges.get(name or ""), self.setting(name))

    def near(self, name: str | None, end: Edge) -> bool:
        """Whether the best training job lies near an end of a hyperparameter's range."""
        share = self.share(name)
        return share is not None and (share > _NEAR if end is Edge.HIGH else share < 1 - _NEAR)

    def levelled_off(self, name: str, edge: Edge) -> bool:
        """Whether the best at an end of the range is hardly better than the best between there and the middle.

        Then it is not known that more is to be gained towards the end, nor where hardly anything was tried before it: what little
        there is may be bad by something else.
        """
        sign = -1.0 if self.results.objective.higher_is_better else 1.0
        parameter = self.results.ranges.get(name)
        points = [
            (share if edge is Edge.LOW else 1 - share, sign * trial.objective)
            for trial in self.ranking
            if trial.objective is not None and (share := position(parameter, trial.settings.get(name))) is not None
        ]
        near = [value for share, value in points if share <= _AT_THE_END]
        before = [(share, value) for share, value in points if _AT_THE_END < share <= 1 / 2]
        if not near:
            return False
        if not before or (
            isinstance(parameter, Categorical) and [share for share, _ in before].count(min(before)[0]) < _LEAST_BEFORE
        ):
            return True
        every = [value for _, value in points]
        return min(value for _, value in before) - min(near) < _LEVEL * (statistics.median(every) - min(every))

    def cliff(self, name: str | None) -> float | None:
        """The value above which training comes to nothing."""
        effect = self.effects.get(name or "")
        return effect.dies_above if effect is not None else None

    def with_as_many(self, name: str) -> Counter[Verdict]:
        """The verdicts on the training jobs with about as much of a hyperparameter as the best one, or more; without that one's.

        Only those by the objective itself: where a loss says overfit, an accuracy that is tuned may go on getting better.
        """
        least = _ABOUT * (self.setting(name) or 0.0)
        stopped = {trial.name for trial in self.results.ranking} - self.comparison.ends.keys()
        others = [trial for trial in self.results.trials if trial is not self.results.best and trial.name not in stopped]
        settings = [(trial.settings.get(name), self.fits[trial.name]) for trial in others]
        return Counter(
            fit.verdict
            for setting, fit in settings
            if isinstance(setting, float) and setting >= least and fit.validation == self.results.objective.name
        )

    def deaths(self, name: str | None) -> list[float]:
        """The settings of training jobs that came to nothing, in order."""
        died = [trial for trial in self.results.trials if self.fits[trial.name].verdict.died]
        return sorted(setting for trial in died if isinstance(setting := trial.settings.get(name or ""), float))

    def ceiling(self, name: str, *, deaths: int = _NO_CHANCE) -> float:
        """The value above which a hyperparameter is not to be tried; infinite where none is known.

        That is its cliff, and of a rate the lowest setting above the best that died or is as bad as those that did, if so many
        training jobs died.
        """
        cliff = self.cliff(name) or math.inf
        if role_of(name) is not Role.RATE or (cliff == math.inf and self.died < deaths):
            return cliff
        best = self.setting(name) or 0.0
        return min([cliff, *(setting for setting in (*self.deaths(name), *self._as_bad_as_dead(name)) if setting > best)])

    def high_end(self, name: str) -> float:
        """The highest end of a range that does not reach its ceiling, of three digits as it is told; infinite where none is known."""
        ceiling = self.ceiling(name)
        if ceiling == math.inf or isinstance(self.numeric(name), Integer):
            return ceiling - 1
        end = float(f"{ceiling:.3g}")
        if end < ceiling or not end:
            return end
        third_digit = 10.0 ** (math.floor(math.log10(abs(end))) - 2)
        return float(f"{end - third_digit:.3g}")

    def _as_bad_as_dead(self, name: str) -> list[float]:
        """Settings above all that came to something whose objective is nearer to that of dead training jobs than to the best."""
        objective, best, cliff = self.results.objective, self.results.best, self.cliff(name) or math.inf
        valued = [
            (setting, value, self.fits[trial.name].verdict.died or setting >= cliff)
            for trial in self.results.trials
            if (value := trial.objective) is not None
            and isinstance(setting := trial.settings.get(name), float)
            and (trial.name in self.comparison.ends or self.fits[trial.name].verdict.died)
        ]
        dead = [value for _, value, died in valued if died]
        if not dead or best is None or best.objective is None:
            return []
        middle = ((max if objective.higher_is_better else min)(dead) + best.objective) / 2
        settings = [(setting, objective.is_better(value, middle)) for setting, value, _ in valued]
        alive = [setting for setting, better in settings if better]
        bad = [setting for setting, better in settings if not better]
        return [setting for setting in bad if setting > max(alive, default=math.inf)]

    def better(self, name: str | None) -> Edge | None:
        """The end of its range towards which the objective gets better, as far as that was measured, at the end."""
        effect = self.effects.get(name or "")
        return None if effect is None else effect.edge or (effect.better if effect.at_the_end else None)

    def confidence(self, name: str | None) -> Confidence:
        """How sure it is that a hyperparameter matters."""
        effect = self.effects.get(name or "")
        return Confidence.LOW if effect is None else effect.confidence

    def today(self, name: str | None) -> str:
        """A hyperparameter's value in the best training job in words; empty for none."""
        setting = self.setting(name)
        return "" if setting is None else f"{name} is {setting:.4g} in the best training job"

    # --- ranges -------------------------------------------------------------------------------------------------------------

    def farther(self, name: str, toward: Edge) -> float | None:
        """An end of a range moved outwards; None if it cannot move.

        It moves by half of the range's width on its scale, a power of ten at the most, that of the epochs to the double. It stays
        above 0, a count at 1 or more and a share below 1, where the range does (of a rate a tenth is left), and does not pass a
        known cliff.
        """
        parameter = self.numeric(name)
        if parameter is None:
            return None
        low, high = float(parameter.low), float(parameter.high)
        if is_logarithmic(parameter):
            factor = min(math.sqrt(high / low), _MOST_FACTOR)
            ends = (low / factor, high * factor)
        else:
            ends = (low - (high - low) / 2, high + (high - low) / 2)
        if toward is Edge.LOW:
            least = 1.0 if isinstance(parameter, Integer) and low >= 1 else 0.0 if low >= 0 else -math.inf
            if role_of(name) is Role.RATE:
                least = max(least, low / _MOST_FACTOR)  # at a rate of 0 nothing is learnt
            end = max(ends[0], least)
            return end if end < low else None
        if role_of(name) is Role.EPOCHS:
            ends = (ends[0], 2 * high)
        most = _MOST_SHARE if high < 1 and low >= 0 and not is_logarithmic(parameter) else math.inf
        end = min(ends[1], most, self.high_end(name))
        return end if end > high else None

    def widened(self, name: str, toward: Edge) -> dict[str, tuple[float, float]]:
        """A range with one end moved outwards; none if that cannot move."""
        end, parameter = self.farther(name, toward), self.numeric(name)
        if end is None or parameter is None:
            return {}
        low, high = float(parameter.low), float(parameter.high)
        return {name: (end, high) if toward is Edge.LOW else (low, end)}

    def beyond(self, name: str, toward: Edge) -> dict[str, tuple[float, float]]:
        """A range from the best training job's setting to beyond its end, or to that end if it cannot move."""
        parameter, setting = self.numeric(name), self.setting(name)
        if parameter is None or setting is None:
            return {}
        end = self.farther(name, toward)
        if toward is Edge.HIGH:
            return {name: (setting, float(parameter.high) if end is None else end)}
        return {name: (float(parameter.low) if end is None else end, setting)}
