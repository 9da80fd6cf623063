"""Every rule of UpdateTrainingJob is broken once."""

from collections.abc import Mapping
from typing import Any

import pytest

from sm_tuning.rules import update
from tests.unit.sm_tuning.rules.requests import names

TRAINS = {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training", "WarmPoolStatus": {"Status": "InUse"}}
ENDED = {"TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "WarmPoolStatus": {"Status": "Terminated"}}
CASES: dict[str, tuple[Mapping[str, Any], str]] = {
    "update-warm-pool": (
        {"ResourceConfig": {"KeepAlivePeriodInSeconds": 9}},
        (
            "KeepAlivePeriodInSeconds can be updated only while there is a warm pool; the training job has one in status Terminated."
        ),
    ),
    "update-remote-debug": (
        {"RemoteDebugConfig": {"EnableRemoteDebug": True}},
        (
            "RemoteDebugConfig can be updated only when the SecondaryStatus of the training job is Downloading or Training; it is "
            "Completed."
        ),
    ),
    "update-profiler": (
        {"ProfilerRuleConfigurations": []},
        "The profiler can be updated only while the training job is InProgress; it is Completed.",
    ),
    "update-interval": (
        {"ProfilerConfig": {"ProfilingIntervalInMilliseconds": 7}},
        "ProfilingIntervalInMilliseconds is 7; it must be one of 100, 200, 500, 1000, 5000, 60000.",
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule(rule: str) -> None:
    body, message = CASES[rule]
    messages = {violation.rule: violation.message for violation in update.violations(body, ENDED)}
    assert messages[rule] == message
    assert {violation.rule for violation in update.violations(body, TRAINS)} <= {"update-interval"}


def test_every_rule_is_tried() -> None:
    assert set(CASES) == set(names(update.UPDATE))


def test_a_job_without_a_warm_pool() -> None:
    (violation,) = update.violations({"ResourceConfig": {}}, {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training"})
    assert violation.message.endswith("the training job has none.")
