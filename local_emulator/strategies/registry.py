"""Which strategy a plan asks for."""

from local_emulator.domain.tuning import Definition, Plan
from local_emulator.strategies.base import Strategy
from local_emulator.strategies.grid import Grid
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.random import Random
from sm_tuning.rules.limits import RESOURCES


def make(plan: Plan, definition: Definition, seed: int, *, quick: bool = False) -> Strategy:
    """The strategy of one definition of a tuning job; raises ValueError for a name that nobody has registered here.

    With `quick` Bayesian search looks less hard for each point: for simulations of many tuning jobs.
    """
    space = definition.space
    if plan.strategy == "Grid":
        return Grid(space, early_stopping=plan.early_stopping)
    if plan.strategy == "Random":
        return Random(space, seed=seed, early_stopping=plan.early_stopping)
    if plan.strategy == "Bayesian":
        from local_emulator.strategies.bayesian import FULL, QUICK, Bayesian  # noqa: PLC0415 - numpy and scipy: half a second that other strategies need not wait for

        return Bayesian(space, seed=seed, early_stopping=plan.early_stopping, effort=QUICK if quick else FULL)
    if plan.strategy != "Hyperband":
        raise ValueError(f"the strategy {plan.strategy} is not one of Grid, Random, Bayesian, Hyperband")
    static = definition.spec.hyperparameters
    most = plan.max_resource or next(int(static[name]) for name in RESOURCES if static.get(name, "").isdigit())
    return Hyperband(space, seed=seed, max_resource=most, min_resource=plan.min_resource or 1)
