"""Logs and metrics out of CloudWatch's pages."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.client.logs import last_lines, minutes, new_lines, of_script

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Logs:
    """Streams of training jobs, a line for each second in each of them; a token is the number of lines before it."""

    def __init__(self, streams: dict[str, list[str]]) -> None:
        self.streams = streams

    def describe_log_streams(self, **asked: Any) -> Any:
        names = [name for name in self.streams if name.startswith(asked.get("logStreamNamePrefix", ""))]
        start = int(asked.get("nextToken", 0))
        more = {"nextToken": str(start + 50)} if names[start + 50 :] else {}
        page = [{"logStreamName": name, "firstEventTimestamp": -names.index(name)} for name in names[start : start + 50]]
        return {"logStreams": page, **more}

    def get_log_events(self, **asked: Any) -> Any:
        lines = self.streams[asked["logStreamName"]]
        if "limit" in asked:
            events = [{"timestamp": 1000 * second, "message": line} for second, line in enumerate(lines)]
            return {"events": events[-asked["limit"] :]}
        start = int(asked.get("nextToken", 0))
        page = lines[start : start + 2]
        return {"events": [{"message": line} for line in page], "nextForwardToken": str(start + len(page))}


class Failing:
    """Refuses everything with a code."""

    def __init__(self, code: str) -> None:
        self.code = code

    def describe_log_streams(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "DescribeLogStreams")


def test_every_line_once_however_often_it_is_asked() -> None:
    logs, tokens = Logs({"job/1": ["a", "b", "c"], "job/2": ["x"], "job-2/1": ["no"]}), dict[str, str]()
    assert list(new_lines(logs, "job", tokens)) == ["a", "b", "c", "x"]
    assert list(new_lines(logs, "job", tokens)) == []
    logs.streams["job/1"].append("d")
    assert list(new_lines(logs, "job", tokens)) == ["d"]


def test_the_last_lines() -> None:
    assert last_lines(Logs({"job/1": ["a", "b", "c"]}), "job", 2) == ["b", "c"]


def test_the_last_lines_of_several_hosts_are_those_that_were_written_last() -> None:
    logs = Logs({"job/1": ["a0", "a1", "a2", "a3"], "job/2": ["b0", "b1", "b2"]})
    assert last_lines(logs, "job", 3) == ["a2", "b2", "a3"]


def test_hosts_beyond_the_first_fifty_are_read_too() -> None:
    logs = Logs({f"job/{host:02}": [f"line of {host}"] for host in range(101)})
    assert list(new_lines(logs, "job", {})) == [f"line of {host}" for host in range(101)]
    assert len(last_lines(logs, "job", 200)) == 101


@pytest.mark.parametrize("read", [lambda logs: list(new_lines(logs, "job", {})), lambda logs: last_lines(logs, "job", 9)])
def test_before_there_is_a_log_there_are_no_lines(read: Callable[[Any], list[str]]) -> None:
    assert read(Failing("ResourceNotFoundException")) == []
    with pytest.raises(ClientError):
        read(Failing("AccessDeniedException"))


def test_a_whole_group_has_its_oldest_stream_first() -> None:
    logs = Logs({"All/i-1": ["later"], "All/i-2": ["earlier"]})
    assert list(new_lines(logs, "", {}, group="/aws/sagemaker/Endpoints/e")) == ["earlier", "later"]


def test_the_toolkits_report_is_no_part_of_the_scripts_log() -> None:
    report = "2026-01-01 sagemaker-training-toolkit ERROR    Reporting training FAILURE"
    assert of_script(["a", "b", report, "more"]) == ["a", "b"]
    assert of_script(["a", "b"]) == ["a", "b"]


def test_means_by_the_minute_of_all_pages() -> None:
    asked: dict[str, Any] = {}

    class CloudWatch:
        def get_paginator(self, _: str) -> "CloudWatch":
            return self

        def paginate(self, **request: Any) -> Iterator[Any]:
            asked.update(request)
            yield {"MetricDataResults": [{"Id": "m0", "Values": [1.0, 2.0]}, {"Id": "m1", "Values": []}]}
            yield {"MetricDataResults": [{"Id": "m0", "Values": [3.0]}]}

    assert minutes(CloudWatch(), "job", ["loss", "acc"], BEGIN, BEGIN) == {"loss": (1.0, 2.0, 3.0)}
    assert asked["StartTime"] < BEGIN < asked["EndTime"], "a minute's mean lies at its beginning"
    assert minutes(CloudWatch(), "job", ["loss"], None, None) == {}
