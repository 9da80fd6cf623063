"""Autotune: what AWS chooses by itself when asked to. AWS does not publish how; this policy is ours (docs/decisions/0007).

A numeric hint h becomes the range from h/10 to 10h on a logarithmic scale (integers likewise); zero the range from 0 to 1; a negative
number the range between its double and its half; true and false both; any other text stays as it is. A space with fewer points than
training jobs is searched to its end.
"""

import math
from collections.abc import Mapping
from typing import Any

from local_emulator.domain.jobs import Document

_FACTOR = 10
_JOBS = 20
_RETRIES = 3


def filled(request: Document) -> Document:
    """The request with everything that Autotune chooses filled in; other requests as they are."""
    if request.get("Autotune", {}).get("Mode") != "Enabled":
        return request
    config = dict(request["HyperParameterTuningJobConfig"])
    grid = config["Strategy"] == "Grid"  # all combinations, of values that nobody but the user knows
    if not grid:
        config["ResourceLimits"] = {"MaxNumberOfTrainingJobs": _JOBS, **config["ResourceLimits"]}
    early = "Off" if config["Strategy"] == "Hyperband" else "Auto"
    config.setdefault("TrainingJobEarlyStoppingType", early)
    config["TuningJobCompletionCriteria"] = {
        "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
        **config.get("TuningJobCompletionCriteria", {}),
    }
    if "ParameterRanges" in config and not grid:
        config["ParameterRanges"] = _ranges(config["ParameterRanges"])
    done = {**request, "HyperParameterTuningJobConfig": config}
    if "TrainingJobDefinition" in request:
        done["TrainingJobDefinition"] = _definition(request["TrainingJobDefinition"], grid=grid)
    if "TrainingJobDefinitions" in request:
        done["TrainingJobDefinitions"] = [_definition(one, grid=grid) for one in request["TrainingJobDefinitions"]]
    return done


def _definition(definition: Document, *, grid: bool) -> Document:
    done = {"RetryStrategy": {"MaximumRetryAttempts": _RETRIES}, **definition}
    if "HyperParameterRanges" in definition and not grid:
        done["HyperParameterRanges"] = _ranges(definition["HyperParameterRanges"])
    return done


def _ranges(ranges: Document) -> Document:
    """Ranges with those of AutoParameters among them."""
    chosen: dict[str, Any] = {kind: list(some) for kind, some in ranges.items() if kind != "AutoParameters"}
    for one in ranges.get("AutoParameters", ()):
        kind, range_ = _range(one["Name"], one["ValueHint"])
        chosen.setdefault(kind, []).append(range_)
    return chosen


def _range(name: str, hint: str) -> tuple[str, Mapping[str, Any]]:
    if hint.lower() in {"true", "false"}:
        values = ["True", "False"] if hint[:1].isupper() else ["true", "false"]
        return "CategoricalParameterRanges", {"Name": name, "Values": values}
    try:
        value = float(hint)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        return "CategoricalParameterRanges", {"Name": name, "Values": [hint]}
    whole = hint.strip().lstrip("+-").isdigit()
    low, high = (value / _FACTOR, value * _FACTOR) if value > 0 else (2 * value, value / 2) if value < 0 else (0.0, 1.0)
    if not low < high < math.inf or (value > 0) != (low > 0):  # beyond what a double can hold
        return "CategoricalParameterRanges", {"Name": name, "Values": [hint]}
    scaling = "Logarithmic" if value > 0 else "Linear"
    if whole:
        low, high = (max(math.floor(low), 1), math.ceil(high)) if value > 0 else (math.floor(low), math.ceil(high))
        return "IntegerParameterRanges", _ends(name, str(low), str(high), scaling)
    return "ContinuousParameterRanges", _ends(name, repr(low), repr(high), scaling)


def _ends(name: str, low: str, high: str, scaling: str) -> Mapping[str, Any]:
    return {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scaling}
