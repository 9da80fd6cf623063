"""The verdict on one training job, from all the metrics that it printed."""

import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sm_tuning.analysis.confidence import Confidence, at_most
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.direction import direction
from sm_tuning.analysis.fit.form import Form, Scale, form_of
from sm_tuning.analysis.fit.remarks import remarks
from sm_tuning.analysis.fit.rules import findings, misfit
from sm_tuning.analysis.fit.series import Series, not_a_number
from sm_tuning.analysis.fit.verdict import Cause, Finding, Fit, Remark, Verdict
from sm_tuning.analysis.steps import VALUE, counted
from sm_tuning.rules.metric_names import parse
from sm_tuning.rules.metric_pairs import MetricPair, as_training, metric_pair, metric_pairs
from sm_tuning.spec.metrics import Objective

_LEAST_EPOCHS = 3
_FEW_EPOCHS = 6
_SURE, _RATHER_SURE = 2.0, 1.3  # times what counts
_MANY_ROWS = 0.03  # standard error of an accuracy
_HALF = 0.5  # of what counts in the accuracy too, where the loss says overfit


@dataclass(frozen=True)
class Opinion:
    """What one form says: the finding that applies, and how far it is overfit whatever applies."""

    form: Form
    finding: Finding
    gap: float

    @property
    def verdict(self) -> Verdict:
        """The verdict by this form alone."""
        return self.finding.verdict


def classify(
    curves: Curves, objective: Objective | None = None, *, attainable: Mapping[str, float] | None = None, step: str = VALUE
) -> Fit:
    """The verdict on a training job.

    Args:
        curves: Its metrics, in the order in which they were printed.
        objective: The metric that is tuned; it is taken where the names of the others say nothing.
        attainable: The best value of each metric of held-out data that any training job of the tuning job has reached: one that
            does not come near it, not even on its training data, underfits.
        step: What the script calls that after which it prints the objective: `epoch`, `round`.
    """
    pairs = _pairs(curves, objective)
    if not pairs:
        reason = "no metric was printed whose name shows whether it is of training or of held-out data"
        return Fit(verdict=Verdict.UNKNOWN, reason=reason)
    broken = next((text for pair in pairs for name in _names(pair) if (text := _broken(name, curves, pair, step))), None)
    if broken is not None:
        return replace(_facts(pairs[0], None), verdict=Verdict.DIVERGED, reason=broken, confidence=Confidence.HIGH)
    missing = next((f"{pair.held_out} is never a number" for pair in pairs if _never(pair.held_out, curves)), None)
    pairs = [replace(pair, held_out=None) if _never(pair.held_out, curves) else pair for pair in pairs]
    forms = [form_of(pair, curves, objective, attainable or {}, step) for pair in pairs]
    if (few := _too_few(forms[0])) is not None:
        return _after_few(forms, replace(_facts(pairs[0], forms[0]), reason=few, confidence=Confidence.HIGH))
    opinion = _together([_opinion(form) for form in forms if _too_few(form) is None], objective)
    fit = replace(
        _facts_of(opinion.form), verdict=opinion.verdict, reason=opinion.finding.reason, confidence=_confidence(opinion)
    )
    fit = replace(fit, remarks=tuple(remarks(opinion.form, fit, forms, curves, objective)))
    return _without_train(_without_held_out(_rare_class(fit), missing))


def _pairs(curves: Curves, objective: Objective | None) -> list[MetricPair]:
    """The pairs that are judged: whole ones, the objective's first; or else the single one that says most."""
    wanted = objective.name if objective else None
    curves = {name: values for name, values in curves.items() if len(values)}
    whole = [pair for pair in metric_pairs(curves, wanted) if pair.whole]
    if whole:
        kind = parse(wanted).kind if wanted else None
        return sorted(whole, key=lambda pair: pair.kind != kind)
    train, held_out = metric_pair(curves, wanted)
    name = held_out or train
    return [MetricPair(parse(name).kind, train, held_out)] if name is not None else []


def _names(pair: MetricPair) -> list[str]:
    return [name for name in (pair.train, pair.held_out) if name is not None]


def _never(name: str | None, curves: Curves) -> bool:
    return name is not None and not any(map(math.isfinite, curves[name]))


def _broken(name: str, curves: Curves, pair: MetricPair, step: str) -> str | None:
    """Why a curve that is not a number shows divergence; validation that never was one shows nothing beside sound training."""
    if name == pair.held_out and pair.train is not None and _never(name, curves) and not _never(pair.train, curves):
        return None
    return not_a_number(name, curves[name], step)


def _too_few(form: Form) -> str | None:
    count = len(form.main)
    if count < _LEAST_EPOCHS:
        return f"trained for {counted(count, form.main.step)} only: train longer to get a verdict"
    if form.train is not None and len(form.train) < _LEAST_EPOCHS:
        noun = "value" if len(form.train) == 1 else "values"
        return f"{form.train.name} has {len(form.train)} {noun} only: print it after each {_often(form)}"
    return None


def _often(form: Form) -> str:
    return "epoch" if form.main.step == VALUE else form.main.step


def _after_few(forms: Sequence[Form], fit: Fit) -> Fit:
    """The verdict after one or two epochs: underfit where a share of the training data shows it, or else unknown."""
    share = next((form for form in forms if form.scale is Scale.SHARE and form.train is not None and form.train.logged), None)
    if share is None or not misfit(share) > 1:
        return fit
    reason = f"{share.learning.name} is {share.learning.value(-1)} after {counted(fit.epochs, share.main.step)}"
    return replace(_facts_of(share), verdict=Verdict.UNDERFIT, reason=reason, confidence=Confidence.LOW)


def _opinion(form: Form) -> Opinion:
    """What a form says by itself."""
    every = list(findings(form))
    gap = max((finding.strength for finding in every if finding.verdict is Verdict.OVERFIT), default=0.0)
    applying = next((finding for finding in every if finding.strength > 1), None)
    if applying is None:
        below = max((finding.strength for finding in every if finding.strength <= 1), default=0.0)
        applying = Finding(verdict=Verdict.GOOD, strength=1 / max(below, 1e-3), reason=_good(form))
    return Opinion(form, applying, gap)


def _good(form: Form) -> str:
    if form.train is None or form.held_out is None:
        return f"{form.main.name} has levelled off at {form.main.value(-1)}"
    train, held_out = form.train, form.held_out
    return f"{held_out.name} has levelled off at {held_out.value(-1)}, {train.name} at {train.value(-1)}"


def _together(opinions: Sequence[Opinion], objective: Objective | None) -> Opinion:
    """The opinion that counts: the first form's, unless another one sees what it cannot see."""
    first, others = opinions[0], opinions[1:]
    tuned = objective is not None and first.form.kind == parse(objective.name).kind

    def seen(verdict: Verdict) -> Iterator[Opinion]:
        return (opinion for opinion in opinions if opinion.verdict is verdict)

    died = next((opinion for opinion in opinions if opinion.verdict.died), None)
    if died is not None:
        return died
    if first.verdict is Verdict.OVERFIT:
        return first
    # A loss that rises while the tuned accuracy stays is a matter of calibration; and with few rows both err by the same rows.
    share = tuned and first.form.scale is Scale.SHARE
    share_agrees = first.gap > _HALF and first.form.sampling_error <= _MANY_ROWS
    for other in others:
        if other.verdict is Verdict.OVERFIT and (other.form.scale is Scale.SHARE or not share or share_agrees):
            return other
    if first.verdict is Verdict.NOISY:
        return first
    return next((opinion for verdict in (Verdict.IMPROVING, Verdict.UNDERFIT) for opinion in seen(verdict)), first)


def _confidence(opinion: Opinion) -> Confidence:
    """How far what was measured is from what counts; one step less with few epochs."""
    strength = opinion.finding.strength
    levels = [Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH]
    level = 2 if strength >= _SURE else 1 if strength >= _RATHER_SURE else 0
    return levels[max(level - (len(opinion.form.main) < _FEW_EPOCHS), 0)]


def _rare_class(fit: Fit) -> Fit:
    remark = next((remark for remark in fit.remarks if remark.cause is Cause.RARE_CLASS), None)
    if fit.verdict is not Verdict.GOOD or remark is None:
        return fit
    return replace(fit, verdict=Verdict.UNDERFIT, reason=remark.text)


def _without_held_out(fit: Fit, missing: str | None) -> Fit:
    """A good fit cannot be seen without held-out data."""
    if fit.verdict is not Verdict.GOOD or fit.validation is not None:
        return fit
    missing = missing or f"only {fit.train} was printed"
    return replace(fit, verdict=Verdict.UNKNOWN, reason=f"{missing}: without held-out data overfitting cannot be seen")


def _without_train(fit: Fit) -> Fit:
    """Held-out data alone show neither a good fit nor, for sure, what ails one."""
    if fit.train is not None or fit.verdict not in {Verdict.GOOD, Verdict.OVERFIT, Verdict.UNDERFIT}:
        return fit
    assert fit.validation is not None  # noqa: S101 - mypy
    wanted = as_training(fit.validation, fit.validation)
    text = f"{wanted} is what {fit.validation} is compared with, and no metric of that name has values"
    if parse(fit.validation).held_out is None:
        text += f"; that {fit.validation} is of held-out data is a guess, which validation: before it would make sure"
    fit = replace(fit, remarks=(*fit.remarks, Remark(Cause.NO_TRAINING_METRIC, text)))
    if fit.verdict is Verdict.GOOD:
        reason = f"{fit.reason}; without a metric of the training data neither over- nor underfitting can be told"
        return replace(fit, verdict=Verdict.UNKNOWN, reason=reason, confidence=Confidence.HIGH)
    return replace(
        fit, confidence=Confidence.LOW if fit.verdict is Verdict.UNDERFIT else at_most(fit.confidence, Confidence.MEDIUM)
    )


def _facts(pair: MetricPair, form: Form | None) -> Fit:
    epochs = len(form.main) if form is not None else 0
    return Fit(
        verdict=Verdict.UNKNOWN,
        reason="",
        train=pair.train,
        validation=pair.held_out,
        epochs=epochs,
        step=form.main.step if form is not None else VALUE,
    )


def _facts_of(form: Form) -> Fit:
    """The evidence, as it stands in the log."""
    train, held_out, main, learning = form.train, form.held_out, form.main, form.learning
    won = main.first - main.best
    fit = Fit(
        verdict=Verdict.UNKNOWN,
        reason="",
        train=train.name if train else None,
        validation=held_out.name if held_out else None,
        epochs=len(main),
        best_epoch=main.best_index + 1,
        step=main.step,
        gained=(learning.first - learning.best) / abs(learning.first) if learning.first else None,
        late=main.quarter / won if won > 0 else None,
    )
    if held_out is not None:
        fit = replace(fit, validation_last=held_out.logged[-1], validation_best=held_out.logged[held_out.best_index])
    if train is not None:
        fit = replace(fit, train_last=train.logged[-1], train_at_best=train.logged[train.at(main.best_share)])
    return replace(fit, gap=form.gap)


def attainable(every: Iterable[Curves], objective: Objective) -> Mapping[str, float]:
    """The best value of each metric of held-out data over the curves of several training jobs, smoothed."""
    best: dict[str, float] = {}
    for curves in every:
        for pair in metric_pairs(curves, objective.name):
            name = pair.held_out
            if name is None or len(curves[name]) < _LEAST_EPOCHS or not_a_number(name, curves[name]) is not None:
                continue
            up = direction(name, objective, curves[name]).up
            series = Series.of(name, curves[name], operator.neg if up else float)
            value = -series.best if up else series.best
            best[name] = value if name not in best else max(value, best[name]) if up else min(value, best[name])
    return best
