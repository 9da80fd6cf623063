"""Autotune: fills in what AWS chooses. AWS does not publish its policy; this one is ours (docs/decisions/0007).

A numeric hint h becomes the range from h/10 to 10h on a logarithmic scale (integers likewise); zero the range from 0 to 1; a negative
number the range from its double to its half; true or false both values; quoted values likewise. Other text becomes a static
hyperparameter, and so does every hyperparameter of script mode (`sagemaker_program`, `sagemaker_container_log_level`, …): the SDK
passes all hyperparameters as hints. A space with fewer points than training jobs is searched completely.

For an algorithm of AWS a hyperparameter gets the range that AWS recommends, widened to include the hint. It becomes static if it
cannot be tuned or if the request has ranges of its own. Without any range, all tunable hyperparameters are tuned.
"""

import math
from collections.abc import Mapping
from typing import Any

from local_emulator.domain.jobs import Document
from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Hyperparameter

_FACTOR = 10
_JOBS = 20
_RETRIES = 3
_Choice = tuple[str, Mapping[str, Any]]  # the list that a range belongs to, and the range


def filled(request: Document) -> Document:
    """The request with everything that Autotune chooses; unchanged if Autotune is not enabled."""
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
    done = {**request, "HyperParameterTuningJobConfig": config}
    if "TrainingJobDefinition" in request:
        definition, ranges = _definition(request["TrainingJobDefinition"], config.get("ParameterRanges", {}), grid=grid)
        done["TrainingJobDefinition"] = definition
        if ranges:
            config["ParameterRanges"] = ranges
    if "TrainingJobDefinitions" in request:
        done["TrainingJobDefinitions"] = [
            {**definition, "HyperParameterRanges": ranges} if ranges else definition
            for definition, ranges in (
                _definition(definition, definition.get("HyperParameterRanges", {}), grid=grid)
                for definition in request["TrainingJobDefinitions"]
            )
        ]
    return done


def _definition(definition: Document, ranges: Document, *, grid: bool) -> tuple[Document, Document]:
    """A definition and its ranges, filled in."""
    done = {"RetryStrategy": {"MaximumRetryAttempts": _RETRIES}, **definition}
    if grid:
        return done, ranges
    algorithm = catalogue.find(definition["AlgorithmSpecification"].get("TrainingImage", ""))
    hints = {parameter["Name"]: parameter["ValueHint"] for parameter in ranges.get("AutoParameters", ())}
    static = dict(definition.get("StaticHyperParameters", {}))
    chosen: dict[str, Any] = {kind: list(items) for kind, items in ranges.items() if kind != "AutoParameters"}
    ranged = any(chosen.values())
    for name, hint in hints.items():
        own = algorithm.hyperparameter(name) if algorithm else None
        if algorithm is None:
            choice = _script_range(name, hint)
        else:
            choice = _recommended(name, hint, own) if own is not None and own.tune and not ranged else None
        if choice is None:
            static[name] = hint
        else:
            chosen.setdefault(choice[0], []).append(choice[1])
    if algorithm is not None and not any(chosen.values()):
        for name, hyperparameter in algorithm.hyperparameters.items():
            if hyperparameter.tune and name not in static:
                kind, range_ = _recommended(name, "", hyperparameter)
                chosen.setdefault(kind, []).append(range_)
    if static:
        done["StaticHyperParameters"] = static
    return done, chosen


def _recommended(name: str, hint: str, hyperparameter: Hyperparameter) -> _Choice:
    """AWS's recommended range of a built-in algorithm's hyperparameter, widened to include the hint."""
    values = [str(value) for value in hyperparameter.tune]
    if any(isinstance(value, str) for value in hyperparameter.tune):
        known = not hint or hint.lower() in {value.lower() for value in values}
        return "CategoricalParameterRanges", {"Name": name, "Values": values if known else [*values, hint]}
    ends = [float(value) for value in hyperparameter.tune]
    try:
        value = float(hint or "nan")
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        ends = [min(ends[0], value), max(ends[1], value)]
    if hyperparameter.type == "Integer":
        return "IntegerParameterRanges", _ends(name, str(math.floor(ends[0])), str(math.ceil(ends[1])), "Auto")
    return "ContinuousParameterRanges", _ends(name, repr(ends[0]), repr(ends[1]), "Auto")


def _script_range(name: str, hint: str) -> _Choice | None:
    """Range around a hint for a script; None if it is neither a number nor a boolean, or belongs to script mode."""
    if name.startswith("sagemaker_"):
        return None
    text = hint.removeprefix('"').removesuffix('"')  # the SDK's framework estimators write text as JSON, and numbers as text
    if text.lower() in {"true", "false"}:
        words = ("True", "False") if text[:1].isupper() else ("true", "false")
        return "CategoricalParameterRanges", {"Name": name, "Values": [hint.replace(text, word) for word in words]}
    try:
        value = float(text)
    except ValueError:
        return None
    whole = text.strip().lstrip("+-").isdigit()
    low, high = (value / _FACTOR, value * _FACTOR) if value > 0 else (2 * value, value / 2) if value < 0 else (0.0, 1.0)
    if math.isnan(value) or not -math.inf < low < high < math.inf or (value > 0) != (low > 0):  # beyond what a double can hold
        return None
    scaling = "Logarithmic" if value > 0 else "Linear"
    if whole:
        low, high = (max(math.floor(low), 1), math.ceil(high)) if value > 0 else (math.floor(low), math.ceil(high))
        return "IntegerParameterRanges", _ends(name, str(low), str(high), scaling)
    return "ContinuousParameterRanges", _ends(name, repr(low), repr(high), scaling)


def _ends(name: str, low: str, high: str, scaling: str) -> Mapping[str, Any]:
    return {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scaling}
