"""Logs of training jobs and of what else has one, and the means of metrics by the minute, from CloudWatch."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client.errors import NOT_FOUND, code_of

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_MINUTE = timedelta(minutes=1)
_REPORT = "sagemaker-training-toolkit ERROR    Reporting training FAILURE"


def lines(logs: Client, job: str, is_over: Callable[[], bool], poll: float, *, group: str = LOG_GROUP) -> Iterator[str]:
    """Lines of a job's log until it is over; it is looked at every so many seconds. See `new_lines`."""
    tokens: dict[str, str] = {}
    while True:
        over = is_over()  # asked before reading, so that what it writes last is read too
        yield from new_lines(logs, job, tokens, group=group)
        if over:
            return
        time.sleep(poll)


def new_lines(logs: Client, job: str, tokens: dict[str, str], *, group: str = LOG_GROUP) -> Iterator[str]:
    """Lines of a job's log since the tokens, which are updated; none before there is a log.

    Without a job, those of the whole group, as of an endpoint's.
    """
    try:
        for name in _streams(logs, job, group):
            while True:
                more = {"nextToken": tokens[name]} if name in tokens else {}
                page = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True, **more)
                yield from (event["message"] for event in page["events"])
                if page["nextForwardToken"] == tokens.get(name):
                    break
                tokens[name] = page["nextForwardToken"]
    except ClientError as error:
        if code_of(error) not in NOT_FOUND:
            raise


def last_lines(logs: Client, training: str, count: int, *, group: str = LOG_GROUP) -> list[str]:
    """The end of a training job's log, of several hosts what they wrote last, in order of time; empty before there is one.

    With the group of an endpoint the same of a variant's.
    """
    events: list[Mapping[str, Any]] = []
    try:
        for name in _streams(logs, training, group):
            page = logs.get_log_events(logGroupName=group, logStreamName=name, limit=count, startFromHead=False)
            events += page["events"]
    except ClientError as error:
        if code_of(error) not in NOT_FOUND:
            raise
    return [event["message"] for event in sorted(events, key=itemgetter("timestamp"))[-count:]]


def of_script(log: Sequence[str]) -> Sequence[str]:
    """A log without the report of the training toolkit at its end."""
    ends = (index for index, line in enumerate(log) if line.endswith(_REPORT))
    return log[: next(ends, len(log))]


def _streams(logs: Client, job: str, group: str = LOG_GROUP) -> list[str]:
    """A job's log streams, one for each instance; without a job those of the group, the oldest first."""
    streams: list[Mapping[str, Any]] = []
    named = {"logStreamNamePrefix": f"{job}/"} if job else {}
    token: dict[str, str] = {}
    while True:
        answer = logs.describe_log_streams(logGroupName=group, **named, **token)
        streams += answer["logStreams"]
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    if not job:
        streams.sort(key=lambda stream: stream.get("firstEventTimestamp", 0))
    return [stream["logStreamName"] for stream in streams]


def memory_utilization(client: Client, training: str, hosts: int, begin: datetime, end: datetime | None) -> float | None:
    """The most memory that a host of a training job has used, in percent of its own; None if CloudWatch knows nothing of it.

    Raises:
        botocore.exceptions.ClientError: CloudWatch may not be read either.
    """
    peaks = []
    for number in range(1, hosts + 1):
        answer = client.get_metric_statistics(
            Namespace=_NAMESPACE,
            MetricName="MemoryUtilization",
            Dimensions=[{"Name": "Host", "Value": f"{training}/algo-{number}"}],
            StartTime=begin - _MINUTE,
            EndTime=(end or datetime.now(UTC)) + _MINUTE,
            Period=86_400,
            Statistics=["Maximum"],
        )
        peaks += [float(point["Maximum"]) for point in answer["Datapoints"]]
    return max(peaks, default=None)


def minutes(
    client: Client,
    training: str,
    metrics: Sequence[str],
    begin: datetime | None,
    end: datetime | None,
) -> Mapping[str, Sequence[float]]:
    """The means of a training job's metrics by the minute; metrics without a value are left out.

    Raises:
        botocore.exceptions.ClientError: CloudWatch may not be read either.
    """
    if begin is None or not metrics:
        return {}
    queries = [
        {
            "Id": f"m{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": _NAMESPACE,
                    "MetricName": name,
                    "Dimensions": [{"Name": "TrainingJobName", "Value": training}],
                },
                "Period": 60,
                "Stat": "Average",
            },
        }
        for index, name in enumerate(metrics)
    ]
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=begin - _MINUTE,
        EndTime=(end or datetime.now(UTC)) + _MINUTE,
        ScanBy="TimestampAscending",
    )
    means: dict[str, list[float]] = {name: [] for name in metrics}
    for page in pages:
        for result in page.get("MetricDataResults", ()):
            means[metrics[int(result["Id"][1:])]] += result["Values"]
    return {name: tuple(values) for name, values in means.items() if values}
