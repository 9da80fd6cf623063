"""Remedies for the best training job, by the verdict on it, in the order of worth. Each only proposes: `plan` chooses."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from sm_tuning.analysis.advice import Advice, Cost, Ranges, Remedy
from sm_tuning.analysis.augmentation import augmentable
from sm_tuning.analysis.confidence import Confidence, at_most
from sm_tuning.analysis.effects import Edge
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.fit import EVEN, STUCK, Cause, Verdict
from sm_tuning.analysis.fit.series import Series
from sm_tuning.analysis.steps import VALUE, at_step, counted
from sm_tuning.rules.roles import Role, limits_trees, role_of
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.metrics import number
from sm_tuning.spec.parameters import Integer

_FEW_EPOCHS = 5
_SOME_EPOCHS = 10  # a curve that falls evenly over so many would need many times as many
_AS_GOOD = 0.02  # of what validation gained: epochs so close to the best one are as good
_ROOM = 1.5  # times the best epoch: other settings may need more
_SEEDS = 2  # training jobs that show how much of a result is chance

Proposals = Iterator[Advice]


def about_fit(evidence: Evidence) -> Proposals:
    """What the verdict on the best training job asks for."""
    yield from _BY_VERDICT[evidence.fit.verdict](evidence)


def about_causes(evidence: Evidence, *, first: bool) -> Proposals:
    """What the remarks on the best training job ask for: `first` what makes its metrics void, else the rest."""
    for remark in evidence.fit.remarks:
        kind, void = _BY_CAUSE.get(remark.cause, (None, False))
        if kind is not None and void is first:
            yield Advice(kind=kind, remedy=kind.value, reason=remark.text, confidence=evidence.fit.confidence)


def about_failures(evidence: Evidence) -> Proposals:
    """What training jobs that failed have in common: it fails again in the next round."""
    for shared in evidence.shared_by_failed:
        yield Advice(
            kind=Remedy.MEND_SCRIPT,
            remedy=f"{Remedy.MEND_SCRIPT.value}, or {shared.otherwise}",
            reason=shared.sentence,
            confidence=shared.confidence,
            hyperparameter=next(iter({**shared.ranges, **shared.values}), None),
            ranges=shared.ranges,
            values=shared.values,
        )


# --- overfit ----------------------------------------------------------------------------------------------------------------


def _when_overfit(evidence: Evidence) -> Proposals:
    if evidence.scaling is None or evidence.scaling.worth:
        yield from more_data(evidence)
    yield from _stop_earlier(evidence)
    yield from _augmentation(evidence)
    yield from _more_regularization(evidence)
    yield from _smaller_model(evidence)


def more_data(evidence: Evidence) -> Proposals:
    """More data where they were measured to help, or where nobody measured it and the model overfits; else that they do not."""
    fit, scaling = evidence.fit, evidence.scaling
    if scaling is not None:
        kind = Remedy.MORE_DATA if scaling.worth else Remedy.NO_MORE_DATA
        sentence = scaling.sentence(evidence.results.objective.name)
        yield Advice(kind=kind, remedy=kind.value, reason=sentence, confidence=Confidence.MEDIUM)
    elif fit.verdict is Verdict.OVERFIT:
        share = f"the script must take the share as the hyperparameter {DataScaling.hyperparameter}, or what [data_scaling] names"
        how = f"`sm-tuning run FILE --data-scaling` measures what more would bring: {share}"
        yield Advice(
            kind=Remedy.MORE_DATA,
            remedy=Remedy.MORE_DATA.value,
            reason=f"{_ends(evidence)}; {how}",
            confidence=at_most(fit.confidence, Confidence.MEDIUM),
            cost=evidence.cost(5),
        )


def _ends(evidence: Evidence) -> str:
    """Both metrics at the end, as they stand in the log."""
    fit = evidence.fit
    if fit.train_last is None or fit.validation_last is None:
        return fit.reason
    return f"{fit.train} ends at {fit.train_last:.4g}, {fit.validation} at {fit.validation_last:.4g}"


def _stop_earlier(evidence: Evidence) -> Proposals:
    fit = evidence.fit
    if fit.best_epoch is None or fit.best_epoch >= fit.epochs or fit.validation is None:
        return
    first, last = _as_good_epochs(evidence, fit.validation, fit.best_epoch)
    if last == fit.epochs:
        return  # the end is about as good
    best, end = Series.of(fit.validation, _best_curve(evidence, fit.validation), float).change(fit.best_epoch - 1)
    near = f", {fit.step}s {first} to {last} are about as good" if first < last else ""
    name = evidence.tuned(Role.EPOCHS)
    yield Advice(
        kind=Remedy.STOP_EARLIER,
        remedy=Remedy.STOP_EARLIER.value,
        reason=f"{fit.validation} was best {at_step(fit.step, fit.best_epoch)} of {fit.epochs} ({best}){near}; it ends at {end}",
        confidence=fit.confidence,
        cost=Cost(epochs=fit.best_epoch - fit.epochs, step=fit.step),
        hyperparameter=name,
        toward=Edge.LOW,
        ranges=_fewer_epochs(evidence, name, last),
    )


def _best_curve(evidence: Evidence, metric: str) -> Sequence[float]:
    """A metric of the best training job, which the verdict on it was given by."""
    best = evidence.results.best
    assert best is not None  # noqa: S101 - mypy
    return best.curves[metric]


def _as_good_epochs(evidence: Evidence, metric: str, best_epoch: int) -> tuple[int, int]:
    """The first and the last of the epochs around the best one whose validation metric is about as good."""
    values = _best_curve(evidence, metric)
    chosen = values[best_epoch - 1]
    finite = [value for value in values if math.isfinite(value)]
    slack = _AS_GOOD * max(abs(value - chosen) for value in finite)
    first = last = best_epoch
    while first > 1 and abs(values[first - 2] - chosen) <= slack:
        first -= 1
    while last < len(values) and abs(values[last] - chosen) <= slack:
        last += 1
    return first, last


def _fewer_epochs(evidence: Evidence, name: str | None, last: int) -> dict[str, tuple[float, float]]:
    """The range of the epochs, ended somewhat beyond the last good one; in the hyperparameter's own unit.

    None where fewer epochs were not better in other training jobs, whose rates and batches differ.
    """
    parameter, setting = evidence.numeric(name), evidence.setting(name)
    if name is None or not isinstance(parameter, Integer) or setting is None or not evidence.fit.epochs:
        return {}
    if not evidence.shows_nothing and evidence.better(name) is not Edge.LOW:
        return {}
    end = math.ceil(_ROOM * last * setting / evidence.fit.epochs)
    return {name: (float(parameter.low), float(end))} if parameter.low < end < parameter.high else {}


def _augmentation(evidence: Evidence) -> Proposals:
    kind = augmentable(evidence.results)
    if kind is not None:
        why = f"changed copies of the {kind.data} ({kind.examples}) stand for more of them; {kind.seen}"
        yield Advice(
            kind=Remedy.AUGMENTATION,
            remedy=Remedy.AUGMENTATION.value,
            reason=why,
            confidence=at_most(evidence.fit.confidence, Confidence.MEDIUM),
            cost=evidence.cost(1),
        )


def _more_regularization(evidence: Evidence) -> Proposals:
    name = evidence.tuned(Role.PENALTY, Role.LEAF, Role.SAMPLE)
    if name is None and any(map(limits_trees, evidence.results.hyperparameters)):
        return  # a smaller model is what regularizes trees
    today = evidence.today(name) or "no hyperparameter of that kind is tuned, such as weight decay or dropout"
    if name is not None and not evidence.today(name):
        today = f"{name} is of that kind"
    toward = Edge.LOW if name is not None and role_of(name) is Role.SAMPLE else Edge.HIGH
    yield _move(evidence, Remedy.MORE_REGULARIZATION, name, toward, today)


def _smaller_model(evidence: Evidence) -> Proposals:
    name = evidence.tuned(Role.SIZE)
    if name is not None:
        yield _move(evidence, Remedy.SMALLER_MODEL, name, Edge.LOW, f"{evidence.today(name)}; a smaller one learns less by heart")


# --- underfit ---------------------------------------------------------------------------------------------------------------


def _when_underfit(evidence: Evidence) -> Proposals:
    fit = evidence.fit
    few, stuck = fit.epochs < _FEW_EPOCHS, fit.gained is not None and fit.gained < STUCK
    if few:
        yield _more_epochs(evidence, fit.reason)
    if stuck or (few and evidence.tuned(Role.RATE) is not None):
        yield _other_rate(evidence, stuck=stuck)
    yield from _larger_model(evidence)
    yield from _less_regularization(evidence)


def _other_rate(evidence: Evidence, *, stuck: bool) -> Advice:
    """A higher learning rate, or a lower one where it is high in its range."""
    name = evidence.tuned(Role.RATE)
    up = not evidence.near(name, Edge.HIGH)
    today = f"; {evidence.today(name)}" if evidence.today(name) else ""
    reason = f"{evidence.fit.reason}{today}: the steps are too {'small' if up else 'large'}"
    return _move(
        evidence,
        Remedy.HIGHER_RATE if up else Remedy.LOWER_RATE,
        name,
        Edge.HIGH if up else Edge.LOW,
        reason if stuck or not up else f"{counted(evidence.fit.epochs, evidence.fit.step)} of such steps were too few{today}",
    )


def _larger_model(evidence: Evidence) -> Proposals:
    name = evidence.tuned(Role.SIZE)
    today = evidence.today(name)
    reason = "a model that does not fit even its training data is too small, or regularized too strongly"
    yield _move(evidence, Remedy.LARGER_MODEL, name, Edge.HIGH, f"{today}; {reason}" if today else reason)


def _less_regularization(evidence: Evidence) -> Proposals:
    """Less of what there is: a penalty that is 0 already is none."""
    name = evidence.tuned(Role.PENALTY)
    static = evidence.results.latest.static_hyperparameters
    penalties = [name for name, value in static.items() if role_of(name) is Role.PENALTY and number(value.strip('"'))]
    fixed = next((f"{name} is {static[name]}" for name in penalties), None)
    if evidence.setting(name) == 0:
        name = None
    if name is not None or fixed is not None:
        yield _move(evidence, Remedy.LESS_REGULARIZATION, name, Edge.LOW, evidence.today(name) or fixed or "")


# --- the other verdicts -----------------------------------------------------------------------------------------------------


def _when_improving(evidence: Evidence) -> Proposals:
    fit, rate = evidence.fit, evidence.tuned(Role.RATE)
    even = fit.late is not None and fit.late >= EVEN and fit.epochs >= _SOME_EPOCHS
    more = _more_epochs(evidence, f"after {counted(fit.epochs, fit.step)} {fit.reason}")
    share = "" if fit.late is None else f": {fit.late:.0%} of its gain came in the last quarter of the {fit.step}s"
    today = f"; {evidence.today(rate)}" if evidence.today(rate) else ""
    faster = _move(
        evidence, Remedy.HIGHER_RATE, rate, Edge.HIGH, f"{fit.validation or fit.train} still gets better{share}{today}"
    )
    yield from (faster, more) if even else (more, faster)


def _more_epochs(evidence: Evidence, reason: str) -> Advice:
    name = evidence.tuned(Role.EPOCHS)
    today = f"; {evidence.today(name)}" if evidence.today(name) else ""
    best, step = evidence.results.best, evidence.fit.step
    if best is not None and (stopped := evidence.results.stopped_at(best)):
        made = f", which is {evidence.results.values_made(best)}" if stopped == "MaxResource" else ""
        today += f"; it was stopped at {stopped}{made}"
    advice = _move(
        evidence,
        Remedy.MORE_EPOCHS,
        name,
        Edge.HIGH,
        f"{reason}{today}",
        confidence=evidence.fit.confidence,
        cost=Cost(epochs=max(evidence.fit.epochs, 1), step=step),
    )
    return advice if step == VALUE else replace(advice, remedy=f"more {step}s")


def _when_dead(evidence: Evidence) -> Proposals:
    """The best training job itself came to nothing."""
    name = evidence.tuned(Role.RATE)
    low = None if name is None else evidence.farther(name, Edge.LOW)
    ranges = {}
    if name is not None and low is not None and evidence.died == len(evidence.fits):
        ranges = {name: (low, evidence.deaths(name)[0])}  # nothing that was tried is low enough
    yield Advice(
        kind=Remedy.LOWER_RATE,
        remedy=Remedy.LOWER_RATE.value,
        reason=evidence.fit.reason,
        confidence=evidence.fit.confidence,
        cost=evidence.cost(evidence.jobs),
        hyperparameter=name,
        toward=Edge.LOW,
        ranges=ranges,
    )


def _when_noisy(evidence: Evidence) -> Proposals:
    fit = evidence.fit
    yield _move(evidence, Remedy.LARGER_BATCH, evidence.tuned(Role.BATCH), Edge.HIGH, fit.reason)
    rate = evidence.tuned(Role.RATE)
    yield _move(evidence, Remedy.LOWER_RATE, rate, Edge.LOW, f"smaller steps jump less; {evidence.today(rate) or fit.reason}")
    reason = "a metric over few examples jumps whatever the model does"
    yield Advice(kind=Remedy.MORE_VALIDATION_DATA, remedy=Remedy.MORE_VALIDATION_DATA.value, reason=reason)


def _when_good(evidence: Evidence) -> Proposals:
    results, objective = evidence.results, evidence.results.objective
    if evidence.scaling is not None and evidence.scaling.worth:
        yield from more_data(evidence)
    if results.best is None or results.best.objective is None:
        return
    value = f"{objective.name} {results.best.objective:.5g}"
    second = next((trial.objective for trial in results.ranking if trial is not results.best), None)
    lead = "" if second is None else f", the next best {second:.5g}"
    how = evidence.other_seeds(_SEEDS)
    yield Advice(
        kind=Remedy.ANOTHER_SEED,
        remedy=Remedy.ANOTHER_SEED.value,
        reason=f"it has {value}{lead}: part of that is chance, and {_SEEDS} more training jobs show how much{how}",
        confidence=Confidence.HIGH,
        cost=evidence.cost(_SEEDS),
    )
    yield Advice(
        kind=Remedy.TEST_SET,
        remedy=Remedy.TEST_SET.value,
        reason=f"{value} was the best of {len(results.ranking)}, so it is somewhat too good to be true of new data",
        confidence=Confidence.HIGH,
    )


def _when_unknown(evidence: Evidence) -> Proposals:
    fit = evidence.fit
    if evidence.results.best is None:
        yield from _without_objective(evidence)
    elif fit.levelled_off:
        yield from about_causes(evidence, first=False)
        yield from _when_good(evidence)
    elif fit.validation is not None and fit.epochs:
        yield _more_epochs(evidence, fit.reason)
    else:
        reason = f"{fit.reason}; metrics called train:loss and validation:loss are enough"
        yield Advice(kind=Remedy.PRINT_METRICS, remedy=Remedy.PRINT_METRICS.value, reason=reason, confidence=Confidence.HIGH)


def _without_objective(evidence: Evidence) -> Proposals:
    """What gives training jobs that end without failing an objective; nothing is known before one has."""
    name = evidence.results.objective.name
    ended = [trial for trial in evidence.results.trials if trial.ended is not None and trial.status != "Failed"]
    if not ended:
        return
    silent = next((check for trial in ended for check in trial.silent if check.metric == name), None)
    kind = Remedy.PRINT_METRICS if silent is None else Remedy.MATCH_OBJECTIVE
    count = f"{len(ended)} training job{'s have' if len(ended) > 1 else ' has'} ended without a value of {name}"
    reason = count if silent is None else f"{count}; {silent.finding} of a log"
    yield Advice(kind=kind, remedy=kind.value, reason=reason, confidence=Confidence.HIGH)


_BY_VERDICT: Mapping[Verdict, Callable[[Evidence], Proposals]] = {
    Verdict.OVERFIT: _when_overfit,
    Verdict.UNDERFIT: _when_underfit,
    Verdict.IMPROVING: _when_improving,
    Verdict.DIVERGED: _when_dead,
    Verdict.RATE_TOO_HIGH: _when_dead,
    Verdict.NOISY: _when_noisy,
    Verdict.GOOD: _when_good,
    Verdict.UNKNOWN: _when_unknown,
}


_BY_CAUSE: Mapping[Cause, tuple[Remedy, bool]] = {
    Cause.LEAK: (Remedy.CHECK_SPLIT, True),
    Cause.FAILED: (Remedy.MEND_SCRIPT, True),
    Cause.LABEL_NOISE: (Remedy.CHECK_LABELS, False),
    Cause.NO_TRAINING_METRIC: (Remedy.PRINT_METRICS, False),
    Cause.RARE_CLASS: (Remedy.WEIGH_CLASSES, False),
    Cause.FEW_VALIDATION_ROWS: (Remedy.MORE_VALIDATION_DATA, False),
}


# --- hyperparameters --------------------------------------------------------------------------------------------------------


def _move(
    evidence: Evidence,
    kind: Remedy,
    name: str | None,
    toward: Edge,
    reason: str,
    *,
    confidence: Confidence | None = None,
    cost: Cost | None = None,
) -> Advice:
    """A hyperparameter moved towards an end of its range.

    Where objectives differ the range only gets wider, if the best lies near that end: the search knows what is inside.
    """
    ranges: Ranges = {}
    if name is not None and evidence.shows_nothing:
        ranges = evidence.beyond(name, toward)
    elif name is not None and evidence.near(name, toward):
        ranges = evidence.widened(name, toward)
    measured = evidence.better(name) is toward
    return Advice(
        kind=kind,
        remedy=kind.value,
        reason=reason,
        confidence=confidence or (at_most(evidence.confidence(name), evidence.fit.confidence) if measured else Confidence.LOW),
        cost=cost or evidence.cost(1 if name is None else evidence.jobs),
        hyperparameter=name,
        toward=toward,
        ranges=ranges,
    )
