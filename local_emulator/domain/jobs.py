"""Statuses and which may follow which, for tuning jobs and training jobs alike. The store keeps no job that breaks the table.

A training job goes InProgress -> Completed | Failed, or through Stopping to Stopped; while InProgress the secondary
status goes Starting -> Downloading -> Training -> Uploading. A tuning job goes InProgress -> Completed | Failed, or through
Stopping to Stopped. Nothing leaves a terminal status but deletion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]
"""A JSON object in the shape of AWS's API."""


class Status(StrEnum):
    """Status of a tuning job or a training job (the enums differ only in members this emulator never needs)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return not MAY_FOLLOW[self]


MAY_FOLLOW: Mapping[Status, frozenset[Status]] = {
    Status.IN_PROGRESS: frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPING, Status.STOPPED}),
    # A failure that was already under way when Stop arrived stays a failure.
    Status.STOPPING: frozenset({Status.STOPPED, Status.FAILED, Status.COMPLETED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.STOPPED: frozenset(),
}

MAY_PRECEDE: Mapping[Status, frozenset[Status]] = {
    status: frozenset({status, *(other for other in Status if status in MAY_FOLLOW[other])}) for status in Status
}
"""The same table read backwards, with every status itself: a job may change in other ways and keep its status."""

ACTIVE = frozenset({Status.IN_PROGRESS, Status.STOPPING})


class Secondary(StrEnum):
    """SecondaryStatus of a training job."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    COMPLETED = "Completed"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One entry of SecondaryStatusTransitions; it ends when the next begins."""

    status: Secondary
    start: datetime
    end: datetime | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricDefinition:
    """A metric's name and the regular expression whose first group is its value."""

    name: str
    regex: str
