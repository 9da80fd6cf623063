"""Experiments, their trials, and trial components: definitions, beside the metrics that programs report to a component."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from local_emulator.domain.jobs import Resource
from local_emulator.domain.model import DefinitionStatus
from local_emulator.domain.names import Arn


@dataclass(frozen=True, kw_only=True)
class Experiment(Resource):
    """An experiment; `request` is CreateExperiment with the changes of UpdateExperiment."""

    status: DefinitionStatus = DefinitionStatus.DEFINED


@dataclass(frozen=True, kw_only=True)
class Trial(Resource):
    """A trial of the experiment whose ARN is `experiment`."""

    status: DefinitionStatus = DefinitionStatus.DEFINED
    experiment: Arn


@dataclass(frozen=True, kw_only=True)
class MetricValue:
    """One value of a metric; `time` is when it was measured."""

    metric: str
    value: float
    time: datetime
    step: int | None = None


@dataclass(frozen=True, kw_only=True)
class MetricSummary:
    """What is kept of a metric's values. `squares` is the sum of the squared differences from the mean."""

    name: str
    count: int
    mean: float
    squares: float
    minimum: float
    maximum: float
    last: MetricValue

    @property
    def deviation(self) -> float:
        """The standard deviation of all values."""
        return math.sqrt(self.squares / self.count)

    def with_value(self, value: MetricValue) -> "MetricSummary":
        """The summary with one value more; the last is that of the highest step, and of the latest time of one step."""
        count, difference = self.count + 1, value.value - self.mean
        mean = self.mean + difference / count
        return replace(
            self,
            count=count,
            mean=mean,
            squares=self.squares + difference * (value.value - mean),
            minimum=min(self.minimum, value.value),
            maximum=max(self.maximum, value.value),
            last=max(self.last, value, key=_order),
        )


def _order(value: MetricValue) -> tuple[int, datetime]:
    return (-1 if value.step is None else value.step, value.time)


@dataclass(frozen=True, kw_only=True)
class TrialComponent(Resource):
    """A trial component, `request` as of the others; `trials` are the ARNs of the trials that it is associated with."""

    status: DefinitionStatus = DefinitionStatus.DEFINED
    trials: tuple[Arn, ...] = ()
    metrics: tuple[MetricSummary, ...] = ()

    def with_values(self, values: Sequence[MetricValue]) -> "TrialComponent":
        """The component with more values of metrics."""
        known = {summary.name: summary for summary in self.metrics}
        for value in values:
            before = known.get(value.metric)
            first = MetricSummary(
                name=value.metric,
                count=1,
                mean=value.value,
                squares=0.0,
                minimum=value.value,
                maximum=value.value,
                last=value,
            )
            known[value.metric] = first if before is None else before.with_value(value)
        return replace(self, metrics=tuple(known.values()))
