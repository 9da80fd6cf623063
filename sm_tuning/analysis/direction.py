"""Whether more of a metric is better, and whether the goal agrees with that."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sm_tuning.rules.metric_names import ACCURACIES, goal_contradicts, is_loss, is_share, parse
from sm_tuning.spec.metrics import Objective

A_SHARE = 1.5  # a share is not above 1, but what somebody has smoothed may be


@dataclass(frozen=True)
class Direction:
    """Maps a metric to one of which less is better, and back (it is its own inverse). A share becomes an error: 1 becomes 0."""

    up: bool
    top: float = 0.0

    def __call__(self, value: float) -> float:
        """The mapped value."""
        return self.top - value if self.up else value


def goal_is_wrong(objective: Objective, values: Iterable[float]) -> bool:
    """Whether the goal contradicts the metric's name, and its values are not negated; those of a share may be below 0, as R2 is."""
    if not goal_contradicts(objective.name, objective.goal):
        return False
    finite = [value for value in values if math.isfinite(value)]
    return is_share(parse(objective.name).kind) or (bool(finite) and min(finite) >= 0)


def about_goal(objective: Objective) -> str:
    """What a goal that is wrong does, in a sentence."""
    better = "less" if objective.higher_is_better else "more"
    return f"the goal is {objective.goal}, but {better} of {objective.name} is better: the tuning job looks for the worst model"


def direction(name: str, objective: Objective | None, values: Sequence[float]) -> Direction:
    """Whether more of a metric is better, and the best value that it can have.

    The goal decides where it is of the objective's kind, unless it is wrong: more of an accuracy is better, less of an error.
    """
    kind = parse(name).kind
    loss = is_loss(kind)
    tuned = objective is not None and kind == parse(objective.name).kind and not goal_is_wrong(objective, values)
    up = objective.higher_is_better if objective is not None and tuned else loss is False
    finite = [value for value in values if math.isfinite(value)]
    if not up or loss is not False or not finite or min(finite) < 0:
        return Direction(up)
    most = max(finite)
    if most < A_SHARE:
        return Direction(up, max(most, 1.0))
    return Direction(up, 100.0 if most <= 100 and kind in ACCURACIES else 0.0)  # noqa: PLR2004 - per cent
