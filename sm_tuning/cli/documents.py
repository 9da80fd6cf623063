"""Tuning jobs and training jobs as JSON documents, by AWS's names."""

from collections.abc import Mapping
from typing import Any

from sm_tuning.client.status import RunStatus, Training


def training_document(training: Training | None, stops: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
    """A training job; with `stops`, which AWS has no name for, also where it was stopped, as tables say it."""
    if training is None:
        return None
    return {
        "TrainingJobName": training.name,
        "TrainingJobDefinitionName": training.definition,
        "TrainingJobStatus": training.status,
        "TunedHyperParameters": dict(training.hyperparameters),
        "FinalObjectiveMetricValue": training.value,
        "TrainingStartTime": training.started,
        "TrainingEndTime": training.ended,
        "FailureReason": training.failure_reason,
        **({} if stops is None else {"StoppedAt": stops.get(training.name)}),
    }


def status_document(status: RunStatus) -> dict[str, Any]:
    """How far a tuning job is."""
    return {
        "HyperParameterTuningJobName": status.name,
        "HyperParameterTuningJobStatus": status.status,
        "TrainingJobStatusCounters": dict(status.counters),
        "ObjectiveStatusCounters": dict(status.objectives),
        "CreationTime": status.created,
        "HyperParameterTuningEndTime": status.ended,
        "BestTrainingJob": training_document(status.best),
        "FailureReason": status.failure_reason,
    }
