"""Requests and answers about experiments, trials and trial components."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from local_emulator.documents.serialize import milliseconds
from local_emulator.domain.experiment import Experiment, MetricSummary, MetricValue, Trial, TrialComponent
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import Arn

R = TypeVar("R", Experiment, Trial, TrialComponent)

_MERGED = ("Parameters", "InputArtifacts", "OutputArtifacts")
_MOST_VALUES = 10
_NAMES = ("ExperimentName", "TrialName", "TrialComponentName")
_OF_SUMMARIES = ("DisplayName", "Status", "StartTime", "EndTime")


def name_in(request: Document, kind: str) -> str:
    """The name in a request; `kind` is `Experiment`, `Trial` or `TrialComponent`."""
    name: str = request[f"{kind}Name"]
    return name


def is_of(request: Document, kind: str) -> bool:
    """Whether a List request is about what an experiment, a trial or a component has."""
    return f"{kind}Name" in request


def updated(stored: R, request: Document) -> R:
    """A resource after its Update."""
    changes = {name: value for name, value in request.items() if name not in _NAMES}
    return replace(stored, request=merged(stored.request, changes))


def merged(stored: Document, request: Document) -> Document:
    """The request of a resource with the changes of its Update: maps gain and lose members, everything else is replaced."""
    changed: dict[str, Any] = {**stored, **{name: value for name, value in request.items() if not name.endswith("ToRemove")}}
    for name in _MERGED:
        removed = request.get(f"{name}ToRemove", ())
        if name in request or removed:
            together = {**stored.get(name, {}), **request.get(name, {})}
            changed[name] = {key: value for key, value in together.items() if key not in removed}
    return changed


def described(stored: Experiment | Trial, kind: str) -> Document:
    """Answer of DescribeExperiment or DescribeTrial; `kind` is `Experiment` or `Trial`."""
    return {**_shown(stored, kind), "CreatedBy": {}, "LastModifiedBy": {}}


def summary(stored: Experiment | Trial | TrialComponent, kind: str) -> Document:
    """An entry of a list; `kind` is `Experiment`, `Trial` or `TrialComponent`."""
    shown, identity = _shown(stored, kind), (f"{kind}Name", f"{kind}Arn", "CreationTime", "LastModifiedTime")
    by: Document = {"CreatedBy": {}, "LastModifiedBy": {}} if isinstance(stored, TrialComponent) else {}
    return {**{name: shown[name] for name in (*identity, *_OF_SUMMARIES) if name in shown}, **by}


def described_component(stored: TrialComponent) -> Document:
    """Answer of DescribeTrialComponent."""
    metrics = [_metric(stored.arn, metric) for metric in stored.metrics]
    return {
        **{name: {} for name in _MERGED},
        **_shown(stored, "TrialComponent"),
        "Metrics": metrics,
        "CreatedBy": {},
        "LastModifiedBy": {},
    }


def searched_trial(stored: Trial, components: Sequence[TrialComponent]) -> Document:
    """A trial as Search shows it."""
    members = ("TrialComponentName", "TrialComponentArn", "CreationTime", "CreatedBy")
    summaries = [summary(component, "TrialComponent") for component in components]
    return {
        **described(stored, "Trial"),
        "TrialComponentSummaries": [{name: shown[name] for name in members} for shown in summaries],
    }


def searched_component(stored: TrialComponent, trials: Mapping[Arn, Trial]) -> Document:
    """A trial component as Search shows it, with the trials that it is associated with."""
    parents = [_shown(trials[arn], "Trial") for arn in stored.trials if arn in trials]
    names = ("TrialName", "ExperimentName")
    return {**described_component(stored), "Parents": [{name: parent[name] for name in names} for parent in parents]}


def _shown(stored: Experiment | Trial | TrialComponent, kind: str) -> dict[str, Any]:
    return {
        "DisplayName": stored.name,
        **{name: value for name, value in stored.request.items() if name != "Tags"},
        f"{kind}Arn": stored.arn,
        "CreationTime": milliseconds(stored.created),
        "LastModifiedTime": milliseconds(stored.modified),
    }


def _metric(source: Arn, metric: MetricSummary) -> Document:
    return {
        "MetricName": metric.name,
        "SourceArn": source,
        "TimeStamp": milliseconds(metric.last.time),
        "Max": metric.maximum,
        "Min": metric.minimum,
        "Last": metric.last.value,
        "Count": metric.count,
        "Avg": metric.mean,
        "StdDev": metric.deviation,
    }


def metric_values(request: Document) -> Sequence[MetricValue | None]:
    """The values of BatchPutMetrics, None for what is none; raises ValueError for a request that is not one."""
    if not isinstance(request.get("TrialComponentName"), str):
        raise ValueError("TrialComponentName must be there, a text.")  # noqa: TRY004 - it is about a request
    given = request.get("MetricData")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_VALUES:
        raise ValueError(f"MetricData must be a list of 1 to {_MOST_VALUES} values.")
    return [_metric_value(entry) for entry in given]


def _metric_value(entry: Any) -> MetricValue | None:  # noqa: ANN401 - JSON
    try:
        name, value, step = entry["MetricName"], float(entry["Value"]), entry.get("Step")
        time = datetime.fromtimestamp(float(entry["Timestamp"]), UTC)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    whole = isinstance(name, str) and math.isfinite(value) and isinstance(step, int | None)
    return MetricValue(metric=name, value=value, time=time, step=step) if whole else None
