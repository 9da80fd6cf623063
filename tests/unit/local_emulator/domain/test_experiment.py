"""What is kept of a metric's values, beside what statistics makes of all of them."""

import random
import statistics
from datetime import timedelta

import pytest

from local_emulator.domain.experiment import MetricValue, TrialComponent
from tests.made_jobs import NOW, SCOPE


def test_a_summary_is_that_of_all_values() -> None:
    chance = random.Random(1)
    values = [chance.gauss(1e6, 3.0) for _ in range(500)]
    component = TrialComponent(name="c", arn=SCOPE.arn("experiment-trial-component", "c"), request={}, created=NOW, modified=NOW)
    steps = list(range(500))
    chance.shuffle(steps)
    for step, value in zip(steps, values, strict=True):
        component = component.with_values([MetricValue(metric="loss", value=value, time=NOW, step=step)])
    (summary,) = component.metrics
    assert (summary.count, summary.minimum, summary.maximum) == (500, min(values), max(values))
    assert summary.mean == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert summary.deviation == pytest.approx(statistics.pstdev(values), rel=1e-9)
    assert summary.last.value == values[steps.index(499)]


def test_the_last_value_without_steps_is_the_latest() -> None:
    component = TrialComponent(name="c", arn=SCOPE.arn("experiment-trial-component", "c"), request={}, created=NOW, modified=NOW)
    later = [MetricValue(metric="a", value=float(minutes), time=NOW + timedelta(minutes=minutes)) for minutes in (1, 3, 2)]
    assert component.with_values(later).metrics[0].last.value == 3.0
