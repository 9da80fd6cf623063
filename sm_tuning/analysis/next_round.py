"""The next round: the tuning job that follows one, as its diagnosis advises, and what was changed of it and why."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from sm_tuning.analysis.advice import Advice, Remedy
from sm_tuning.errors import Invalid
from sm_tuning.rules import tuning_job
from sm_tuning.rules.request import number_of_points
from sm_tuning.rules.violation import Violation
from sm_tuning.spec.job import LONGEST_NAME, TuningJobSpec, WarmStart
from sm_tuning.spec.parameters import Categorical, Continuous, Integer, Range, Scaling
from sm_tuning.spec.strategies import Bayesian, Grid, Hyperband, Random, Strategy, strategy_of
from sm_tuning.spec.written import Comments
from sm_tuning.validation import wording

if TYPE_CHECKING:
    from sm_tuning.analysis.diagnosis import Diagnosis

_Job = TypeVar("_Job", bound=TuningJobSpec)

_MOST_PARENTS = 5  # of a warm start
_IDENTICAL = "IdenticalDataAndAlgorithm"
_SEEDS = 2**32
_UNIQUE = re.compile(r"-\d{4}-\d{6}-[0-9a-f]{4}$")  # what `unique_name` adds
_NUMBER = re.compile(r"-(\d{1,3})$")


@dataclass(frozen=True)
class NextRound(Generic[_Job]):
    """The tuning job that follows, and why each changed member is as it is."""

    job: _Job
    comments: Comments


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is chosen for the next round, as a simulation recommends it; None for what the tuning job had.

    Attributes:
        strategy: Name of the strategy.
        max_jobs: Training jobs.
        max_parallel: Training jobs at a time.
        early_stopping: Whether the poor are stopped early; not of Hyperband.
        resources: `min_resource` and `max_resource` of Hyperband.
    """

    strategy: str | None = None
    max_jobs: int | None = None
    max_parallel: int | None = None
    early_stopping: bool | None = None
    resources: Mapping[str, int | None] = field(default_factory=dict)

    def strategy_after(self, before: Strategy) -> Strategy:
        """The strategy of the next round; raises Invalid for settings that it does not have."""
        following = _strategy(before) if self.strategy is None else None
        name = self.strategy or type(following).__name__
        settings = {"early_stopping": self.early_stopping, **self.resources}
        chosen = {setting: value for setting, value in settings.items() if value is not None}
        if following is not None and not chosen:
            return following
        seed = getattr(before, "seed", None)
        known = {"seed": None if seed is None else (seed + 1) % _SEEDS}
        if "early_stopping" not in chosen and name != "Hyperband":
            known["early_stopping"] = getattr(following or before, "early_stopping", False)
        made = strategy_of(name, **known, **chosen)
        if unknown := [setting for setting in chosen if not hasattr(made, setting)]:
            raise Invalid(f"{unknown[0]} is {chosen[unknown[0]]}; {name} has no such setting")
        return made


AS_BEFORE = Choice()


def next_round(
    diagnosis: "Diagnosis", job: _Job, name: str | None = None, choice: Choice = AS_BEFORE, taken: Sequence[str] = ()
) -> NextRound[_Job]:
    """The next round of a tuning job: the same with the advised ranges, a fresh seed and what was learnt so far.

    Args:
        diagnosis: The diagnosis of the tuning job, or of several rounds of it.
        job: The tuning job that was diagnosed; of several rounds the latest.
        name: The new name; None for the old one with the next number that neither a diagnosed tuning job has nor one of `taken`.
        choice: Another strategy, or other numbers of training jobs.
        taken: Names of other tuning jobs that there are.

    Raises:
        Invalid: It has several definitions, every combination has been tried and nothing is to be changed, or what follows would
            break a rule that the tuning job does not: Grid with a range that is not categorical, say.
    """
    if job.several:
        raise Invalid(f"{job.name} has several definitions, and a warm start takes one: give each a tuning job of its own")
    ranges = {parameter.name: _changed(parameter, diagnosis.advice) for parameter in job.definition.ranges}
    changed = {name: parameter for name, parameter in ranges.items() if parameter not in job.definition.ranges}
    strategy = choice.strategy_after(job.strategy)
    if isinstance(job.strategy, Grid) and choice.strategy in {None, "Grid"} and not changed:
        raise Invalid(
            f"every combination of {job.name} has been tried, and the diagnosis asks for no other range: there is no next round"
        )
    wrong_goal = bool(_of_goal(diagnosis))
    objective = job.definition.objective
    following = job.changed(
        name=name or _free_name(job.name, [*diagnosis.tuning_jobs, *taken]),
        ranges=list(ranges.values()),
        strategy=strategy,
        max_jobs=None if isinstance(strategy, Grid) else choice.max_jobs or job.max_jobs or len(diagnosis.fits),
        max_parallel=choice.max_parallel or job.max_parallel,
        # A warm start takes parents with the same goal.
        warm_start=None if isinstance(strategy, Grid | Hyperband) or wrong_goal else _parents(diagnosis, job),
        objective=objective.opposite if objective is not None and wrong_goal else objective,
    )
    if choice.max_jobs is None and following.max_jobs is not None and (points := _points(following)) is not None:
        following = following.changed(max_jobs=min(following.max_jobs, points))
    _require_sound(following, job)
    return NextRound(following, _comments(diagnosis, job, following))


def _points(job: TuningJobSpec) -> int | None:
    """Number of distinct points of its ranges; None for infinitely many."""
    return number_of_points(job.definition.ranges_request())


def _require_sound(following: TuningJobSpec, job: TuningJobSpec) -> None:
    """Raise Invalid if a next round breaks rules between members that the tuning job does not; a dry run knows of more."""
    request = following.request()
    problems = (replace(problem, argument=wording.argument(problem.path, request)) for problem in tuning_job.violations(request))
    refuse(job.name, problems, tuning_job.violations(job.request()))


def refuse(name: str, problems: Iterable[Violation], before: Iterable[Violation]) -> None:
    """Raise Invalid with the rules that the next round of a tuning job breaks and that this has not broken, if there are any."""
    known = {(problem.rule, problem.path) for problem in before}
    if new := [str(problem) for problem in problems if (problem.rule, problem.path) not in known]:
        raise Invalid(f"there is no such next round of {name}: {'; '.join(new)}")


def next_name(name: str) -> str:
    """A tuning job's name with the next number, without the time that made it unique: `digits-1126-020304-1a2b` is `digits-2`."""
    base = _UNIQUE.sub("", name)
    number = _NUMBER.search(base)
    tail = f"-{int(number[1]) + 1 if number else 2}"
    return f"{_NUMBER.sub('', base)[: LONGEST_NAME - len(tail)].rstrip('-')}{tail}"


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The next name that is none of those, whatever made them unique."""
    bases = {_UNIQUE.sub("", other) for other in taken}
    following = next_name(name)
    while following in bases:
        following = next_name(following)
    return following


# --- ranges -----------------------------------------------------------------------------------------------------------------


def _changed(parameter: Range, plan: Sequence[Advice]) -> Range:
    """A range with all that the plan changes of it."""
    for advice in plan:
        if parameter.name in advice.values and isinstance(parameter, Categorical):
            parameter = replace(parameter, values=advice.values[parameter.name])
        if isinstance(parameter, Continuous | Integer):
            if advice.kind is Remedy.LOGARITHMIC_SCALE and advice.hyperparameter == parameter.name and parameter.low > 0:
                parameter = replace(parameter, scaling=Scaling.LOGARITHMIC)
            if parameter.name in advice.ranges:
                parameter = _ended(parameter, advice.ranges[parameter.name])
    return parameter


def _ended(parameter: Continuous | Integer, ends: tuple[float, float]) -> Continuous | Integer:
    """A range with other ends: short numbers, for a reader; whole ones, and different, of an integer's."""
    low, high = ends
    if isinstance(parameter, Integer):
        low, high = round(low), round(high)
        return replace(parameter, low=low, high=high) if low < high else parameter
    return replace(parameter, low=float(f"{low:.3g}"), high=float(f"{high:.3g}"))


def _shown(parameter: Range) -> str:
    if isinstance(parameter, Continuous | Integer):
        scale = f", {parameter.scaling.value}" if parameter.scaling is not Scaling.AUTO else ""
        return f"{parameter.low:g} to {parameter.high:g}{scale}"
    return (
        ", ".join(map(str, parameter.values)) if isinstance(parameter, Categorical) else f"chosen by AWS around {parameter.hint}"
    )


# --- the rest ---------------------------------------------------------------------------------------------------------------


def _strategy(strategy: Strategy) -> Random | Bayesian:
    """The strategy with another seed; those that cannot be warm-started become Bayesian."""
    if isinstance(strategy, Random | Bayesian):
        return replace(strategy, seed=None if strategy.seed is None else (strategy.seed + 1) % _SEEDS)
    if isinstance(strategy, Hyperband):
        return Bayesian(seed=None if strategy.seed is None else (strategy.seed + 1) % _SEEDS, early_stopping=True)
    return Bayesian(early_stopping=strategy.early_stopping)


def _parents(diagnosis: "Diagnosis", job: TuningJobSpec) -> WarmStart:
    """The tuning jobs that really ran, after the parents that had the same data."""
    earlier = job.warm_start.parents if job.warm_start is not None and job.warm_start.type == _IDENTICAL else ()
    parents = tuple(dict.fromkeys([*earlier, *(diagnosis.tuning_jobs or [job.name])]))
    return WarmStart.identical(*parents[-_MOST_PARENTS:])


# --- why --------------------------------------------------------------------------------------------------------------------


def _comments(diagnosis: "Diagnosis", job: TuningJobSpec, following: TuningJobSpec) -> Comments:
    comments: dict[str, list[str]] = {"": list(_head(diagnosis, following))}
    before = {parameter.name: parameter for parameter in job.definition.ranges}
    for parameter in following.definition.ranges:
        if parameter != before[parameter.name]:
            reasons = [f"{advice.remedy}: {advice.reason}" for advice in diagnosis.advice if parameter.name in advice.changed]
            comments[f"ranges.{parameter.name}"] = [f"was {_shown(before[parameter.name])}", *reasons]
    if following.definition.objective != job.definition.objective:
        comments["objective"] = [*_of_goal(diagnosis), "a warm start takes the same goal, so it begins afresh"]
    comments["strategy"] = list(_about_strategy(job.strategy, following.strategy))
    if following.warm_start is not None:
        comments["warm_start"] = ["what has been tried there is not tried again, and counts as this tuning job's own"]
        if diagnosis.comparison.sentence:
            comments["warm_start"] += [
                "many of those training jobs were stopped, and count as if they had ended there, however early that was: without this",
                "line it begins afresh",
            ]
    if following.max_parallel != job.max_parallel:
        comments["max_parallel"] = [f"was {job.max_parallel}"]
    if job.max_jobs not in {None, following.max_jobs}:
        comments["max_jobs"] = [f"was {job.max_jobs}"]
    if job.max_jobs is None and following.max_jobs is not None:
        had = following.max_jobs == len(diagnosis.fits)
        comments["max_jobs"] = [f"as many as {job.name} had" if had else "as many as there are points"]
    if "sagemaker_submit_directory" in following.definition.hyperparameters:
        comments["hyperparameters"] = [
            "sagemaker_program and sagemaker_submit_directory are the code as it ran, in S3; to send it anew, write",
            'script = "..." above instead of the two',
        ]
    return comments


def _of_goal(diagnosis: "Diagnosis") -> list[str]:
    """The advice to change the goal; empty where that is right."""
    return [f"{advice.remedy}: {advice.reason}" for advice in diagnosis.advice if advice.kind is Remedy.CHANGE_GOAL]


def _head(diagnosis: "Diagnosis", following: TuningJobSpec) -> Iterator[str]:
    parents = ", ".join(diagnosis.tuning_jobs)
    yield f"The round after {parents}, as `sm-tuning diagnose` advises: {following.name}"
    if diagnosis.best is not None and not _of_goal(diagnosis):
        yield f"best so far: {diagnosis.best} ({diagnosis.fit.verdict.value}): {diagnosis.fit.reason}"
    own = {Remedy.NEXT_ROUND, Remedy.CHANGE_GOAL}
    yours = [advice for advice in diagnosis.advice if not advice.changed and advice.kind not in own]
    if yours:
        yield "advised, too, and not a matter of this file:"
        yield from (f"  {advice.remedy}: {advice.reason}" for advice in yours)


def _about_strategy(before: Strategy, after: Strategy) -> Iterator[str]:
    if isinstance(after, Hyperband | Grid):
        yield f"was {type(before).__name__}; {type(after).__name__} takes no warm start, so it begins afresh"
    elif type(before) is not type(after):
        why = ", which cannot be warm-started" if isinstance(before, Hyperband | Grid) else ""
        yield f"was {type(before).__name__}{why}"
    seed = getattr(before, "seed", None)
    if seed is not None:
        yield f"the seed was {seed}: with the same one the same points would be drawn again"
