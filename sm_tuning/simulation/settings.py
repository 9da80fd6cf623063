"""What is chosen before a tuning job starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from local_emulator.domain.space import Categorical
from local_emulator.domain.tuning import Plan
from sm_tuning.errors import Invalid
from sm_tuning.rules.limits import MAX_JOBS, MAX_PARALLEL

STRATEGIES = ("Random", "Bayesian", "Hyperband", "Grid")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A strategy, how many training jobs, how many at a time, and whether the poor are stopped early.

    Attributes:
        strategy: AWS's name of it.
        jobs: Training jobs.
        parallel: Training jobs at a time.
        early_stopping: The median rule; Hyperband has rules of its own.
        min_resource: Of Hyperband: epochs before a training job may be stopped.
        max_resource: Of Hyperband: epochs of a training job that is not stopped.
    """

    strategy: str
    jobs: int
    parallel: int
    early_stopping: bool = False
    min_resource: int | None = None
    max_resource: int | None = None

    @property
    def watches(self) -> bool:
        """Whether training jobs may be stopped for their curves."""
        return self.early_stopping or self.strategy == "Hyperband"

    @property
    def name(self) -> str:
        """The strategy, of Hyperband with its resources."""
        resources = f" {self.min_resource}-{self.max_resource}" if self.max_resource is not None else ""
        return f"{self.strategy}{resources}"

    def __str__(self) -> str:
        name = self.strategy if self.max_resource is None else f"{self.strategy} with MaxResource {self.max_resource}"
        if self.min_resource is not None and self.min_resource > 1:
            name = f"{name}, MinResource {self.min_resource}"
        stopping = ", early stopping" if self.early_stopping else ""
        return f"{name}, {self.jobs} training jobs, {self.parallel} at a time{stopping}"

    def plan(self, plan: Plan) -> Plan:
        """A plan with this setting. It begins afresh: nothing is taken over from other tuning jobs."""
        return replace(
            plan,
            strategy=self.strategy,
            max_jobs=self.jobs,
            max_parallel=self.parallel,
            early_stopping=self.early_stopping,
            min_resource=self.min_resource,
            max_resource=self.max_resource,
            parents=(),
            transfer=False,
        )


def today(plan: Plan, trials: int, epochs: int) -> Setting:
    """The setting that a tuning job had."""
    hyperband = plan.strategy == "Hyperband"
    return Setting(
        strategy=plan.strategy,
        jobs=plan.max_jobs or trials,
        parallel=plan.max_parallel,
        early_stopping=plan.early_stopping and not hyperband,
        min_resource=plan.min_resource or 1 if hyperband else None,
        max_resource=plan.max_resource or epochs if hyperband else None,
    )


def settings_of(
    plan: Plan,
    *,
    strategies: Sequence[str],
    jobs: Sequence[int],
    parallel: Sequence[int],
    early_stopping: Sequence[bool],
    epochs: int,
) -> list[Setting]:
    """Every setting of these choices that AWS would take, once each.

    Args:
        plan: The plan of the tuning job.
        strategies: Names of strategies.
        jobs: Numbers of training jobs; Grid has one for each combination.
        parallel: Numbers of training jobs at a time.
        early_stopping: Whether to stop early, without and with it.
        epochs: Epochs of a whole training job.

    Raises:
        Invalid: A choice that cannot be, or none that can.
    """
    _check(plan, strategies, jobs, parallel)
    chosen: dict[Setting, None] = {}
    for strategy, number, at_once, stops in product(strategies, jobs, parallel, early_stopping):
        count = jobs_of(plan, strategy, number)
        if at_once > count:
            continue
        setting = Setting(strategy=strategy, jobs=count, parallel=at_once, early_stopping=stops)
        if strategy == "Hyperband":
            least = plan.min_resource or 1
            setting = replace(setting, early_stopping=False, min_resource=least, max_resource=plan.max_resource or epochs)
        chosen[setting] = None
    if not chosen:
        raise Invalid(f"parallel is {_listed(parallel)} and jobs is {_listed(jobs)}; more at a time than there are cannot be")
    return list(chosen)


def _check(plan: Plan, strategies: Sequence[str], jobs: Sequence[int], parallel: Sequence[int]) -> None:
    if isinstance(strategies, str):
        raise Invalid(f"strategies is {strategies!r}; it must be a list, as [{strategies!r}]")
    unknown = [name for name in strategies if name not in STRATEGIES]
    if unknown or not strategies:
        raise Invalid(f"strategies is {_listed(strategies)}; it must be some of {', '.join(STRATEGIES)}")
    for name, numbers in (("jobs", jobs), ("parallel", parallel)):
        if not numbers or min(numbers) < 1:
            raise Invalid(f"{name} is {_listed(numbers)}; it must be numbers of at least 1")
    for strategy in strategies:
        if strategy != "Grid" and max(jobs) > MAX_JOBS[strategy]:
            raise Invalid(f"jobs is {_listed(jobs)}; {strategy} has at most {MAX_JOBS[strategy]:,}")
    if max(parallel) > MAX_PARALLEL:
        raise Invalid(f"parallel is {_listed(parallel)}; it must be at most {MAX_PARALLEL}")
    if "Grid" in strategies and not is_grid(plan):
        raise Invalid(
            f"strategies has Grid, which needs ranges that are all categorical, with at most {MAX_JOBS['Grid']} combinations"
        )


def is_grid(plan: Plan) -> bool:
    """Whether Grid can search the space."""
    space = plan.definitions[0].space
    categorical = all(isinstance(parameter, Categorical) for parameter in space.parameters)
    return categorical and (space.size or 0) <= MAX_JOBS["Grid"]


def jobs_of(plan: Plan, strategy: str, count: int) -> int:
    """Training jobs of a strategy where so many are asked for: AWS takes Grid with all combinations only."""
    return (plan.definitions[0].space.size or count) if strategy == "Grid" else count


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "empty"
