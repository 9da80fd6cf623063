"""The table of states."""

import pytest

from local_emulator.domain.endpoint import EndpointStatus
from local_emulator.domain.jobs import ACTIVE, MAY_FOLLOW, RecordStatus, Status, may_precede
from local_emulator.domain.pipeline import ExecutionStatus


@pytest.mark.parametrize("status", Status)
def test_terminal_is_what_nothing_follows(status: Status) -> None:
    assert status.terminal is (status in {Status.COMPLETED, Status.FAILED, Status.STOPPED})
    assert (status in ACTIVE) is not status.terminal


@pytest.mark.parametrize("statuses", [Status, EndpointStatus, ExecutionStatus])
def test_both_readings_of_the_table_are_one(statuses: type[RecordStatus]) -> None:
    forward = {(before, after) for before in statuses for after in before.may_follow}
    backward = {(before, after) for after in statuses for before in may_precede(after)}
    assert backward == forward | {(status, status) for status in statuses}


def test_every_status_leads_to_an_end() -> None:
    for status in ACTIVE:
        assert {Status.STOPPED, Status.FAILED, Status.COMPLETED} <= MAY_FOLLOW[status]
    assert Status.IN_PROGRESS not in MAY_FOLLOW[Status.STOPPING], "nothing runs again after a stop"
