"""Which metrics of a training job are compared: those of training and of held-out data, and whether more of them is better."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sm_tuning.rules.metric_names import ACCURACIES, MetricName, goal_contradicts, is_loss, is_other, is_share, parse
from sm_tuning.spec.metrics import AWS_OWN_METRIC, Objective

Values = Mapping[str, Sequence[float]]

A_SHARE = 1.5  # a share is not above 1, but what somebody has smoothed may be
_A_CURVE = 3  # values


@dataclass(frozen=True)
class MetricPair:
    """The training metric and the validation metric of one kind; None for one that was not printed."""

    kind: str
    train: str | None
    held_out: str | None

    @property
    def whole(self) -> bool:
        """Whether both were printed."""
        return self.train is not None and self.held_out is not None


def metric_pairs(curves: Values, objective: str | None = None) -> list[MetricPair]:
    """The metrics of each kind, in the order of preference: those of both data first, of them losses, then the objective's kind."""
    wanted = parse(objective).kind if objective else None
    known = _known(curves, wanted)
    kinds: dict[str, dict[bool, list[str]]] = {}
    for name, held_out in _sides(known):
        kinds.setdefault(known[name].kind, {}).setdefault(held_out, []).append(name)
    pairs = [
        MetricPair(kind, _best_of(sides.get(False), curves), _best_of(sides.get(True), curves)) for kind, sides in kinds.items()
    ]

    def rank(pair: MetricPair) -> tuple[bool, bool, bool, bool]:
        loss = bool(is_loss(pair.kind))
        return (not pair.whole, pair.whole and not loss, pair.kind != wanted, not loss)

    return sorted(pairs, key=rank)


def _known(names: Iterable[str], wanted: str | None) -> Mapping[str, MetricName]:
    """The parts of the names that say how well a model fits, those of the wanted kind among them."""
    parsed = {name: parse(name) for name in names}
    return {
        name: parts
        for name, parts in parsed.items()
        if not is_other(parts.kind) and (is_loss(parts.kind) is not None or (parts.kind == wanted and parts.kind))
    }


def not_understood(names: Sequence[str], objective: str) -> Mapping[str, str]:
    """Metrics that are compared with nothing because their names do not say of which data they are: `fit:rmse` beside `val_rmse`.

    Each with the name of a training metric of its kind. Seconds, rates and the like are none; nor is a name that others explain,
    as Keras's `loss` and `val_loss`.
    """
    wanted = parse(objective).kind
    compared = {pair.kind for pair in metric_pairs(dict.fromkeys(names, ()), objective) if pair.whole}
    held_out = dict(_sides(_known(names, wanted)))
    return {
        name: as_training(name, objective)
        for name in names
        if (parts := parse(name)).held_out is None
        and name not in {objective, AWS_OWN_METRIC}
        and not (is_other(parts.kind) or parts.kind in compared or held_out.get(name))
    }


def as_training(name: str, objective: str = "") -> str:
    """A name of the same metric by which it is understood as of the training data: `train:rmse` for `fit:rmse` and for `val_rmse`."""
    kind, wanted = parse(name).kind, parse(objective).kind
    ends = (kind.split("_")[start:] for start in range(kind.count("_"), -1, -1))  # the shortest first
    known = next(("_".join(end) for end in ends if is_loss("_".join(end)) is not None), kind)
    return f"train:{wanted if wanted and kind.endswith(wanted) else known or 'loss'}"


def _sides(known: Mapping[str, MetricName]) -> Iterator[tuple[str, bool]]:
    """Whether each metric is of held-out data, also where its own name does not say."""
    held_out_kinds = {parts.kind for parts in known.values() if parts.held_out}
    train_is_named = any(parts.held_out is False for parts in known.values())
    loss_is_bare = any(parts.held_out is None and is_loss(parts.kind) for parts in known.values())
    numbered = {parts.kind for name, parts in known.items() if "validation_1" in name}  # XGBoost's eval_set
    for name, parts in known.items():
        if parts.held_out is None:
            # Keras prints `loss` of the training data; fastai `accuracy` of the validation data beside `train_loss`.
            yield name, parts.kind not in held_out_kinds and train_is_named and not loss_is_bare and not is_loss(parts.kind)
        else:
            yield name, parts.held_out and not ("validation_0" in name and parts.kind in numbered)


def _best_of(names: Sequence[str] | None, curves: Values) -> str | None:
    """Of several metrics of the same data and kind: one that is a curve, by epoch, of validation before test data."""

    def rank(name: str) -> tuple[bool, bool, int, bool]:
        parts = parse(name)
        return (len(curves[name]) < _A_CURVE, parts.per == "step", parts.rank, parts.held_out is None)

    return min(names, key=rank) if names else None


def metric_pair(curves: Values, objective: str | None = None) -> tuple[str | None, str | None]:
    """The training and the validation metric to compare: the losses if there are both, else those of the objective's kind."""
    pairs = metric_pairs(curves, objective)
    if pairs and pairs[0].whole:
        return pairs[0].train, pairs[0].held_out
    if objective is not None and objective in curves:
        return (objective, None) if parse(objective).held_out is False else (None, objective)
    return (pairs[0].train, pairs[0].held_out) if pairs else (None, None)


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
