"""What CloudWatch keeps of training jobs: their logs, and the means of their metrics by the minute."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_NAMESPACE = "/aws/sagemaker/TrainingJobs"
NOT_FOUND = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_MINUTE = timedelta(minutes=1)


def new_lines(logs: Any, training: str, tokens: dict[str, str]) -> Iterator[str]:  # noqa: ANN401 - a boto3 client
    """Lines of a training job's log since the tokens, which are moved on; a log that is not there yet has none."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see TuningRun.__init__

    try:
        for name in _streams(logs, training):
            while True:
                more = {"nextToken": tokens[name]} if name in tokens else {}
                page = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=name, startFromHead=True, **more)
                yield from (event["message"] for event in page["events"])
                if page["nextForwardToken"] == tokens.get(name):
                    break
                tokens[name] = page["nextForwardToken"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND:
            raise


def last_lines(logs: Any, training: str, count: int) -> list[str]:  # noqa: ANN401 - a boto3 client
    """The end of a training job's log; a log that is not there yet has none."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see TuningRun.__init__

    found: list[str] = []
    try:
        for name in _streams(logs, training):
            page = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=name, limit=count, startFromHead=False)
            found += [event["message"] for event in page["events"]]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND:
            raise
    return found[-count:]


def _streams(logs: Any, training: str) -> list[str]:  # noqa: ANN401 - a boto3 client
    """A training job's log streams, one for each instance."""
    answer = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{training}/")
    return [one["logStreamName"] for one in answer["logStreams"]]


def minutes(
    client: Any,  # noqa: ANN401 - a boto3 client
    training: str,
    metrics: Sequence[str],
    begin: datetime | None,
    end: datetime | None,
) -> Mapping[str, Sequence[float]]:
    """The means of a training job's metrics by the minute, those that there are none of left out.

    Raises:
        botocore.exceptions.ClientError: CloudWatch may not be read either.
    """
    if begin is None or not metrics:
        return {}
    asked = [
        {
            "Id": f"m{place}",
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
        for place, name in enumerate(metrics)
    ]
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=asked,
        StartTime=begin - _MINUTE,
        EndTime=(end or datetime.now(UTC)) + _MINUTE,
        ScanBy="TimestampAscending",
    )
    found: dict[str, list[float]] = {name: [] for name in metrics}
    for page in pages:
        for one in page.get("MetricDataResults", ()):
            found[metrics[int(one["Id"][1:])]] += one["Values"]
    return {name: tuple(values) for name, values in found.items() if values}
