"""What a tuning job without a history costs by strategy, from one training job whose time is known."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local_emulator.documents import parse
from local_emulator.domain.space import Point
from local_emulator.domain.tuning import Plan
from sm_tuning.simulation.settings import Setting, is_grid, jobs_of, today
from sm_tuning.simulation.simulator import simulate
from sm_tuning.simulation.world import Training

_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class PlannedCost:
    """What a strategy costs.

    Attributes:
        setting: The setting.
        hours: Hours of all training jobs together, without their instances.
        seconds: Seconds from beginning to end.
    """

    setting: Setting
    hours: float
    seconds: float


@dataclass(frozen=True)
class _Alike:
    """Training jobs that all take as long, whose curves never cross: a rule stops as many as it can."""

    epochs: int
    seconds: float

    def train(self, point: Point, number: int) -> Training:  # noqa: ARG002 - every point takes as long
        level = random.Random(number).random()  # noqa: S311 - an order of training jobs, not a secret
        curve = tuple(level + 1.0 / epoch for epoch in range(1, self.epochs + 1))
        return Training(curve=curve, epoch=self.seconds / self.epochs)


def planned_costs(request: Mapping[str, Any], *, epochs: int, seconds: float, trials: int) -> Sequence[PlannedCost]:
    """What the strategies cost that could be asked for in place of a request's own, its own the first.

    Args:
        request: CreateHyperParameterTuningJob, with one definition.
        epochs: Epochs of a training job: values of the objective.
        seconds: Seconds of it.
        trials: Training jobs where the request does not say how many.
    """
    plan = parse.tuning(request)
    own = today(plan, trials, epochs)
    settings = [own]
    stops = (False, True) if epochs > 1 else (False,)
    for strategy in ("Random", "Bayesian", *(["Grid"] if is_grid(plan) else [])):
        count = jobs_of(plan, strategy, own.jobs)
        settings += [Setting(strategy=strategy, jobs=count, parallel=own.parallel, early_stopping=stop) for stop in stops]
    if epochs > 1:
        settings.append(Setting(strategy="Hyperband", jobs=own.jobs, parallel=own.parallel, min_resource=1, max_resource=epochs))
    return [_cost(plan, setting, epochs, seconds) for setting in dict.fromkeys(settings)]


def _cost(plan: Plan, setting: Setting, epochs: int, seconds: float) -> PlannedCost:
    # What Bayesian search would try does not matter where every training job takes as long; it is drawn at random.
    drawn = replace(setting, strategy="Random") if setting.strategy == "Bayesian" else setting
    ended = simulate(drawn.plan(plan), _Alike(epochs, seconds), 0)
    return PlannedCost(
        setting=setting,
        hours=sum(training.ended - training.started for training in ended) / _HOUR,
        seconds=max((training.ended for training in ended), default=0.0),
    )
