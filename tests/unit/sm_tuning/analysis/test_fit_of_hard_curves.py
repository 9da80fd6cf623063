"""Learning curves as they come: other metrics, other names, other lengths, gaps in them; each with what a practitioner would say."""

import math
import random
import re
from collections.abc import Callable, Sequence

import pytest

from sm_tuning.analysis import Verdict, classify
from sm_tuning.analysis.curves import Curves
from sm_tuning.spec.metrics import Metric, Objective

GOOD, OVERFIT, UNDERFIT = Verdict.GOOD, Verdict.OVERFIT, Verdict.UNDERFIT
DIVERGED, IMPROVING, NOISY, UNKNOWN = Verdict.DIVERGED, Verdict.IMPROVING, Verdict.NOISY, Verdict.UNKNOWN
RATE_TOO_HIGH = Verdict.RATE_TOO_HIGH


def curve(count: int, function: Callable[[float], float], noise: float = 0.0, seed: int = 1) -> list[float]:
    """A function of the epoch, 0 on, with noise."""
    chance = random.Random(seed)
    return [function(epoch) + (chance.gauss(0, noise) if noise else 0.0) for epoch in range(count)]


def to(start: float, end: float, pace: float) -> Callable[[float], float]:
    """From a start towards an end."""
    return lambda epoch: end + (start - end) * math.exp(-pace * epoch)


def turning(start: float, end: float, pace: float, turn: int, slope: float) -> Callable[[float], float]:
    """Towards an end, and away from it after a turn."""
    return lambda epoch: to(start, end, pace)(epoch) + slope * max(epoch - turn, 0)


def keras(train: Sequence[float], held: Sequence[float]) -> Curves:
    return {"loss": train, "val_loss": held}


def scores(train: Sequence[float], held: Sequence[float], kind: str = "acc") -> Curves:
    return {f"train_{kind}": train, f"val_{kind}": held}


def case(
    name: str, verdicts: Verdict | set[Verdict], curves: Curves, objective: str | None = None, goal: str = "Minimize"
) -> object:
    return pytest.param(verdicts if isinstance(verdicts, set) else {verdicts}, curves, objective, goal, id=name)


def alternating(count: int, middle: float, size: float) -> list[float]:
    return [middle + size * (-1) ** epoch for epoch in range(count)]


@pytest.mark.parametrize(
    ("verdicts", "curves", "objective", "goal"),
    [
        # The rate is too high.
        case("not a number in training only", DIVERGED, keras([2.3, 3.0, math.nan, math.nan], [2.4, 3.2, 4.0, 4.0])),
        case("not a number from the first epoch", DIVERGED, keras([math.nan] * 10, [math.nan] * 10)),
        case(
            "not a number after good epochs",
            DIVERGED,
            keras([*curve(20, to(2.3, 0.3, 0.3)), *[math.nan] * 3], [*curve(20, to(2.3, 0.4, 0.3)), *[math.nan] * 3]),
        ),
        case("infinite at the end", DIVERGED, keras([2.3, 10.0, 1e4, math.inf], [2.3, 12.0, 1e5, math.inf])),
        case("explodes", DIVERGED, keras(curve(12, lambda x: 0.7 * 2**x), curve(12, lambda x: 0.7 * 2**x))),
        case(
            "explodes late",
            DIVERGED,
            keras([*curve(15, to(2.3, 0.5, 0.3)), 3.0, 30.0, 400.0], [*curve(15, to(2.3, 0.5, 0.3)), 4.0, 40.0, 500.0]),
        ),
        case(
            "swings ever wider",
            RATE_TOO_HIGH,
            keras(curve(20, lambda x: 2 + 0.1 * 1.2**x * (-1) ** x), curve(20, lambda x: 2.1 + 0.1 * 1.2**x * (-1) ** x)),
        ),
        case(
            "swings and gets nowhere", RATE_TOO_HIGH, keras([2.3, *alternating(24, 1.9, 0.8)], [2.3, *alternating(24, 2.0, 0.9)])
        ),
        case(
            "accuracy falls back to chance",
            DIVERGED,
            scores([*curve(10, to(0.1, 0.9, 0.4)), *[0.1] * 10], [*curve(10, to(0.1, 0.88, 0.4)), *[0.1] * 10]),
        ),
        case("rises slowly", DIVERGED, keras(curve(20, lambda x: 2.3 + 0.05 * x), curve(20, lambda x: 2.3 + 0.06 * x))),
        case(
            "a spike that heals",
            GOOD,
            keras(
                [*curve(12, to(2.3, 0.3, 0.4)), 1.8, *curve(20, to(0.6, 0.3, 0.6))],
                [*curve(12, to(2.3, 0.4, 0.4)), 1.9, *curve(20, to(0.7, 0.4, 0.6))],
            ),
        ),
        # The rate is too low.
        case(
            "nearly still",
            {UNDERFIT, IMPROVING},
            keras(curve(20, lambda x: 2.303 - 0.0005 * x), curve(20, lambda x: 2.304 - 0.0004 * x)),
        ),
        case("falls evenly", IMPROVING, keras(curve(30, lambda x: 2.3 - 0.02 * x), curve(30, lambda x: 2.32 - 0.019 * x))),
        case(
            "falls evenly with noise",
            IMPROVING,
            keras(curve(30, lambda x: 2.3 - 0.02 * x, 0.01), curve(30, lambda x: 2.32 - 0.019 * x, 0.01, 2)),
        ),
        case(
            "accuracy rises evenly", IMPROVING, scores(curve(20, lambda x: 0.1 + 0.01 * x), curve(20, lambda x: 0.1 + 0.009 * x))
        ),
        case("stuck at chance", UNDERFIT, keras(curve(20, lambda _: 2.303, 0.002), curve(20, lambda _: 2.303, 0.002, 2))),
        case("accuracy stuck at chance", UNDERFIT, scores(curve(20, lambda _: 0.1, 0.003), curve(20, lambda _: 0.1, 0.003, 2))),
        case(
            "two classes stuck at chance", UNDERFIT, scores(curve(20, lambda _: 0.51, 0.005), curve(20, lambda _: 0.5, 0.005, 2))
        ),
        case(
            "area under the curve stuck at chance",
            UNDERFIT,
            scores(curve(20, lambda _: 0.51, 0.005), curve(20, lambda _: 0.5, 0.005, 2), "auc"),
        ),
        # Too few epochs.
        case("three epochs", IMPROVING, keras([2.3, 1.6, 1.1], [2.2, 1.7, 1.25])),
        case("three epochs of accuracy", IMPROVING, scores([0.4, 0.6, 0.75], [0.42, 0.58, 0.71])),
        case("four epochs, validation first", IMPROVING, keras([1.9, 1.2, 0.9, 0.7], [1.5, 1.1, 0.9, 0.75])),
        case(
            "eight epochs of a slow start",
            IMPROVING,
            keras(curve(8, lambda x: 2.3 - 0.03 * x**1.5), curve(8, lambda x: 2.3 - 0.028 * x**1.5)),
        ),
        # Too many epochs.
        case("turns", OVERFIT, keras(curve(50, to(2.3, 0.02, 0.12)), curve(50, turning(2.3, 0.5, 0.2, 15, 0.02)))),
        case("turns in five epochs", OVERFIT, keras([1.5, 0.8, 0.4, 0.2, 0.1], [1.2, 0.9, 0.85, 1.0, 1.2])),
        case("turns in three epochs", OVERFIT, keras([1.0, 0.5, 0.2], [0.8, 0.6, 0.9])),
        case(
            "turns in 500 epochs",
            OVERFIT,
            keras(curve(500, to(2.3, 0.01, 0.02), 0.01), curve(500, turning(2.3, 0.4, 0.03, 120, 0.001), 0.01, 2)),
        ),
        case(
            "turns with noise",
            OVERFIT,
            keras(curve(60, to(2.3, 0.02, 0.1), 0.03), curve(60, turning(2.3, 0.5, 0.15, 20, 0.015), 0.05, 2)),
        ),
        case("accuracy turns", OVERFIT, scores(curve(40, to(0.1, 1.0, 0.2)), curve(40, turning(0.1, 0.92, 0.3, 12, -0.003)))),
        case(
            "a mean squared error turns",
            OVERFIT,
            {"training:rmse": curve(40, to(9e4, 1e3, 0.15)), "test:rmse": curve(40, turning(9e4, 3e4, 0.25, 12, 700.0))},
        ),
        case(
            "boosting too long",
            OVERFIT,
            {
                "train-logloss": curve(300, to(0.69, 0.01, 0.03)),
                "validation-logloss": curve(300, turning(0.69, 0.3, 0.04, 80, 0.0007)),
            },
        ),
        case("validation alone turns", OVERFIT, {"val_loss": curve(40, turning(2.3, 0.4, 0.3, 12, 0.03))}),
        case(
            "validation every fifth epoch",
            OVERFIT,
            keras(curve(50, to(2.3, 0.02, 0.12)), curve(50, turning(2.3, 0.5, 0.2, 15, 0.02))[::5]),
        ),
        # Too little data.
        case("a gap from the start", OVERFIT, keras(curve(30, to(1.5, 0.02, 0.4)), curve(30, to(2.4, 2.0, 0.4)))),
        case("accuracy with a gap", OVERFIT, scores(curve(30, to(0.3, 1.0, 0.4)), curve(30, to(0.25, 0.7, 0.4)))),
        case("accuracy with a smaller gap", OVERFIT, scores(curve(30, to(0.3, 0.99, 0.4)), curve(30, to(0.25, 0.83, 0.4)))),
        case("validation never moves", OVERFIT, keras(curve(30, to(2.3, 0.05, 0.3)), curve(30, lambda _: 2.3, 0.01))),
        case("noisy, with a gap", OVERFIT, keras(curve(40, to(2.3, 0.02, 0.3), 0.02), curve(40, to(2.3, 1.1, 0.3), 0.06, 2))),
        case("a forest's R2", OVERFIT, scores(curve(30, to(0.2, 0.98, 0.3)), curve(30, to(0.1, 0.55, 0.3)), "r2")),
        # Too much regularization: both high and flat.
        case("both high and flat", UNDERFIT, keras(curve(30, to(2.3, 2.0, 0.5)), curve(30, to(2.3, 2.02, 0.5)))),
        case("both accuracies low", UNDERFIT, scores(curve(30, to(0.3, 0.6, 0.5)), curve(30, to(0.3, 0.58, 0.5)))),
        case(
            "low accuracy beside losses",
            UNDERFIT,
            {
                **keras(curve(30, to(2.3, 1.6, 0.5)), curve(30, to(2.3, 1.62, 0.5))),
                "accuracy": curve(30, to(0.1, 0.42, 0.5)),
                "val_accuracy": curve(30, to(0.1, 0.41, 0.5)),
            },
        ),
        # Noise.
        case("validation jumps", NOISY, keras(curve(40, to(2.3, 0.4, 0.2)), curve(40, to(2.3, 0.5, 0.2), 0.45))),
        case("both jump", NOISY, keras(curve(40, to(2.3, 0.5, 0.15), 0.4), curve(40, to(2.3, 0.6, 0.15), 0.5, 2))),
        case("accuracy jumps", NOISY, scores(curve(40, to(0.2, 0.88, 0.2)), curve(40, to(0.2, 0.8, 0.2), 0.1))),
        # Good fits, none of which overfits.
        case(
            "good, keras",
            GOOD,
            {
                **keras(curve(30, to(2.3, 0.2, 0.3)), curve(30, to(2.2, 0.26, 0.3))),
                "accuracy": curve(30, to(0.2, 0.95, 0.3)),
                "val_accuracy": curve(30, to(0.2, 0.93, 0.3)),
            },
        ),
        case("validation better than training", GOOD, keras(curve(40, to(2.3, 0.5, 0.25)), curve(40, to(2.0, 0.4, 0.25)))),
        case("fine-tuning", GOOD, scores(curve(12, to(0.93, 0.985, 0.5)), curve(12, to(0.92, 0.957, 0.6)))),
        case("a small gap", GOOD, scores(curve(40, to(0.2, 0.99, 0.3)), curve(40, to(0.2, 0.95, 0.3)))),
        case("a gap of losses that are small", GOOD, keras(curve(40, to(2.3, 0.02, 0.3)), curve(40, to(2.3, 0.09, 0.3)))),
        case(
            "levels off late, with a wobble",
            GOOD,
            keras(curve(80, to(2.3, 0.3, 0.2), 0.01), curve(80, lambda x: to(2.3, 0.37, 0.2)(x) + 0.015 * math.sin(x / 3))),
        ),
        case("rises by a hair", GOOD, keras(curve(40, to(2.3, 0.2, 0.25)), curve(40, turning(2.3, 0.28, 0.25, 20, 0.0008)))),
        case(
            "a loss of thousandths rises by a hair",
            GOOD,
            keras(curve(60, to(0.69, 0.001, 0.25)), curve(60, turning(0.69, 0.01, 0.25, 30, 0.0001))),
        ),
        case(
            "boosting, early enough",
            GOOD,
            {"train-rmse": curve(200, to(10, 2.0, 0.05)), "validation-rmse": curve(200, to(10, 2.6, 0.05))},
        ),
        case(
            "500 epochs of a power law",
            GOOD,
            keras(curve(500, lambda x: 0.2 + 2.1 * (1 + x) ** -0.8), curve(500, lambda x: 0.25 + 2.05 * (1 + x) ** -0.8)),
        ),
        case(
            "an error rate",
            GOOD,
            {"train-error": curve(40, to(0.5, 0.04, 0.3)), "validation-error": curve(40, to(0.5, 0.06, 0.3))},
        ),
        case("a percentage error", GOOD, {"train_mape": curve(40, to(60, 8.0, 0.3)), "val_mape": curve(40, to(60, 9.0, 0.3))}),
        case("accuracies in per cent", GOOD, scores(curve(40, to(20, 96.0, 0.3)), curve(40, to(20, 93.0, 0.3)))),
        case(
            "a likelihood below zero",
            GOOD,
            {"train:log_likelihood": curve(40, to(-900, -120, 0.3)), "validation:log_likelihood": curve(40, to(-900, -135, 0.3))},
        ),
        case(
            "a score that only the objective explains",
            GOOD,
            {"train:lift": curve(40, to(1.0, 4.0, 0.3)), "validation:lift": curve(40, to(1.0, 3.8, 0.3))},
            "validation:lift",
            "Maximize",
        ),
        # What is missing.
        case("training alone", UNKNOWN, {"train:loss": curve(30, to(2.3, 0.05, 0.4))}),
        case("training alone, falling", IMPROVING, {"train:loss": curve(10, lambda x: 2.3 - 0.1 * x)}),
        case(
            "one missing value",
            GOOD,
            keras(
                curve(30, to(2.3, 0.2, 0.4)), [*curve(30, to(2.3, 0.28, 0.4))[:12], math.nan, *curve(30, to(2.3, 0.28, 0.4))[13:]]
            ),
        ),
        case("validation that is never a number", UNKNOWN, keras(curve(30, to(2.3, 0.05, 0.4)), [math.nan] * 30)),
        case(
            "metrics of something else", UNKNOWN, {"train:seconds": [1.0] * 9, "validation:seconds": [2.0] * 9, "lr": [0.1] * 9}
        ),
        case("two values", UNKNOWN, keras([2.3, 1.0], [2.3, 1.1])),
    ],
)
def test_what_a_practitioner_would_say(verdicts: set[Verdict], curves: Curves, objective: str | None, goal: str) -> None:
    fit = classify(curves, None if objective is None else Objective(Metric(objective), goal))
    assert fit.verdict in verdicts, (fit.verdict, fit.reason)
    assert fit.reason


STYLES = [
    ("train_loss", "val_loss"), ("train:loss", "validation:loss"), ("loss", "val_loss"), ("train-logloss", "validation-logloss"),
    ("training:rmse", "test:rmse"), ("trainLoss", "valLoss"), ("Training Loss", "Validation Loss"), ("loss/train", "loss/dev"),
    ("training's binary_logloss", "valid_0's binary_logloss"), ("learn-Logloss", "test-Logloss"), ("trainloss", "valloss"),
    ("loss", "eval_loss"), ("train.mean_absolute_error", "holdout.mean_absolute_error"), ("train_perplexity", "valid_perplexity"),
    ("train_auc", "valid_auc"), ("accuracy", "val_accuracy"), ("TrainAccuracy", "TestAccuracy"), ("train:F1", "eval:F1"),
    ("train_ndcg@10", "val_ndcg@10"), ("train_mAP", "val_mAP"), ("train:r2", "validation:r2"),
    ("train_log_likelihood", "val_log_likelihood"),
]  # fmt: skip


@pytest.mark.parametrize(("train", "held"), STYLES)
def test_metrics_are_known_by_many_names(train: str, held: str) -> None:
    """The same overfitting, told by a loss that turns upwards or by a score that turns downwards."""
    up = bool(re.search("(?i)auc|acc|f1|ndcg|map|r2|likelihood", train))
    falling, turned = curve(40, to(0.9, 0.02, 0.2)), curve(40, turning(0.9, 0.25, 0.3, 10, 0.01))
    curves = {"epoch_seconds": [1.0] * 40, train: falling, held: turned}
    if up:
        curves = {name: [1 - value for value in values] for name, values in curves.items()}
    fit = classify(curves)
    assert (fit.train, fit.validation, fit.verdict) == (train, held, OVERFIT), fit.reason
    assert fit.best_epoch is not None
    assert 8 <= fit.best_epoch <= 16


@pytest.mark.parametrize(
    ("curves", "verdict"),
    [
        ({"loss": []}, UNKNOWN),
        ({"accuracy": [math.nan]}, DIVERGED),
        ({"train_loss": [], "val_loss": []}, UNKNOWN),
        ({"train_loss": [3.0, 2.0, 1.0], "val_loss": []}, IMPROVING),
        ({"loss": [2.3, math.nan, math.nan]}, DIVERGED),
        ({"loss": curve(30, to(2.3, 0.2, 0.5))}, UNKNOWN),
        ({"train_loss": [0.0] * 5, "val_loss": [0.0] * 5}, GOOD),
        ({"train_loss": [1e300] * 9, "val_loss": [1e300] * 9}, {UNDERFIT, GOOD}),
        ({"": [1.0, 2.0, 3.0], "損失": [1.0, 2.0, 3.0]}, UNKNOWN),
    ],
)
def test_what_is_hardly_a_curve(curves: Curves, verdict: Verdict | set[Verdict]) -> None:
    assert classify(curves).verdict in (verdict if isinstance(verdict, set) else {verdict})
