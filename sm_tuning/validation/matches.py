"""Values that the expressions of metrics find beside those that are meant: several in a line, and those of another metric."""

import re
from collections.abc import Iterator, Sequence

from sm_tuning.spec.log_lines import shown
from sm_tuning.spec.metrics import Metric

_MOST = 100  # characters of a line that is quoted
_SHOWN = 5  # values


def samples(metrics: Sequence[Metric]) -> Sequence[str]:
    """The lines that are known of a log before anything runs."""
    return list(dict.fromkeys(line for metric in metrics if metric.sample is not None for line in shown(metric.sample)))


def several_in_a_line(metrics: Sequence[Metric], lines: Sequence[str]) -> Iterator[str]:
    """A sentence for each metric whose expression finds several values in a line of the log."""
    for metric in metrics:
        if (line := next((line for line in lines if len(metric.values(line)) > 1), None)) is not None:
            values = metric.values(line)
            numbers = ", ".join(f"{value:g}" for value in values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
            counts = "AWS does not document which of them counts; the emulator takes all in order, so the last is the final one"
            yield (
                f"the regex of {metric.name} finds {len(values)} values in the line {_quoted(line)}: {numbers}. {counts}. Let "
                "it find one: begin it with what stands before that value alone, or with a space or ^"
            )


def values_of_others(metrics: Sequence[Metric]) -> Iterator[str]:
    """A sentence for each metric whose expression finds another's value in the sample of that."""
    for metric in metrics:
        for other in metrics:
            if metric.regex is None or other.regex in {None, metric.regex} or other.sample in {None, metric.sample}:
                continue
            line = next((line for line in shown(other.sample or "") if _spans(metric, line) & _spans(other, line)), None)
            if line is not None:
                yield f"the regex of {metric.name} also finds the value of {other.name} in the line {_quoted(line)}"


def _spans(metric: Metric, line: str) -> set[tuple[int, int]]:
    """Where an expression finds values in a line."""
    return {match.span(1) for match in re.finditer(metric.regex or "", line) if match[1] is not None}


def _quoted(line: str) -> str:
    return repr(line if len(line) <= _MOST else f"{line[:_MOST]}…")
