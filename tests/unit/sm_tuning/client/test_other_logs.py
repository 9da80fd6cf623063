"""Logs of endpoints, processing and transform jobs: which a name means, and when there is no more to come."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.client import logs as cloudwatch
from sm_tuning.client.other_logs import other_log

GROUPS = {
    "Endpoint": "/aws/sagemaker/Endpoints/n",
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}


class Account:
    """A session in whose account there are things of these statuses, by their kinds; an exception is raised."""

    def __init__(self, statuses: Mapping[str, Any] = {}, lines: Mapping[str, Sequence[str]] = {}) -> None:
        self.statuses, self.written = dict(statuses), lines

    def client(self, service: str, **_: Any) -> Any:
        return self if service == "logs" else self._sagemaker()

    def _sagemaker(self) -> Any:
        names = {
            "describe_endpoint": "Endpoint",
            "describe_processing_job": "ProcessingJob",
            "describe_transform_job": "TransformJob",
        }
        operations = {name: lambda _kind=kind, **given: self._described(_kind, given) for name, kind in names.items()}
        return SimpleNamespace(meta=SimpleNamespace(endpoint_url="https://api.sagemaker.eu-west-1.amazonaws.com"), **operations)

    def _described(self, kind: str, given: Mapping[str, str]) -> Mapping[str, str]:
        assert given == {f"{kind}Name": "n"}
        status = self.statuses.get(kind, refusal("ValidationException" if kind == "Endpoint" else "ResourceNotFound"))
        if isinstance(status, list):
            status = status.pop(0)
        if isinstance(status, Exception):
            raise status
        return {f"{kind}Status": status}

    def describe_log_streams(self, **asked: str) -> Any:
        if asked["logGroupName"] not in self.written:
            raise refusal("ResourceNotFoundException")
        assert asked.get("logStreamNamePrefix") == (None if "Endpoints" in asked["logGroupName"] else "n/")
        return {"logStreams": [{"logStreamName": "s"}]}

    def get_log_events(self, **asked: Any) -> Any:
        begun = int(asked.get("nextToken", 0))
        messages = self.written[asked["logGroupName"]]
        events = [{"message": message, "timestamp": 0} for message in messages[begun:]]
        return {"events": events, "nextForwardToken": str(len(messages))}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Describe")


@pytest.mark.parametrize("kind", GROUPS)
def test_a_name_means_what_has_it(kind: str) -> None:
    account = Account({kind: "Completed"}, {GROUPS[kind]: ["a", "b"]})
    log = other_log(account, "n")
    assert log is not None
    assert (log.kind, list(log.lines(follow=False)), list(log.lines(follow=True))) == (kind, ["a", "b"], ["a", "b"])


def test_what_was_deleted_has_left_a_log_and_what_begins_has_none_yet() -> None:
    assert getattr(other_log(Account(lines={GROUPS["Endpoint"]: ["why it failed"]}), "n"), "kind", None) == "Endpoint"
    log = other_log(Account({"ProcessingJob": "InProgress"}), "n")
    assert log is not None
    assert list(log.lines(follow=False)) == []


def test_a_name_of_nothing_means_nothing() -> None:
    assert other_log(Account(), "n") is None
    assert other_log(Account({"TransformJob": "Completed"}), "n", endpoint=True) is None


def test_what_may_not_be_seen_is_not_there() -> None:
    account = Account({"Endpoint": refusal("AccessDeniedException"), "TransformJob": "Completed"})
    assert getattr(other_log(account, "n"), "kind", None) == "TransformJob"
    with pytest.raises(ClientError, match="ThrottlingException"):
        other_log(Account({"Endpoint": refusal("ThrottlingException")}), "n")


def test_an_endpoint_is_followed_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(cloudwatch, "time", SimpleNamespace(sleep=naps.append))
    statuses = ["InService", "InService", "Deleting", refusal("ValidationException")]
    log = other_log(Account({"Endpoint": statuses}, {GROUPS["Endpoint"]: ["a"]}), "n")
    assert log is not None
    assert list(log.lines(follow=True)) == ["a"]
    assert (naps, statuses) == ([5.0, 5.0], [])
