"""What a metric's name says: of which data it is, what it measures, and which end of it is good.

Names are written in many ways: `train:loss`, `val_loss` beside `loss` (Keras), `validation-logloss` (XGBoost), `valid_0's auc`
(LightGBM), `testAccuracy`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TRAIN = ("train", "training", "learn")
_HELD = ("validation", "valid", "val", "dev", "holdout", "heldout", "test", "testing", "eval", "evaluation")  # the first counts
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
class Name:
    """A metric's name, taken apart. `held` is None where the name does not say of which data it is."""

    held: bool | None
    kind: str
    rank: int = 0  # among names of held-out data: validation before test


def words(name: str) -> list[str]:
    """A name's words in small letters, however they are joined."""
    return [word.lower() for word in _WORD.findall(name)]


def _unglued(word: str) -> tuple[str, ...]:
    """`trainloss` and `valacc` are two words."""
    for first in (*_TRAIN, *_HELD):
        rest = word.removeprefix(first)
        if rest not in {word, ""} and is_loss(rest) is not None:
            return (first, rest)
    return (word,)


def taken_apart(name: str) -> Name:
    """Of which data a metric is, and what it measures."""
    parts = [part for word in words(name) for part in _unglued(word)]
    rest, after = [], False
    for word in parts:
        if word in _TRAIN or word in _HELD:
            after = True
        elif after and (word.isdigit() or word == "s"):  # `valid_0's auc`
            continue
        else:
            rest.append(word)
            after = False
    ranks = [_HELD.index(word) for word in parts if word in _HELD]
    held = True if ranks else False if any(word in _TRAIN for word in parts) else None
    return Name(held, "_".join(rest), min(ranks, default=0))


def _is_other(kind: str) -> bool:
    """Whether it measures something else than how well a model fits."""
    return not _OTHER.isdisjoint(kind.split("_"))


def is_loss(kind: str) -> bool | None:
    """Whether less of it is better; None if its name does not say."""
    parts = kind.split("_")
    if any(map(_DOWN.fullmatch, parts)):
        return True
    return False if any(map(_UP.fullmatch, parts)) else None


def pair(names: Mapping[str, object], objective: str | None = None) -> tuple[str | None, str | None]:
    """The training and the validation metric to compare: the losses if there are both, else those of the objective's kind."""
    split = {name: taken_apart(name) for name in names}
    wanted = taken_apart(objective).kind if objective else None
    kinds: dict[str, dict[bool, str]] = {}
    for name, one in sorted(split.items(), key=lambda pair: pair[1].rank):
        if one.held is not None and not _is_other(one.kind):
            kinds.setdefault(one.kind, {}).setdefault(one.held, name)
    for name, one in split.items():  # Keras: loss beside val_loss
        if one.held is None and one.kind in kinds:
            kinds[one.kind].setdefault(False, name)

    def worth(kind: str) -> tuple[bool, bool, bool, bool]:
        loss, both = bool(is_loss(kind)), len(kinds[kind]) > 1
        return (not both, both and not loss, kind != wanted, not loss)

    order = sorted(kinds, key=worth)
    if order and len(kinds[order[0]]) > 1:
        return kinds[order[0]][False], kinds[order[0]][True]
    if objective is not None and objective in names:
        return (objective, None) if split[objective].held is False else (None, objective)
    if order:
        return kinds[order[0]].get(False), kinds[order[0]].get(True)
    # What says nothing of its data was printed in training, as Keras prints it.
    alone = [name for name, one in split.items() if is_loss(one.kind) is not None and not _is_other(one.kind)]
    return (min(alone, key=lambda name: not is_loss(split[name].kind), default=None), None)


@dataclass(frozen=True)
class Direction:
    """Turns a metric into one of which less is better, and back: the same step both ways. A share of 1 becomes an error."""

    up: bool
    top: float = 0.0

    def __call__(self, value: float) -> float:
        """The value seen from the other side."""
        return self.top - value if self.up else value


def direction(name: str, objective: str | None, goal: str, values: Sequence[float]) -> Direction:
    """Which end of a metric is good, and what the best value is that it can have."""
    kind = taken_apart(name).kind
    loss = is_loss(kind)
    tuned = objective is not None and kind == taken_apart(objective).kind
    up = goal == "Maximize" if tuned else loss is False
    finite = [value for value in values if math.isfinite(value)]
    if not up or loss is not False or not finite or min(finite) < 0:
        return Direction(up)
    most = max(finite)
    if most < _A_SHARE:
        return Direction(up, max(most, 1.0))
    return Direction(up, 100.0 if most <= 100 and kind in ACCURACIES else 0.0)  # noqa: PLR2004 - per cent
