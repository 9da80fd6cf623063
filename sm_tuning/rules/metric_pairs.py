"""Which metrics of a training job are compared: those of training and of held-out data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sm_tuning.rules.metric_names import AWS_OWN_METRIC, MetricName, is_loss, is_other, measure, parse

Values = Mapping[str, Sequence[float]]

_A_CURVE = 3  # values
_REWARDS = frozenset({"reward", "rewards", "return", "returns"})  # of reinforcement learning, which holds no data out


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
    for name, held_out in _sides(known, objective):
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

    Each with the name of a training metric of its kind. What does not say how well a model fits is none; nor is a name that others
    explain, as Keras's `loss` and `val_loss`.
    """
    wanted = parse(objective).kind
    compared = {pair.kind for pair in _whole(names, objective)}
    held_out = dict(_sides(_known(names, wanted), objective))
    unclear = {
        name: as_training(name, objective)
        for name in names
        if (parts := parse(name)).held_out is None
        and name not in {objective, AWS_OWN_METRIC}
        and (is_loss(parts.kind) is not None or f"_{parts.kind}".endswith(f"_{wanted}"))
        and not (is_other(parts.kind) or parts.kind in compared or held_out.get(name))
    }
    bare = objective in names and parse(objective).held_out is None
    if bare and _helps(objective, as_held_out(objective), names, objective):  # `out_of_sample_rmse` beside `train:rmse`
        unclear[objective] = as_training(objective)
    return unclear


def about_not_understood(names: Mapping[str, str]) -> str:
    """Which metrics are not understood, each with the name that would be, and why, in a sentence; empty for none."""
    if not names:
        return ""
    given, training = (" and ".join(each) for each in (names, names.values()))
    held_out = training.replace("train:", "validation:")
    are, their, them = ("is", "its name does", "it") if len(names) == 1 else ("are", "their names do", "them")
    why = f"for {their} not say whether of training or of held-out data"
    return f"{given} {are} compared with nothing, {why}: call {them} {training} if of training data, {held_out} if not"


def about_comparison(names: Sequence[str], objective: str) -> str:
    """What keeps metrics of these names from being compared, and what to do, in a sentence; empty for nothing.

    Of names that are not understood those count that would be compared if they were: a part of a loss, `kl_loss`, need not be.
    """
    side, kind = parse(objective).held_out, parse(objective).kind
    if not _REWARDS.isdisjoint(kind.split("_")):
        return ""
    unclear = not_understood(names, objective)
    unclear = {name: other for name, other in unclear.items() if name == objective or _helps(name, other, names, objective)}
    if unclear and len(set(unclear.values())) == len(unclear):
        return f"{about_not_understood(unclear)}; over- and underfitting are told by that comparison"
    train, held_out = metric_pair(dict.fromkeys(names, ()), objective)
    if train is not None and held_out is not None:
        return ""
    training, validation = as_training(objective, objective), as_held_out(objective, objective)
    missing = training if side else validation if side is False else f"{training} (or {validation}, if it is of training data)"
    untold = "overfitting cannot be seen" if side is False else "neither over- nor underfitting can be told for sure"
    return f"no metric is compared with {objective}, so {untold}: let the script print {missing}, too, and name it in metrics"


def _helps(name: str, other: str, names: Sequence[str], objective: str) -> bool:
    """Whether more is compared if a metric is called otherwise."""
    renamed = [*(each for each in names if each != name), other]
    return len(_whole(renamed, other if name == objective else objective)) > len(_whole(names, objective))


def as_training(name: str, objective: str = "") -> str:
    """A name of the same metric by which it is understood as of the training data: `train:rmse` for `fit:rmse` and for `val_rmse`."""
    return f"train:{measure(parse(name).kind, parse(objective).kind) or 'loss'}"


def as_held_out(name: str, objective: str = "") -> str:
    """The same for held-out data: `validation:rmse`."""
    return as_training(name, objective).replace("train:", "validation:", 1)


def _whole(names: Iterable[str], objective: str) -> list[MetricPair]:
    return [pair for pair in metric_pairs(dict.fromkeys(names, ()), objective) if pair.whole]


def _sides(known: Mapping[str, MetricName], objective: str | None) -> Iterator[tuple[str, bool]]:
    """Whether each metric is of held-out data, also where its own name does not say."""
    held_out_kinds = {parts.kind for parts in known.values() if parts.held_out}
    train_kinds = {parts.kind for parts in known.values() if parts.held_out is False}
    loss_is_bare = any(parts.held_out is None and is_loss(parts.kind) for parts in known.values())
    numbered = {parts.kind for name, parts in known.items() if "validation_1" in name}  # XGBoost's eval_set
    for name, parts in known.items():
        if parts.held_out is None:
            # Keras prints `loss` of the training data; fastai `accuracy` of the validation data beside `train_loss`.
            tuned = name == objective and parts.kind in train_kinds  # who tunes `rmse` beside `train:rmse` means held-out data
            beside = train_kinds and not loss_is_bare and not is_loss(parts.kind)
            yield name, measure(parts.kind) not in held_out_kinds and (tuned or bool(beside))
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
