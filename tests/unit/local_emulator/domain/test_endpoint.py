"""Endpoints as records."""

import pytest

from local_emulator.domain.endpoint import EndpointStatus, Instance, RetiredRun
from tests.made_endpoints import deployment, endpoint, variant


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (EndpointStatus.CREATING, {"InService", "Failed"}),
        (EndpointStatus.IN_SERVICE, {"Updating", "Deleting"}),
        (EndpointStatus.UPDATING, {"InService", "RollingBack"}),
        (EndpointStatus.ROLLING_BACK, {"InService"}),
        (EndpointStatus.FAILED, {"Deleting"}),
        (EndpointStatus.DELETING, set()),
    ],
)
def test_what_may_follow(before: EndpointStatus, after: set[str]) -> None:
    assert {str(status) for status in before.may_follow} == after


def test_what_is_moved_and_what_may_be_changed() -> None:
    assert [status for status in EndpointStatus if status.terminal] == [EndpointStatus.FAILED]
    assert {status for status in EndpointStatus if not status.changing} == {EndpointStatus.IN_SERVICE, EndpointStatus.FAILED}


def test_an_endpoint_knows_all_its_runs_once() -> None:
    shared = Instance(run="shared")
    serving = deployment(variant("v", shared, Instance(run="old")))
    pending = deployment(variant("v", shared, Instance(run="new")))
    past, retiring = RetiredRun(run="past", variant="v"), RetiredRun(run="retiring", variant="v")
    made = endpoint(status=EndpointStatus.UPDATING, serving=serving, pending=pending, retiring=(retiring,), past=(past,))
    assert made.runs == ("past", "retiring", "shared", "old", "new")


def test_an_instance_is_replaced_wherever_it_stands() -> None:
    both = deployment(variant("v", Instance(run="a"), Instance(run="b")))
    made = endpoint(status=EndpointStatus.UPDATING, serving=both, pending=both).with_instance("a", Instance(run="c", ports=(1,)))
    for changed in (made.serving, made.pending):
        assert changed is not None
        assert [(instance.run, instance.ports) for _, instance in changed.instances] == [("c", (1,)), ("b", ())]
