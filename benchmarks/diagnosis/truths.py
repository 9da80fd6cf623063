"""What a practitioner says of a training who has seen thousands of fresh rows: rules, with room for doubt.

All numbers are *scores*, of which more is better: an accuracy, an R², or, for a loss, 1 - loss / the loss of the best constant
answer (0 says nothing, 1 is perfect; for a mean squared error that is R²). `train`, `end`, `best` and `later` are of the model
itself, in evaluation mode; `end` and those after it on fresh rows. Ends are means of the last tenth of the epochs (1 to 5).

**Failed.** A loss that is no number, or above twice the constant answer's and twice its own best: *diverged* or *rate too high*.
The same for a training metric that lost a third of what can be learnt. Less than a twentieth of what can be learnt, and the same
training at a tenth or a three-hundredth of its learning rate learns a third of it more: *rate too high* or *diverged*. Where the
printed curve neither is without a number, nor rose by half above the constant answer's loss, nor lost ten points, *underfit* is
accepted too. As no curve tells why a training is dead, *rate too high* is accepted where a clear underfit never learnt a twentieth,
at a rate that is no low one; also where a lower rate would have brought a tenth more.

**Overfit.** Clear when
  - the training score is above that of fresh rows by 10 points of accuracy, 20 of R², or 25 points of a loss's score that are also a
    quarter more loss; a standard error more; twice as much if the fresh score clearly goes on rising (*still improving* is accepted
    too up to there if that is possible); or
  - the fresh score fell from its best by 5 points of accuracy, 10 of R², or by a quarter more loss and 5 points, while training
    held.
Out of the question when the gap is below 3 points (R²: 5; loss: 5, or a tenth more loss) and the end within 1 point (R²: 2; loss:
1, or a twentieth more loss) of the best. Anything between is a matter of taste.

**Underfit.** Clear when training is 10 points below what a tuned reference reaches on *fresh* rows, and below half of the way there
from the constant answer. Possible when 3 points below, or below half of the way from the constant answer to a perfect one (no curve
says that no more can be had).

**Still improving.** Clear when the fresh score gained 2 points in the last quarter and gains 2 more when trained on for half as many
epochs again (losses: a tenth of the loss and 2 points each); also when it gained 5 points in all, goes on rising more than half as
fast as on average, and each of the two brings half a point (losses: 3 % of the loss). Possible when either of the two brings that
much. Accepted beside a clear underfit when it rises that steadily, however little.

**Noisy** is accepted beside others, failures too, where the printed validation score scatters about its trend by 3 points (losses: a
tenth of the loss), unless a clear overfit is three times as large. **Unknown** where an overfit is possible and validation's
standard error above 10 points.

A case is *clear* if one verdict remains, or the two of a failure. It is *sound* if it did not fail, overfit is out of the
question and underfit not clear: to call it overfit is a false alarm.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DIVERGED, RATE, OVERFIT, UNDERFIT = "diverged", "rate too high", "overfit", "underfit"
IMPROVING, NOISY, GOOD, UNKNOWN = "still improving", "noisy", "good fit", "unknown"
FAILED = frozenset({DIVERGED, RATE})


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What fresh rows say of a training.

    Attributes:
        form: `accuracy`, `r2` or `loss`: how the curve is printed.
        finite: Every loss was a number.
        chance: The constant answer's score; 0 but for an accuracy.
        attainable: The best fresh score of any model of these data.
        train: At the end, on the training rows.
        top: The training score's best.
        then: The training score at the epoch whose fresh score is best.
        end: At the end, on fresh rows.
        best: Of fresh rows, over the printed epochs.
        recent: What the fresh score gained in the last quarter of the epochs.
        pace: That gain beside the one that an even rise since the first epoch would have brought.
        gained: What the fresh score gained since the first epoch.
        later: The best fresh score of half as many epochs more; None if they are not known.
        slower: The best training score at a lower learning rate; None if it was not tried.
        error: Standard error of `end`.
        visible: The printed curve shows that something broke.
        scatter: Of the printed validation score about its trend.
        doubt: Standard error of the printed validation score.
    """

    form: str
    finite: bool = True
    chance: float = 0.0
    attainable: float
    train: float
    top: float
    then: float
    end: float
    best: float
    recent: float = 0.0
    pace: float = 0.0
    gained: float = 0.0
    later: float | None = None
    slower: float | None = None
    error: float = 0.0
    visible: bool = False
    scatter: float = 0.0
    doubt: float = 0.0

    @property
    def learnable(self) -> float:
        """What there is to learn."""
        return self.attainable - self.chance


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Points of a form; the relative ones, of the loss, are 0 for the others."""

    gap: float
    gap_sound: float
    drop: float
    drop_sound: float
    scatter: float


LIMITS: Mapping[str, Limits] = {
    "accuracy": Limits(gap=0.10, gap_sound=0.03, drop=0.05, drop_sound=0.01, scatter=0.03),
    "r2": Limits(gap=0.20, gap_sound=0.05, drop=0.10, drop_sound=0.02, scatter=0.03),
    "loss": Limits(gap=0.25, gap_sound=0.05, drop=0.05, drop_sound=0.01, scatter=0.10),
}
_TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The verdicts that are accepted."""

    accepted: frozenset[str]
    clear: bool
    sound: bool


def truth(n: Numbers) -> Truth:
    """The rules of this module."""
    failure = _failure(n)
    if failure:
        failure |= {NOISY} if _scatters(n) else frozenset()
        return Truth(accepted=failure, clear=failure <= FAILED, sound=False)
    rising, overfit, underfit = improving(n), overfitting(n), underfitting(n)
    accepted = set()
    if overfit == "clear":
        both = rising != "no" and n.train - n.end < 2 * LIMITS[n.form].gap
        accepted = {OVERFIT} | ({UNDERFIT} if underfit == "clear" else set()) | ({IMPROVING} if both else set())
    elif underfit == "clear":
        accepted = {UNDERFIT} | ({IMPROVING} if rising != "no" or (n.pace >= 0.6 and n.recent > 0) else set())
        accepted |= ({RATE} if _by_rate(n, 0.1) or _dead(n) else set()) | ({OVERFIT} if overfit == "possible" else set())
    else:
        accepted = {"clear": {IMPROVING}, "possible": {IMPROVING, GOOD}, "no": {GOOD}}[rising]
        accepted |= ({UNDERFIT} if underfit == "possible" else set()) | ({OVERFIT} if overfit == "possible" else set())
        accepted |= {RATE} if _by_rate(n, 1 / 3) else set()
    if _scatters(n) and not (overfit == "clear" and n.train - n.end > 3 * n.scatter):
        accepted |= {NOISY}
    if n.doubt > 0.1 and overfit == "possible":
        accepted |= {UNKNOWN}
    return Truth(accepted=frozenset(accepted), clear=len(accepted) == 1, sound=overfit == "no" and underfit != "clear")


def _more_loss(better: float, worse: float) -> float:
    """How many times the loss of the better score the loss of the worse is."""
    return (1 - worse + _TINY) / max(1 - better, 0.0) if better < 1 else float("inf")


def _by_rate(n: Numbers, share: float) -> bool:
    """A lower learning rate would have trained it better, by a share of what can be learnt."""
    return n.slower is not None and n.slower - n.train >= max(0.3 * share, n.learnable * share)


def _dead(n: Numbers) -> bool:
    """It never learnt anything, though its learning rate is no low one."""
    return n.slower is not None and n.top < n.chance + 0.05 * n.learnable


def _failure(n: Numbers) -> frozenset[str]:
    exploded = n.form != "accuracy" and n.train <= -1 and _more_loss(n.top, n.train) >= 2
    collapsed = n.top - n.train >= max(0.1, n.learnable / 3)
    stuck = n.learnable >= 0.1 and n.train < n.chance + 0.05 * n.learnable and _by_rate(n, 1 / 3)
    if n.finite and not (exploded or collapsed or stuck):
        return frozenset()
    return FAILED if n.visible or exploded or collapsed else FAILED | {UNDERFIT}


def overfitting(n: Numbers) -> str:
    """`clear`, `possible` or `no`."""
    limits = LIMITS[n.form]
    gap, drop = n.train - n.end, n.best - n.end
    losses = n.form == "loss"
    more, rise = (_more_loss(n.train, n.end), _more_loss(n.best, n.end)) if losses else (float("inf"), float("inf"))
    needed = limits.gap * (2 if improving(n) == "clear" else 1)
    by_gap = gap - n.error >= needed and more >= 1.25
    by_drop = drop - (0 if losses else n.error) >= limits.drop and rise >= 1.25 and gap >= limits.drop
    if by_gap or (by_drop and n.train >= n.then - limits.drop / 2):
        return "clear"
    small = gap <= limits.gap_sound or (losses and more <= 1.1)
    steady = drop <= limits.drop_sound or (losses and rise <= 1.05)
    return "no" if small and steady else "possible"


def underfitting(n: Numbers) -> str:
    """`clear`, `possible` or `no`."""
    missing = n.attainable - n.train
    if missing >= 0.1 and n.train - n.chance < n.learnable / 2:
        return "clear"
    return "possible" if missing >= 0.03 or n.train < (1 + n.chance) / 2 else "no"


def improving(n: Numbers) -> str:
    """`clear`, `possible` or `no`."""
    later = n.end + n.recent if n.later is None else n.later  # as before, where nobody trained on
    further, recent = later - n.end, n.recent
    much, little = 0.02, 0.005
    if n.form == "loss":
        much, little = max(0.02, 0.1 * (1 - n.end)), max(0.003, 0.03 * (1 - n.end))
    steadily = n.pace >= 0.6 and n.gained >= 0.05 and min(further, recent) >= little
    if steadily or min(further, recent) >= much:
        return "clear"
    return "possible" if max(further, recent) >= little else "no"


def _scatters(n: Numbers) -> bool:
    limit = LIMITS[n.form].scatter
    return n.scatter >= (max(0.01, limit * (1 - n.end)) if n.form == "loss" else limit)
