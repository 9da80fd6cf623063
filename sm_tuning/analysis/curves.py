"""Learning curves: the values of metrics that a training job has printed, in the order in which it printed them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Pattern

Curves = Mapping[str, Sequence[float]]
"""Values of each metric of one training job, by the metric's name."""


@dataclass(frozen=True)
class TrialCurves:
    """The learning curves of one training job.

    Attributes:
        curves: The values of each metric in the order of the log, by the metric's name.
        coarse: They are means by the minute, because there is no log to read.
    """

    curves: Curves = field(default_factory=dict)
    coarse: bool = False


CurveCache = dict[str, TrialCurves]
"""Learning curves of training jobs that had ended when they were read, by the training job's name."""


def curves_of(lines: Iterable[str], expressions: Mapping[str, Pattern[str]]) -> Curves:
    """The values of metrics in a log; metrics without a value are left out.

    Args:
        lines: Lines of the log.
        expressions: The regular expression of each metric; its first group, or all that it matches, is the value.
    """
    curves: dict[str, list[float]] = {name: [] for name in expressions}
    for line in lines:
        for name, expression in expressions.items():
            for match in expression.finditer(line):
                text = match[1] if expression.groups else match[0]
                try:
                    curves[name].append(float(text))  # nan and inf too: they show that training went wrong
                except (TypeError, ValueError):
                    continue
    return {name: tuple(values) for name, values in curves.items() if values}
