"""Logs of what is no training job: endpoints, processing jobs, transform jobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from botocore.exceptions import ClientError

from sm_tuning.boto import Client, Session
from sm_tuning.client import logs as cloudwatch
from sm_tuning.client import loopback
from sm_tuning.client.errors import NOT_FOUND, code_of, unless_denied
from sm_tuning.client.hosts import is_local
from sm_tuning.client.status import ENDED

ENDPOINT_LOG_GROUP = "/aws/sagemaker/Endpoints/"
VARIANT = "AllTraffic"
"""The variant of the endpoints that are made here."""

_LAST_LINES = 100
_TRACEBACK = "Traceback (most recent call last)"
_OPERATIONS = {
    "Endpoint": "describe_endpoint",
    "ProcessingJob": "describe_processing_job",
    "TransformJob": "describe_transform_job",
}
_NONE = {*NOT_FOUND, "ValidationException"}  # the latter is DescribeEndpoint's, and of what no name can be


@dataclass(frozen=True)
class OtherLog:
    """The log of an endpoint, a processing job or a transform job, which may not be there.

    Attributes:
        kind: What has it: `Endpoint`, `ProcessingJob` or `TransformJob`.
        name: Its name.
        sagemaker: A boto3 client.
        logs: A boto3 client of CloudWatch Logs.
    """

    kind: str
    name: str
    sagemaker: Client = field(repr=False)
    logs: Client = field(repr=False)

    @property
    def _group(self) -> str:
        return ENDPOINT_LOG_GROUP + self.name if self.kind == "Endpoint" else f"/aws/sagemaker/{self.kind}s"

    @property
    def _job(self) -> str:
        return "" if self.kind == "Endpoint" else self.name  # an endpoint has a group of its own

    def status(self) -> str | None:
        """AWS's status of what has it; None if that is not there (any more), or may not be seen."""
        describe = partial(getattr(self.sagemaker, _OPERATIONS[self.kind]), **{f"{self.kind}Name": self.name})
        try:
            answer = unless_denied(describe)
        except ClientError as error:
            if code_of(error) not in _NONE:
                raise
            return None
        return None if answer is None else str(answer[f"{self.kind}Status"])

    def is_there(self) -> bool:
        """Whether there is anything to read, or will be: CloudWatch keeps the log of what was deleted."""
        return self.status() is not None or bool(unless_denied(self._last))

    def _last(self) -> list[str]:
        return cloudwatch.last_lines(self.logs, self._job, 1, group=self._group)

    def lines(self, *, follow: bool) -> Iterator[str]:
        """Its lines; those that come until the job has ended, or the endpoint is no more, if they are followed."""
        poll = 0.5 if is_local(self.sagemaker.meta.endpoint_url) else 5.0
        return cloudwatch.lines(self.logs, self._job, lambda: not follow or self._is_over(), poll, group=self._group)

    def _is_over(self) -> bool:
        status = self.status()
        return status is None or status in ENDED


def other_log(session: Session, name: str, *, endpoint: bool = False) -> OtherLog | None:
    """The log of an endpoint, a processing or a transform job of a name; None if there is none.

    Args:
        session: A boto3 session.
        name: The name.
        endpoint: Whether an endpoint is meant.
    """
    sagemaker, logs = (loopback.client(session, service) for service in ("sagemaker", "logs"))
    logs_of_the_name = (OtherLog(kind, name, sagemaker, logs) for kind in (["Endpoint"] if endpoint else _OPERATIONS))
    return next((log for log in logs_of_the_name if log.is_there()), None)


def _last_lines(logs: Client, name: str) -> Sequence[str]:
    """The end of an endpoint's log without what says nothing by itself; empty before there is one, or where it may not be read."""
    lines = unless_denied(partial(cloudwatch.last_lines, logs, VARIANT, _LAST_LINES, group=ENDPOINT_LOG_GROUP + name)) or []
    return [line for line in lines if line.strip() and not line.startswith(" ")]


def last_line(logs: Client, name: str) -> str | None:
    """The last line of an endpoint's log that says something; None before there is one, or where it may not be read."""
    return next(reversed(_last_lines(logs, name)), None)


def last_error(logs: Client, name: str) -> str | None:
    """The exception of the last traceback in an endpoint's log; the line of an access log may follow it. None if there is none."""
    lines = _last_lines(logs, name)
    starts = [index for index, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    return next(iter(lines[starts[-1] + 1 :]), None) if starts else None
