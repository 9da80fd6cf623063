"""Metric names: which data a metric is of, what it measures, and whether more of it is better.

Names are written in many ways: `train:loss`, `val_loss` beside `loss` (Keras), `validation-logloss` (XGBoost), `valid_0's auc`
(LightGBM), `testAccuracy`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sm_tuning.spec.metrics import Objective

_TRAIN = ("train", "training", "learn")
_HELD_OUT = (
    "validation",
    "valid",
    "val",
    "dev",
    "holdout",
    "heldout",
    "test",
    "testing",
    "eval",
    "evaluation",
)  # in the order of preference
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_UP = re.compile(
    r"(acc|accuracy|auc\w*|auroc|auprc|f1|fbeta|precision|recall|sensitivity|specificity|score|r2|ap|map\d*|ndcg\d*|mrr|hits?|top\d+"
    r"|bleu|rouge\w*|iou|miou|dice|kappa|mcc|likelihood|elbo|reward|return|correlation|pearson|spearman|psnr|ssim)"
)
_DOWN = re.compile(r"(\w*loss|err|error|\w*ms\w?e|\w*mae|\w*mape|nll|wer|cer|perplexity|entropy|deviance|neg|negative)")
_OTHER = {
    *("time", "seconds", "duration", "throughput", "speed", "lr", "learning", "epoch", "epochs", "step", "steps"),
    *("samples", "memory", "progress", "grad", "norm"),
}
_A_SHARE = 1.5  # a share is not above 1, but what somebody has smoothed may be
ACCURACIES = frozenset({"acc", "accuracy"})


@dataclass(frozen=True)
class MetricName:
    """The parts of a metric's name.

    Attributes:
        held_out: Whether it is of held-out data; None where the name does not say.
        kind: What it measures, such as `loss`.
        rank: Among names of held-out data: validation before test.
    """

    held_out: bool | None
    kind: str
    rank: int = 0


def words(name: str) -> list[str]:
    """A name's words in small letters, however they are joined."""
    return [word.lower() for word in _WORD.findall(name)]


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
    ranks = [_HELD_OUT.index(word) for word in parts if word in _HELD_OUT]
    held_out = True if ranks else False if any(word in _TRAIN for word in parts) else None
    return MetricName(held_out, "_".join(rest), min(ranks, default=0))


def _is_other(kind: str) -> bool:
    """Whether it measures something else than how well a model fits."""
    return not _OTHER.isdisjoint(kind.split("_"))


def is_loss(kind: str) -> bool | None:
    """Whether less of it is better; None if its name does not say."""
    parts = kind.split("_")
    if any(map(_DOWN.fullmatch, parts)):
        return True
    return False if any(map(_UP.fullmatch, parts)) else None


def metric_pair(names: Mapping[str, object], objective: str | None = None) -> tuple[str | None, str | None]:
    """The training and the validation metric to compare: the losses if there are both, else those of the objective's kind."""
    parsed = {name: parse(name) for name in names}
    wanted = parse(objective).kind if objective else None
    kinds: dict[str, dict[bool, str]] = {}
    for name, parts in sorted(parsed.items(), key=lambda item: item[1].rank):
        if parts.held_out is not None and not _is_other(parts.kind):
            kinds.setdefault(parts.kind, {}).setdefault(parts.held_out, name)
    for name, parts in parsed.items():  # Keras: loss beside val_loss
        if parts.held_out is None and parts.kind in kinds:
            kinds[parts.kind].setdefault(False, name)

    def rank(kind: str) -> tuple[bool, bool, bool, bool]:
        loss, both = bool(is_loss(kind)), len(kinds[kind]) > 1
        return (not both, both and not loss, kind != wanted, not loss)

    order = sorted(kinds, key=rank)
    if order and len(kinds[order[0]]) > 1:
        return kinds[order[0]][False], kinds[order[0]][True]
    if objective is not None and objective in names:
        return (objective, None) if parsed[objective].held_out is False else (None, objective)
    if order:
        return kinds[order[0]].get(False), kinds[order[0]].get(True)
    # A name without its data is of the training data, as Keras prints it.
    alone = [name for name, parts in parsed.items() if is_loss(parts.kind) is not None and not _is_other(parts.kind)]
    return (min(alone, key=lambda name: not is_loss(parsed[name].kind), default=None), None)


@dataclass(frozen=True)
class Direction:
    """Maps a metric to one of which less is better, and back (it is its own inverse). A share becomes an error: 1 becomes 0."""

    up: bool
    top: float = 0.0

    def __call__(self, value: float) -> float:
        """The mapped value."""
        return self.top - value if self.up else value


def direction(name: str, objective: Objective | None, values: Sequence[float]) -> Direction:
    """Whether more of a metric is better, and the best value that it can have."""
    kind = parse(name).kind
    loss = is_loss(kind)
    tuned = objective is not None and kind == parse(objective.name).kind
    up = objective.higher_is_better if objective is not None and tuned else loss is False
    finite = [value for value in values if math.isfinite(value)]
    if not up or loss is not False or not finite or min(finite) < 0:
        return Direction(up)
    most = max(finite)
    if most < _A_SHARE:
        return Direction(up, max(most, 1.0))
    return Direction(up, 100.0 if most <= 100 and kind in ACCURACIES else 0.0)  # noqa: PLR2004 - per cent
