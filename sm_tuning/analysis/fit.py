"""The verdict on one training job: thresholds on its smoothed learning curves, each of which can be checked by eye."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.metric_names import ACCURACIES, Direction, direction, metric_pair, parse
from sm_tuning.spec.metrics import Objective

# Thresholds as shares of what training has gained in all, chosen on the planted cases of the tests.
_WORSE = 0.12  # validation is worse at the end than at its best: overfit
_WORSE_LOSS = 0.15  # or a loss is so much higher than its best
_WORSE_LEAST = 0.03  # less is nothing, even of a loss that is close to zero
_GAP = 0.35  # validation has kept back so much of what training gained: overfit
_GAP_OF_ERROR = 0.6  # or so much of the validation's own loss is gap,
_GAP_LEAST = 0.12  # where it is not small
_POINTS = 0.05  # of a share such as an accuracy: a smaller gap is none
_LATE_GAIN = 0.04  # the last quarter has gained so much: still improving
_LATE_LEAST = 0.01  # and so much of the first value,
EVEN = 0.18  # unless it fell about as fast as in the other quarters
_NOISE = 0.12  # jitter beside a smooth curve: noisy
_RISE = 0.25  # training is worse at the end than at its best: diverged
_SWING = 0.1  # of its first value: training swings
_NEAR_THE_END = 0.8  # of the epochs: the best one comes after it where training still improves
_BEHIND = 0.3  # a training job that fits its own training data so much worse than the best of the tuning job: underfit
_MISSING = 0.2  # of the values: more gaps than that are no gaps
_LEAST_EPOCHS = 3
_TELLING = 6  # with fewer values a jump cannot be told from a bend

# A model that does not fit even its training data: what it must reach, and for a loss how much it must fall.
_FITTED = {"accuracy": 0.65, "acc": 0.65, "auc": 0.65, "r2": 0.3}
_FITTED_HELD = 0.5  # of an accuracy of held-out data, where there is no other
STUCK = 0.02
_HARDLY = 0.2
_HIGH_LOSS = 0.5  # nats: the right answer has a probability of 60 %


class Verdict(StrEnum):
    """The verdict on a training job."""

    UNDERFIT = "underfit"
    GOOD = "good fit"
    OVERFIT = "overfit"
    DIVERGED = "diverged"
    RATE_TOO_HIGH = "rate too high"
    IMPROVING = "still improving"
    NOISY = "noisy"
    UNKNOWN = "unknown"

    @property
    def article(self) -> str:
        """The article in front of it in a sentence, with a space; empty for an adjective."""
        return "a " if self is Verdict.GOOD else ""

    @property
    def died(self) -> bool:
        """Whether training came to nothing: it diverged, or its learning rate is too high."""
        return self in {Verdict.DIVERGED, Verdict.RATE_TOO_HIGH}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The verdict on one training job with its evidence.

    Attributes:
        verdict: The verdict.
        reason: The reason in a sentence with numbers.
        train: The training metric that was judged.
        validation: The validation metric that was judged.
        epochs: Number of its values.
        best_epoch: The validation metric's, counted from 1.
        gap: How much worse the validation metric is than the training metric at the end, in the metric's own unit.
        gained: The training metric's gain as a share of its first value.
        late: The share of validation's gain that came in the last quarter of the epochs; 0.25 is an even fall.
        confidence: How sure the verdict is.
        train_last: The training metric at the end, as it stands in the log.
        validation_last: The validation metric at the end.
        train_at_best: The training metric in the validation metric's best epoch.
        validation_best: The validation metric in its best epoch.
    """

    verdict: Verdict
    reason: str
    train: str | None = None
    validation: str | None = None
    epochs: int = 0
    best_epoch: int | None = None
    gap: float | None = None
    gained: float | None = None
    late: float | None = None
    confidence: Confidence = Confidence.MEDIUM
    train_last: float | None = None
    validation_last: float | None = None
    train_at_best: float | None = None
    validation_best: float | None = None


def classify(
    curves: Curves,
    objective: Objective | None = None,
    *,
    least: float | None = None,
    start: float | None = None,
) -> Fit:
    """The verdict on a training job.

    Args:
        curves: Its metrics, epoch by epoch.
        objective: The metric that is tuned; it is taken where the names of the others say nothing.
        least: The best end of the training metric that any training job of the tuning job has reached (`ends`): one that stays far
            behind it underfits.
        start: Where the training metric usually begins in that tuning job: one that begins lower has not gained little.
    """
    train_name, held_out_name = metric_pair(curves, objective.name if objective else None)
    train, held_out = list(curves.get(train_name or "", ())), list(curves.get(held_out_name or "", ()))
    never = held_out_name is not None and train_name is not None and held_out and not any(map(math.isfinite, held_out))
    missing = f"{held_out_name} is never a number" if never and any(map(math.isfinite, train)) else None
    if missing is not None:
        held_out_name, held_out = None, []
    main = held_out_name or train_name
    if main is None:
        return Fit(
            verdict=Verdict.UNKNOWN, reason="no metric was printed whose name shows whether it is of training or of held-out data"
        )
    fit = CurveClassifier(
        train_name, held_out_name, train, held_out, direction(main, objective, [*train, *held_out]), least, start
    ).fit()
    if fit.verdict is Verdict.GOOD and held_out_name is None:
        missing = missing or f"only {train_name} was printed"
        fit = replace(fit, verdict=Verdict.UNKNOWN, reason=f"{missing}: without held-out data overfitting cannot be seen")
    if fit.verdict in {Verdict.UNKNOWN, Verdict.GOOD} and (text := _fits_nothing(curves, fit)) is not None:
        return replace(fit, verdict=Verdict.UNDERFIT, reason=text)
    return fit


def ends(curves: Curves, objective: Objective) -> tuple[float, float] | None:
    """The training metric's first and last value, mapped so that less is better; None if there is none, or too few values."""
    name, held_out = metric_pair(curves, objective.name)
    values = curves.get(name or "", ())
    if len(values) < _LEAST_EPOCHS or not all(map(math.isfinite, values)):
        return None
    as_error = direction(held_out or name or "", objective, [*values, *curves.get(held_out or "", ())])
    smooth = smoothed([as_error(value) for value in values])
    return smooth[0], smooth[-1]


def _fits_nothing(curves: Curves, fit: Fit) -> str | None:
    """Why a model has not learnt even its training data; None if it has, or its metrics do not show it."""
    known = [(parts, name) for name in curves if (parts := parse(name)).kind in _FITTED and math.isfinite(curves[name][-1])]
    held_out = {parts.kind for parts, _ in known if parts.held_out}
    # The training data's first; Keras prints `accuracy` beside `val_accuracy`.
    known.sort(key=lambda item: (item[0].held_out is True) + (item[0].held_out is None and item[0].kind not in held_out))
    if known:
        parts, name = known[0]
        last, count = curves[name][-1], len(curves[name])
        noun = "epoch" if count == 1 else "epochs"
        if parts.kind in ACCURACIES:
            last /= direction(name, None, curves[name]).top or 1
            wanted = _FITTED_HELD if parts.held_out else _FITTED[parts.kind]
            return f"{name} is {curves[name][-1]:.4g} after {count} {noun}: {1 - last:.0%} is wrong" if last < wanted else None
        wanted = _FITTED[parts.kind]
        return f"{name} is {last:.4g} after {count} {noun}, less than {wanted:g}" if last < wanted else None
    return _hardly_fell(curves, fit)


def _hardly_fell(curves: Curves, fit: Fit) -> str | None:
    """Why a loss that has fallen by little is underfit: it has not moved, or it is high."""
    name = fit.train or fit.validation or ""
    values = curves.get(name, ())
    if fit.gained is None or len(values) < _TELLING or values[0] <= 0:
        return None
    high = "loss" in name.lower() and values[-1] > _HIGH_LOSS
    if fit.gained < STUCK or (fit.gained < _HARDLY and high):
        return f"{name} has hardly fallen: {values[0]:.4g} in epoch 1, {values[-1]:.4g} at the end"
    return None


class CurveClassifier:
    """Classifies the curves of one training job, mapped so that less is better."""

    def __init__(
        self,
        train_name: str | None,
        held_out_name: str | None,
        train: Sequence[float],
        held_out: Sequence[float],
        as_error: Direction,
        least: float | None,
        start: float | None,
    ) -> None:
        self.train_name, self.held_out_name = train_name, held_out_name
        self.as_error, self.least, self.start = as_error, least, start
        self.not_a_number = next(
            (text for name, curve in ((train_name, train), (held_out_name, held_out)) if (text := _not_a_number(name, curve))),
            None,
        )
        self.train = [] if self.not_a_number else [as_error(value) for value in _without_gaps(train)]
        self.held_out = [] if self.not_a_number else [as_error(value) for value in _without_gaps(held_out)]
        self.epochs = len(held_out or train)
        self.smooth = smoothed(self.held_out or self.train)
        self.smooth_train = smoothed(self.train) if self.train else self.smooth
        self.jitter = _jitter(self.held_out or self.train)

    def fit(self) -> Fit:
        """The verdict with its evidence."""
        facts = Fit(verdict=Verdict.UNKNOWN, reason="", train=self.train_name, validation=self.held_out_name, epochs=self.epochs)
        if self.not_a_number:
            return replace(facts, verdict=Verdict.DIVERGED, reason=self.not_a_number)
        if self.epochs < _LEAST_EPOCHS:
            noun = "epoch" if self.epochs == 1 else "epochs"
            return replace(facts, reason=f"trained for {self.epochs} {noun} only: train longer to get a verdict")
        if self.train and len(self.train) < _LEAST_EPOCHS:
            noun = "value" if len(self.train) == 1 else "values"
            return replace(facts, reason=f"{self.train_name} has {len(self.train)} {noun} only: print it after each epoch")
        gained = max(self.smooth_train[0] - min(self.smooth_train), 1e-12)
        self.scale = max(gained, abs(self.smooth_train[0]) * 0.05, 1e-9)
        first = self.smooth_train[0] if self.start is None else max(self.start, self.smooth_train[0])
        self.attainable = max(self.scale, first - min(self.smooth_train))  # what there was to gain, also in the first epoch
        self.best = min(range(len(self.smooth)), key=self.smooth.__getitem__)
        self.gap = self.smooth[-1] - self.smooth_train[-1] if self.train and self.held_out else None
        won = self.smooth[0] - min(self.smooth)
        facts = replace(
            facts,
            best_epoch=self.best + 1,
            gap=self.held_out[-1] - self.train[-1] if self.train and self.held_out else None,
            gained=gained / abs(self.smooth_train[0]) if self.smooth_train[0] else None,
            late=_late_gain(self.smooth) / won if won > 0 else None,
        )
        facts = self._logged(facts)
        verdict, reason = next(self._faults(), (Verdict.GOOD, self._good()))
        return replace(facts, verdict=verdict, reason=reason)

    def _logged(self, facts: Fit) -> Fit:
        """The facts with the values of both metrics at the end and in the best epoch, as they stand in the log."""
        if self.held_out:
            last, best = self.as_error(self.held_out[-1]), self.as_error(self.held_out[self.best])
            facts = replace(facts, validation_last=last, validation_best=best)
        if self.train:
            # The two need not have been printed equally often.
            then = round(self.best / max(self.epochs - 1, 1) * (len(self.train) - 1))
            last, best = self.as_error(self.train[-1]), self.as_error(self.train[then])
            facts = replace(facts, train_last=last, train_at_best=best)
        return facts

    def _faults(self) -> Iterator[tuple[Verdict, str]]:
        """Every fault with its reason, the worst first."""
        yield from self._diverged()
        yield from self._overfit_by_rise()
        yield from self._overfit_by_gap()
        yield from self._noisy()
        yield from self._improving()
        yield from self._underfit()

    def _diverged(self) -> Iterator[tuple[Verdict, str]]:
        smooth_train, name = self.smooth_train, self.train_name or self.held_out_name
        swing, rise = _jitter(self.train[len(self.train) // 3 :]), smooth_train[-1] - min(smooth_train)
        at_start, at_end = self._value(smooth_train, 0), self._value(smooth_train, -1)
        lost = rise > _RISE * self.scale and smooth_train[0] - smooth_train[-1] < 0.6 * self.scale
        if smooth_train[-1] > smooth_train[0] + max(0.1 * self.scale, 2 * swing) or (
            lost and (self.train or smooth_train[-1] > smooth_train[0])
        ):
            yield Verdict.DIVERGED, f"{name} got worse in training: {at_start} in epoch 1, {at_end} at the end"
        if swing > max(smooth_train[0] - smooth_train[-1], _SWING * abs(self.train[0]) if self.train else 0.0):
            yield (
                Verdict.DIVERGED,
                f"{name} swings by {swing:.4g} from epoch to epoch without getting better: {at_start} to {at_end}",
            )

    def _overfit_by_rise(self) -> Iterator[tuple[Verdict, str]]:
        held_out = self.smooth
        worse = held_out[-1] - min(held_out)
        # A loss that began high has gained so much that its later rise looks small: then its best is what to compare with.
        enough = min(_WORSE * self.scale, _WORSE_LOSS * min(held_out)) if min(held_out) > 0 else _WORSE * self.scale
        enough = max(enough, _WORSE_LEAST * self.scale, 3 * self.jitter)
        if not self.held_out or worse <= enough or self.best == len(held_out) - 1:
            return
        text = f"{self.held_out_name} was best in epoch {self.best + 1} ({self._value(held_out, self.best)}) and is "
        text += f"{self._value(held_out, -1)} at the end"
        if not self.train:
            yield Verdict.OVERFIT, text
            return
        # The two need not have been printed equally often.
        then = self.smooth_train[round(self.best / (len(held_out) - 1) * (len(self.smooth_train) - 1))]
        if then - self.smooth_train[-1] > -0.02 * self.scale:
            yield Verdict.OVERFIT, f"{text}, while {self.train_name} went on to {self._value(self.smooth_train, -1)}"

    def _overfit_by_gap(self) -> Iterator[tuple[Verdict, str]]:
        held_out, gap = self.smooth, self.gap
        if (
            gap is None
            or gap <= max(2 * self.jitter, _POINTS * self.as_error.top)
            or _late_gain(held_out) >= _LATE_GAIN * self.scale
        ):
            return
        of_error = (
            held_out[-1] > 0
            and self.smooth_train[-1] >= 0
            and gap > _GAP_OF_ERROR * held_out[-1]
            and gap > _GAP_LEAST * self.scale
        )
        if gap > _GAP * self.scale or of_error:
            ends = f"{self._value(held_out, -1)} against {self._value(self.smooth_train, -1)}"
            text = f"{self.held_out_name} stays {gap:.4g} behind {self.train_name} ({ends}), "
            yield Verdict.OVERFIT, f"{text}{gap / self.scale:.0%} of what training gained"

    def _noisy(self) -> Iterator[tuple[Verdict, str]]:
        gained = self.smooth[0] - min(self.smooth)
        if self.jitter > _NOISE * max(gained, 0.2 * self.attainable) and self.jitter > STUCK * abs(self.smooth[0]):
            name, share = self.held_out_name or self.train_name, f"{self.jitter / self.scale:.0%} of what training gained"
            yield Verdict.NOISY, f"{name} jumps by {self.jitter:.4g} from epoch to epoch, as much as {share}"

    def _improving(self) -> Iterator[tuple[Verdict, str]]:
        gained, late = self.smooth[0] - min(self.smooth), _late_gain(self.smooth)
        least = _LATE_LEAST * abs(self.smooth[0]) if late < EVEN * gained else 0.0
        if late > max(_LATE_GAIN * gained, least, self.jitter, 0.0) and self.best + 1 > _NEAR_THE_END * len(self.smooth):
            yield Verdict.IMPROVING, f"the last quarter of the epochs still gained {late:.4g} of {gained:.4g}"

    def _underfit(self) -> Iterator[tuple[Verdict, str]]:
        if self.least is None or not self.train:
            return
        end, others = self.smooth_train[-1], f"{self.as_error(self.least):.4g}"
        if end - self.least > _BEHIND * max(self.attainable + end - self.least, 1e-12):
            yield (
                Verdict.UNDERFIT,
                f"{self.train_name} stops at {self._value(self.smooth_train, -1)}; other training jobs reach {others}",
            )

    def _value(self, curve: Sequence[float], index: int) -> str:
        return f"{self.as_error(curve[index]):.4g}"

    def _good(self) -> str:
        return "it has levelled off" + ("" if self.gap is None else f", {abs(self.gap):.4g} from the training metric")


def _not_a_number(name: str | None, curve: Sequence[float]) -> str | None:
    """How a curve ends without numbers; None for one that ends with a number and has few gaps."""
    bad = [index for index, value in enumerate(curve) if not math.isfinite(value)]
    if not bad or (bad[-1] < len(curve) - 1 and len(bad) <= _MISSING * len(curve)):
        return None
    if bad[-1] < len(curve) - 1:
        return f"{name} is not a number in {len(bad)} of {len(curve)} epochs"
    first = max((index for index, value in enumerate(curve) if math.isfinite(value)), default=-1) + 1
    return f"{name} is not a number from epoch {first + 1} on"


def _without_gaps(curve: Sequence[float]) -> list[float]:
    """A curve whose gaps are filled with the value before them."""
    filled: list[float] = []
    first = next((value for value in curve if math.isfinite(value)), 0.0)
    for value in curve:
        filled.append(value if math.isfinite(value) else filled[-1] if filled else first)
    return filled


def smoothed(curve: Sequence[float]) -> list[float]:
    """Medians of three, then means over a tenth of the curve."""
    count = len(curve)
    if count < 5:  # noqa: PLR2004 - nothing to smooth
        return list(curve)
    medians = [statistics.median(curve[max(index - 1, 0) : index + 2]) for index in range(count)]
    # Tukey's rule for the ends: what the next two values point to, the value itself, and its neighbour; the middle one.
    medians[0] = statistics.median([curve[0], medians[1], 3 * medians[1] - 2 * medians[2]])
    medians[-1] = statistics.median([curve[-1], medians[-2], 3 * medians[-2] - 2 * medians[-3]])
    half = count // 20
    return [statistics.fmean(medians[max(index - half, 0) : index + half + 1]) for index in range(count)]


def _jitter(curve: Sequence[float]) -> float:
    """Typical distance of a value from a smooth line; of white noise its standard deviation. 0 for fewer than six values.

    A smooth line bends slowly: the distance from the middle of both neighbours is taken twice.
    """
    rough = list(curve) if len(curve) >= _TELLING else []
    for _ in range(2):
        rough = [value - (before + after) / 2 for before, value, after in zip(rough, rough[1:], rough[2:], strict=False)]
    return 0.71 * statistics.median(map(abs, rough)) if rough else 0.0


def _late_gain(curve: Sequence[float]) -> float:
    """Gain in the last quarter."""
    return curve[-1 - max(len(curve) // 4, 1)] - curve[-1]
