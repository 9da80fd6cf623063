"""By how much two models must differ to differ by more than noise, judged as the verdicts judge a curve."""

from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.fit.form import form_of
from sm_tuning.analysis.fit.rules import beyond_noise
from sm_tuning.analysis.fit.series import not_a_number
from sm_tuning.rules.metric_names import parse
from sm_tuning.rules.metric_pairs import MetricPair
from sm_tuning.spec.metrics import Objective


def margin(curves: Curves, objective: Objective) -> float | None:
    """How far a training job's objective may lie off by noise, in the objective's own unit; None where its curve does not show it.

    It is two and a half times the jitter of its curve from epoch to epoch, of a share one and a half standard errors by its number of
    validation rows if that is more: what a rise must exceed to be called one.
    """
    name = objective.name
    values = curves.get(name, ())
    if not len(values) or not_a_number(name, values):
        return None
    form = form_of(MetricPair(parse(name).kind, None, name), {name: values}, objective, {})
    return beyond_noise(form) * form.unit or None
