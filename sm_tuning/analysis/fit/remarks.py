"""What lies behind a verdict, or must be known beside it: causes, each with its evidence in a sentence."""

import math
from collections.abc import Iterator, Sequence

from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.direction import about_goal, goal_is_wrong
from sm_tuning.analysis.fit.collapse import chance_level
from sm_tuning.analysis.fit.form import Form, Scale
from sm_tuning.analysis.fit.series import compared
from sm_tuning.analysis.fit.verdict import Cause, Fit, Remark, Verdict
from sm_tuning.rules.metric_names import parse
from sm_tuning.spec.metrics import Objective

_RARE = frozenset({"f1", "recall", "precision", "fbeta", "sensitivity", "mcc"})
_LEAK_POINTS = 0.1
_LEAK_PART = 0.5  # of training's error or loss
_FEW_ROWS_POINTS = 0.03  # standard error of an accuracy
_AGREE = 0.03  # points: training and validation agree
_HARD = 0.08  # of an error that both had then


def remarks(form: Form, fit: Fit, forms: Sequence[Form], curves: Curves, objective: Objective | None) -> Iterator[Remark]:
    """Every remark that applies, of all forms of the training job; `form` and `fit` are those that decided."""
    if objective is not None and goal_is_wrong(objective, curves.get(objective.name, ())):
        yield Remark(Cause.WRONG_GOAL, about_goal(objective))
    yield from _rare_class(curves)
    yield from _chance(form, fit)
    for each in forms:
        yield from _few_rows(each)
    yield from _leak(form, fit)
    yield from _label_noise(form, fit)
    yield from _calibration(fit, forms)


def _rare_class(curves: Curves) -> Iterator[Remark]:
    """F1 = 0 beside a high accuracy."""
    accuracy = next((name for name in curves if "acc" in parse(name).kind and parse(name).held_out), None)
    for name, values in curves.items():
        zero = (
            bool(values)
            and values[-1] == 0
            and not _RARE.isdisjoint(parse(name).kind.split("_"))
            and parse(name).held_out is not False
        )
        if zero:
            beside = f" although {accuracy} is {curves[accuracy][-1]:.4g}" if accuracy is not None else ""
            yield Remark(Cause.RARE_CLASS, f"{name} is 0 at the end{beside}: the rare class is never predicted")
            return


def _chance(form: Form, fit: Fit) -> Iterator[Remark]:
    classes = chance_level(form)
    if classes is None or fit.verdict not in {Verdict.UNDERFIT, Verdict.RATE_TOO_HIGH}:
        return
    series = form.learning
    text = f"{series.name} is {series.value(-1)}, what guessing one of {classes} classes gives: nothing was learnt"
    yield Remark(Cause.CHANCE_LEVEL, text)
    if fit.verdict is Verdict.UNDERFIT and series.last > series.best + 0.003 * series.last:
        best = f"{series.value(series.best_index)} {series.when(series.best_index)}"
        text = f"{series.name} rises smoothly to that from {best}: regularization (weight decay) outweighs the data"
        yield Remark(Cause.REGULARIZATION, text)


def _few_rows(form: Form) -> Iterator[Remark]:
    """An accuracy over few rows moves in visible steps."""
    if form.held_out is None or form.rows is None:
        return
    error = form.sampling_error
    if error > _FEW_ROWS_POINTS:
        text = (
            f"{form.held_out.name} moves in steps of 1/{form.rows}: of so few rows, differences below {2 * error:.2g} are chance"
        )
        yield Remark(Cause.FEW_VALIDATION_ROWS, text)


def _leak(form: Form, fit: Fit) -> Iterator[Remark]:
    """Validation far better than training."""
    train, held_out = form.train, form.held_out
    if train is None or held_out is None or form.scale is Scale.SIGNED or fit.verdict.died:
        return
    better = train.last - held_out.last
    least = max(_LEAK_POINTS, 3 * form.sampling_error) if form.scale is Scale.SHARE else 0.0
    if better > least and held_out.last < _LEAK_PART * train.last and better > 2 * held_out.noise:
        of_train, of_held_out = compared((train, len(train) - 1), (held_out, len(held_out) - 1))
        text = f"{held_out.name} ({of_held_out}) is far better than {train.name} ({of_train}): look for validation rows "
        text += "that are also in the training data, or easier; strong dropout or augmentation does it too"
        yield Remark(Cause.LEAK, text)


def _label_noise(form: Form, fit: Fit) -> Iterator[Remark]:
    """Both agreed at an error that only learning by heart removes."""
    train, held_out = form.train, form.held_out
    if fit.verdict is not Verdict.OVERFIT or train is None or held_out is None or form.scale is not Scale.SHARE:
        return
    then = train.smooth_at(held_out.best_share)
    if held_out.best > _HARD and abs(held_out.best - then) < _AGREE and train.last < held_out.best / 3:
        at_best = f"{held_out.name} {fit.validation_best:.4g}, {train.name} {fit.train_at_best:.4g}"
        text = f"until {held_out.step} {fit.best_epoch} both agreed ({at_best}); what training gained afterwards was learnt by heart, "
        text += "as wrong labels are"
        yield Remark(Cause.LABEL_NOISE, text)


def _calibration(fit: Fit, forms: Sequence[Form]) -> Iterator[Remark]:
    """A validation loss that rises while the accuracy stays."""
    share = next((form.held_out for form in forms if form.scale is Scale.SHARE), None)
    loss = next((form.held_out for form in forms if form.scale is Scale.ENTROPY), None)
    if share is None or loss is None or loss.best <= 0 or fit.verdict.died:
        return
    if loss.last > 1.2 * loss.best and share.last < share.best + 0.02 and math.isfinite(loss.last):
        best, last = loss.change(loss.best_index)
        text = f"{loss.name} rises from {best} {loss.when(loss.best_index)} to {last} while {share.name} stays at "
        text += f"{share.value(-1)}: the answers stay right, but their probabilities become overconfident"
        yield Remark(Cause.CALIBRATION, text)
