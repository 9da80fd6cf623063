"""Metric names: which data a metric is of, what it measures, and whether more of it is better.

Names are written in many ways: `train:loss`, `val_loss` beside `loss` (Keras), `validation-logloss` (XGBoost), `valid_0's auc`
(LightGBM), `learn:Logloss` (CatBoost), `train_loss_step` and `train_loss_epoch` (Lightning), `epoch_loss` (TensorBoard),
`loss`, `eval_loss` and a last `train_loss` (Hugging Face), `train_loss`, `valid_loss` and `accuracy` (fastai),
`neg_mean_squared_error` (scikit-learn), `testAccuracy`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sm_tuning.rules.roles import words

AWS_OWN_METRIC = "ObjectiveMetric"  # AWS's copy of the objective
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
_VAGUE = frozenset({"score", "scores"})
_NEGATED = frozenset({"neg", "negative"})
_OTHER = frozenset({
    *("time", "seconds", "second", "duration", "runtime", "throughput", "speed", "lr", "learning", "epoch", "epochs", "step", "steps"),
    *("samples", "memory", "progress", "grad", "norm", "flos", "flops", "gpu", "cpu", "std", "stdv", "stdev"),
})  # fmt: skip
_PER = ("step", "epoch")
ACCURACIES = frozenset({"acc", "accuracy"})
_SHARES = re.compile(
    r"acc|accuracy|auc\w*|auroc|auprc|f1|fbeta|precision|recall|sensitivity|specificity|r2|ap|map\d*|ndcg\d*|mrr|hits?|top\d+|iou|miou"
    r"|jaccard|dice|kappa|mcc|scores?"
)
_ERRORS = re.compile(r"err|errors?|\w+error|wer|cer")
_REGRESSION = re.compile(r"\w*ms\w?e|\w*mae|\w*mape|r2|squared|absolute")
_DISTANCES = frozenset({"mean", "absolute", "squared", "square", "root", "log", "percentage", "median", "max"})

# What makes another measure of one.
_MODIFIERS = """
    balanced top binary multi multiclass categorical sparse cross hinge focal weighted macro micro average smooth quantile poisson
    gamma tweedie contrastive triplet
    """
_QUALIFIERS = _NEGATED | _DISTANCES | frozenset(_MODIFIERS.split())


@dataclass(frozen=True)
class MetricName:
    """The parts of a metric's name.

    Attributes:
        held_out: Whether it is of held-out data; None where the name does not say.
        kind: What it measures, such as `loss`.
        rank: Among names of held-out data: validation before test.
        per: `step` or `epoch` where the name begins or ends so.
    """

    held_out: bool | None
    kind: str
    rank: int = 0
    per: str = ""


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
    per = ""
    for end, others in ((-1, rest[:-1]), (0, rest[1:])):
        if not per and rest and rest[end] in _PER and is_loss("_".join(others)) is not None:
            per = rest.pop(end)
    ranks = [_HELD_OUT.index(word) for word in parts if word in _HELD_OUT]
    held_out = True if ranks else False if any(word in _TRAIN for word in parts) else None
    return MetricName(held_out, "_".join(rest), min(ranks, default=0), per)


def is_other(kind: str) -> bool:
    """Whether it measures something else than how well a model fits."""
    return not _OTHER.isdisjoint(kind.split("_"))


def is_loss(kind: str) -> bool | None:
    """Whether less of it is better; None if its name does not say."""
    parts = [part for part in kind.split("_") if part not in _NEGATED]
    negated = len(parts) < len(kind.split("_"))
    if any(map(_DOWN.fullmatch, parts)):
        return not negated  # scikit-learn's `neg_mean_squared_error`
    return negated if any(map(_UP.fullmatch, parts)) else None


def measure(kind: str, wanted: str = "") -> str:
    """What is measured, without words that say something else: `neg_log_loss` for `fit_neg_log_loss`; the kind if nothing is known.

    The wanted kind is known, too: `quality` for `fit_quality`.
    """
    parts = kind.split("_")
    ends = ["_".join(parts[start:]) for start in range(len(parts))]
    start = max((start for start, end in enumerate(ends) if is_loss(end) is not None), default=0)
    start = ends.index(wanted) if wanted in ends else start
    while start and (parts[start - 1] in _QUALIFIERS or is_loss(parts[start - 1]) is not None):
        start -= 1
    return ends[start]


def is_share(kind: str) -> bool:
    """Whether a metric of that kind is a share, 1 at best, such as an accuracy."""
    parts = kind.split("_")
    return any(map(_SHARES.fullmatch, parts)) and is_loss(kind) is False


def is_error_rate(kind: str) -> bool:
    """Whether a metric of that kind may be a share that is wrong, 0 at best: `error`, `merror`."""
    parts = kind.split("_")
    return any(map(_ERRORS.fullmatch, parts)) and _DISTANCES.isdisjoint(parts)


def goal_contradicts(name: str, goal: str) -> bool:
    """Whether a goal, `Maximize` or `Minimize`, is to look for the worst model by the metric's name; a mere score may be anything."""
    less_is_better = is_loss("_".join(part for part in parse(name).kind.split("_") if part not in _VAGUE))
    return less_is_better is not None and less_is_better == (goal == "Maximize")


def of_regression(names: Iterable[str]) -> bool:
    """Whether metrics are those of a regression: at least one measures distances, or R2, and none counts answers."""
    kinds = [parse(name).kind for name in names]
    distances = [any(map(_REGRESSION.fullmatch, kind.split("_"))) for kind in kinds]
    answers = any(is_share(kind) or is_error_rate(kind) for kind, distance in zip(kinds, distances, strict=True) if not distance)
    return any(distances) and not answers
