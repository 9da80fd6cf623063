"""How far a tuning job is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sm_tuning.client.status import RunStatus, Training

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
COUNTERS = {"Completed": 3, "InProgress": 2, "RetryableError": 1, "NonRetryableError": 1, "Stopped": 1}


def status(**changes: Any) -> RunStatus:
    members: dict[str, Any] = {
        "name": "t",
        "status": "InProgress",
        "counters": COUNTERS,
        "objectives": {"Succeeded": 3, "Pending": 2, "Failed": 3},
        "max_jobs": 10,
        "created": CREATED,
        "ended": None,
        "best": None,
        "failure_reason": None,
    }
    return RunStatus(**members | changes)


def test_counts() -> None:
    running = status()
    assert (running.launched, running.finished, running.running, running.failed, running.stopped) == (8, 6, 2, 2, 1)
    assert running.total == 10
    assert status(max_jobs=None).total == 8
    assert status(max_jobs=None, counters={}).total == 1


@pytest.mark.parametrize(("state", "over"), [("InProgress", False), ("Stopping", False), ("Stopped", True), ("Failed", True)])
def test_when_it_is_over(state: str, *, over: bool) -> None:
    assert status(status=state).over is over


def test_seconds_until_its_end() -> None:
    assert status(ended=CREATED + timedelta(minutes=2)).seconds == 120
    assert status().seconds > 120
    training = Training(name="a", status="Completed", hyperparameters={}, started=CREATED, ended=CREATED + timedelta(seconds=9))
    assert training.seconds == 9
    assert Training(name="a", status="InProgress", hyperparameters={}, started=CREATED).seconds is None
