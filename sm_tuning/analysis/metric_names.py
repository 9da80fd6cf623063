"""Metric names: which data a metric is of, what it measures, and whether more of it is better.

Names are written in many ways: `train:loss`, `val_loss` beside `loss` (Keras), `validation-logloss` (XGBoost), `valid_0's auc`
(LightGBM), `learn:Logloss` (CatBoost), `train_loss_step` and `train_loss_epoch` (Lightning), `loss`, `eval_loss` and a last
`train_loss` (Hugging Face), `train_loss`, `valid_loss` and `accuracy` (fastai), `neg_mean_squared_error` (scikit-learn),
`testAccuracy`.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sm_tuning.rules.roles import words
from sm_tuning.spec.metrics import Objective

Values = Mapping[str, Sequence[float]]

_TRAIN = ("train", "training", "trn", "learn")
_HELD_OUT = (
    "validation",
    "valid",
    "val",
    "dev",
    "holdout",
    "heldout",
    "oob",
    "cv",
    "test",
    "testing",
    "eval",
    "evaluation",
)  # in the order of preference
_UP = re.compile(
    r"(acc|accuracy|auc\w*|auroc|auprc|f1|fbeta|precision|recall|sensitivity|specificity|scores?|r2|ap|map\d*|ndcg\d*|mrr|hits?|top\d+"
    r"|bleu|rouge\w*|iou|miou|jaccard|dice|kappa|mcc|likelihood|elbo|reward|return|correlation|pearson|spearman|psnr|ssim)"
)
_DOWN = re.compile(
    r"(\w*loss|l[12]|err|errors?|\w*ms\w?e|\w*mae|\w*mape|nll|\w*wer|cer|ppl|perplexity|entropy|crossentropy|deviance|brier|fid|kld?|ece)"
)
_NEGATED = frozenset({"neg", "negative"})
_OTHER = frozenset({
    *("time", "seconds", "second", "duration", "runtime", "throughput", "speed", "lr", "learning", "epoch", "epochs", "step", "steps"),
    *("samples", "memory", "progress", "grad", "norm", "flos", "flops", "gpu", "cpu", "std", "stdv", "stdev"),
})  # fmt: skip
_PER = ("step", "epoch")
A_SHARE = 1.5  # a share is not above 1, but what somebody has smoothed may be
_A_CURVE = 3  # values
ACCURACIES = frozenset({"acc", "accuracy"})
_SHARES = re.compile(
    r"acc|accuracy|auc\w*|auroc|auprc|f1|fbeta|precision|recall|sensitivity|specificity|r2|ap|map\d*|ndcg\d*|mrr|hits?|top\d+|iou|miou"
    r"|jaccard|dice|kappa|mcc|scores?"
)
_ERRORS = re.compile(r"err|errors?|\w+error|wer|cer")
_REGRESSION = re.compile(r"\w*ms\w?e|\w*mae|\w*mape|r2|squared|absolute")
_DISTANCES = frozenset({"mean", "absolute", "squared", "square", "root", "log", "percentage", "median", "max"})


@dataclass(frozen=True)
class MetricName:
    """The parts of a metric's name.

    Attributes:
        held_out: Whether it is of held-out data; None where the name does not say.
        kind: What it measures, such as `loss`.
        rank: Among names of held-out data: validation before test.
        per: `step` or `epoch` where the name ends so.
    """

    held_out: bool | None
    kind: str
    rank: int = 0
    per: str = ""


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


def _unglued(word: str) -> tuple[str, ...]:
    """`trainloss` and `valacc` are two words."""
    for first in (*_TRAIN, *_HELD_OUT):
        rest = word.removeprefix(first)
        if rest not in {word, ""} and is_loss(rest) is not None:
            return (first, rest)
    return (word,)


def parse(name: str) -> MetricName:
    """The parts of a metric's name."""
    parts = [part for word in words(name) for part in _unglued(word)]
    rest, after = [], False
    for word in parts:
        if word in _TRAIN or word in _HELD_OUT:
            after = True
        elif after and (word.isdigit() or word == "s"):  # `valid_0's auc`
            continue
        else:
            rest.append(word)
            after = False
    per = rest.pop() if len(rest) > 1 and rest[-1] in _PER and is_loss("_".join(rest[:-1])) is not None else ""
    ranks = [_HELD_OUT.index(word) for word in parts if word in _HELD_OUT]
    held_out = True if ranks else False if any(word in _TRAIN for word in parts) else None
    return MetricName(held_out, "_".join(rest), min(ranks, default=0), per)


def _is_other(kind: str) -> bool:
    """Whether it measures something else than how well a model fits."""
    return not _OTHER.isdisjoint(kind.split("_"))


def is_loss(kind: str) -> bool | None:
    """Whether less of it is better; None if its name does not say."""
    parts = [part for part in kind.split("_") if part not in _NEGATED]
    negated = len(parts) < len(kind.split("_"))
    if any(map(_DOWN.fullmatch, parts)):
        return not negated  # scikit-learn's `neg_mean_squared_error`
    return negated if any(map(_UP.fullmatch, parts)) else None


def is_share(kind: str) -> bool:
    """Whether a metric of that kind is a share, 1 at best, such as an accuracy."""
    parts = kind.split("_")
    return any(map(_SHARES.fullmatch, parts)) and is_loss(kind) is False


def is_error_rate(kind: str) -> bool:
    """Whether a metric of that kind may be a share that is wrong, 0 at best: `error`, `merror`."""
    parts = kind.split("_")
    return any(map(_ERRORS.fullmatch, parts)) and _DISTANCES.isdisjoint(parts)


def of_regression(names: Iterable[str]) -> bool:
    """Whether metrics are those of a regression: at least one measures distances, or R2, and none counts answers."""
    kinds = [parse(name).kind for name in names]
    distances = [any(map(_REGRESSION.fullmatch, kind.split("_"))) for kind in kinds]
    answers = any(is_share(kind) or is_error_rate(kind) for kind, distance in zip(kinds, distances, strict=True) if not distance)
    return any(distances) and not answers


def metric_pairs(curves: Values, objective: str | None = None) -> list[MetricPair]:
    """The metrics of each kind, in the order of preference: those of both data first, of them losses, then the objective's kind."""
    parsed = {name: parse(name) for name in curves}
    wanted = parse(objective).kind if objective else None
    known = {
        name: parts
        for name, parts in parsed.items()
        if not _is_other(parts.kind) and (is_loss(parts.kind) is not None or (parts.kind == wanted and parts.kind))
    }
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


def goal_is_wrong(objective: Objective, values: Sequence[float]) -> bool:
    """Whether the goal is to minimize a share such as an accuracy, or to maximize a loss or an error whose values are not negated."""
    kind = parse(objective.name).kind
    if not objective.higher_is_better:
        return is_share(kind)
    finite = [value for value in values if math.isfinite(value)]
    return is_loss(kind) is True and bool(finite) and min(finite) >= 0


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
