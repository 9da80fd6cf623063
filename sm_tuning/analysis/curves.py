"""What is read of a training job beside its summary: the values of its metrics in the order in which it printed them, and its log."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sm_tuning.client.status import MetricCheck

Curves = Mapping[str, Sequence[float]]
"""Values of each metric of one training job, by the metric's name."""

LogLines = Sequence[tuple[str, bool]]
"""The last lines of a log, each with whether a metric's expression matches it."""


@dataclass(frozen=True, kw_only=True)
class TrialDetails:
    """What is read of one training job.

    Attributes:
        curves: Its metrics.
        coarse: They are means by the minute, because there is no log to read.
        log: The end of its log.
        silent: Metrics whose expression matches nothing in its log, or takes too long on some lines.
        created: To the millisecond, where lists have whole seconds; None before its end.
        started: The same.
        ended: The same.
        model: Where its model lies in S3; None where there is none: a script may leave none.
    """

    curves: Curves = field(default_factory=dict)
    coarse: bool = False
    log: LogLines = ()
    silent: Sequence[MetricCheck] = ()
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    model: str | None = None


DetailsCache = dict[str, TrialDetails]
"""What was read of training jobs that had ended by then, by the training job's name."""


def curves_of(texts: Mapping[str, Sequence[str]]) -> Curves:
    """The values of metrics in what their expressions have caught in a log; metrics without a value are left out."""
    curves = {name: tuple(value for text in caught if (value := _value(text)) is not None) for name, caught in texts.items()}
    return {name: values for name, values in curves.items() if values}


def _value(text: str) -> float | None:
    try:
        value = float(text)  # nan and inf too: they show that training went wrong
    except ValueError:
        return None
    return math.nan if math.isnan(value) else value  # one object, so that curves that are read again equal those that were read
