"""Fills in the defaults of AWS: requests as Describe shows them."""

from typing import Any

from local_emulator.documents.parse import space
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import OBJECTIVE_METRIC, OBJECTIVE_STATIC
from sm_tuning.rules import catalogue

_DAY = 86_400  # seconds
_BOOLEANS = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")
_NUMERIC = ("IntegerParameterRanges", "ContinuousParameterRanges")


def training_job(request: Document) -> Document:
    """CreateTrainingJob as DescribeTrainingJob shows it."""
    echo: dict[str, Any] = {
        **_common(request),
        "OutputDataConfig": {"KmsKeyId": "", **request["OutputDataConfig"]},
    }
    if "InputDataConfig" in request:
        filled = {"CompressionType": "None", "RecordWrapperType": "None"}
        echo["InputDataConfig"] = [{**filled, **channel} for channel in request["InputDataConfig"]]
    if "HyperParameters" in request:
        echo["HyperParameters"] = dict(sorted(request["HyperParameters"].items()))
    echo.pop("Tags", None)
    return _with_stock_metrics(echo)


def tuning_job(request: Document) -> Document:
    """CreateHyperParameterTuningJob as DescribeHyperParameterTuningJob shows it."""
    config = dict(request["HyperParameterTuningJobConfig"])
    if "ParameterRanges" in config:
        config["ParameterRanges"] = _scaled(config["ParameterRanges"])
    echo = {**request, "HyperParameterTuningJobConfig": config}
    echo.pop("Tags", None)
    if "TrainingJobDefinition" in request:
        objective = config["HyperParameterTuningJobObjective"]["MetricName"]
        echo["TrainingJobDefinition"] = _definition(request["TrainingJobDefinition"], objective)
    if "TrainingJobDefinitions" in request:
        echo["TrainingJobDefinitions"] = [
            _definition(definition, definition["TuningObjective"]["MetricName"])
            for definition in request["TrainingJobDefinitions"]
        ]
    limits = config["ResourceLimits"]
    if "MaxNumberOfTrainingJobs" not in limits:  # Grid: the SDK's attach() wants to see it
        config["ResourceLimits"] = {**limits, "MaxNumberOfTrainingJobs": _combinations(echo)}
    return echo


def _definition(definition: Document, objective: str) -> Document:
    static = {**definition.get("StaticHyperParameters", {}), OBJECTIVE_STATIC: objective}
    measured = _with_stock_metrics(definition, objective)
    echo = _common({**measured, "StaticHyperParameters": dict(sorted(static.items()))})
    if "HyperParameterRanges" in definition:
        echo["HyperParameterRanges"] = _scaled(definition["HyperParameterRanges"])
    return _with_objective_metric(echo, objective)


def _common(request: Document) -> dict[str, Any]:
    return {
        **request,
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY, **request["StoppingCondition"]},
        **{flag: request.get(flag, False) for flag in _BOOLEANS},
    }


def _scaled(ranges: Document) -> Document:
    scaled = {kind: [{"ScalingType": "Auto", **item} for item in items] for kind, items in ranges.items() if kind in _NUMERIC}
    return {**ranges, **scaled}


def _combinations(request: Document) -> int:
    """Number of points of all definitions' spaces."""
    common = request["HyperParameterTuningJobConfig"].get("ParameterRanges")
    definitions: list[Document] = request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]
    return sum(space(definition.get("HyperParameterRanges") or common).size or 0 for definition in definitions)


def _with_stock_metrics(request: Document, objective: str | None = None) -> Document:
    """A request with AWS's metric definitions of a built-in algorithm; unchanged for any other image."""
    specification = request["AlgorithmSpecification"]
    algorithm = catalogue.find(specification.get("TrainingImage", ""))
    if algorithm is None:
        return request
    hyperparameters = request.get("HyperParameters", request.get("StaticHyperParameters", {}))
    metrics = [{"Name": name, "Regex": regex} for name, regex in algorithm.metrics_of(hyperparameters, objective).items()]
    return {**request, "AlgorithmSpecification": {**specification, "MetricDefinitions": metrics}}


def _with_objective_metric(definition: Document, objective: str) -> Document:
    """A definition with the metric definition `ObjectiveMetric` appended, as AWS shows it."""
    specification = definition["AlgorithmSpecification"]
    metrics = [metric for metric in specification.get("MetricDefinitions", ()) if metric["Name"] != OBJECTIVE_METRIC]
    regex = next((metric["Regex"] for metric in metrics if metric["Name"] == objective), None)
    if regex is None:
        return definition
    extended = [*metrics, {"Name": OBJECTIVE_METRIC, "Regex": regex}]
    return {**definition, "AlgorithmSpecification": {**specification, "MetricDefinitions": extended}}
