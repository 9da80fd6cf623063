"""CloudWatch's logs and metrics of endpoints.

Logs are copied on demand from the folders of the runs, as those of training jobs are; those of deleted endpoints from where they are
kept. What is measured of invocations is kept in memory until somebody reads metrics: it is forgotten with moto's CloudWatch, when the
emulator ends.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from local_emulator.domain.endpoint import Endpoint, EndpointStatus, RetiredRun
from local_emulator.domain.names import AwsScope, endpoint_log_group
from local_emulator.engine.faults import FaultLog
from local_emulator.runs.data.kept_logs import KeptLogs
from local_emulator.runs.data.log import Cursor, read_log
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.hosting.names import container_of
from local_emulator.store.base import Query, Store

_NAMESPACE = "AWS/SageMaker"
_MOST = 100_000  # invocations whose metrics wait for somebody to read them
_CLIENT_ERRORS, _SERVER_ERRORS, _MODEL_ERROR = range(400, 500), range(500, 600), 424
_INSTANCE_ID = 17  # hexadecimal digits


class CloudWatch(Protocol):
    """Where logs and metrics go."""

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]], *, group: str) -> None:
        """Append (epoch milliseconds, text) to a stream of a log group, both made if missing."""

    def put_metrics(
        self, scope: AwsScope, namespace: str, dimensions: Mapping[str, str], points: Sequence[tuple[str, float, str, datetime]]
    ) -> None:
        """Put (metric, value, unit, time) under dimensions."""


class _Measurement(NamedTuple):
    scope: AwsScope
    endpoint: str
    variant: str
    time: datetime
    status: int
    containers: Mapping[str, float]  # seconds
    total: float


class EndpointCloudWatch:
    """Publishes what is new of endpoints. Safe to use from several threads.

    `kept` is where logs of deleted endpoints are for the next emulator; None if there will be none.
    """

    def __init__(
        self,
        *,
        store: Store,
        cloud: CloudWatch,
        runs: Path,
        kept: KeptLogs | None,
        now: Callable[[], datetime],
        log: FaultLog,
    ) -> None:
        self._store = store
        self._kept = kept
        self._kept_are_published = kept is None
        self._cloud = cloud
        self._runs = runs
        self._now = now
        self._log = log
        self._lock = threading.Lock()
        self._cursors: dict[tuple[str, str], Cursor | None] = {}
        self._measured: deque[_Measurement] = deque(maxlen=_MOST)

    def reset(self) -> None:
        """Forget everything: there are no endpoints any more."""
        with self._lock:
            self._cursors.clear()
            self._measured.clear()
            if self._kept is not None:
                self._kept.clear()

    def invoked(self, endpoint: Endpoint, variant: str, status: int, containers: Mapping[str, float], seconds: float) -> None:
        """An invocation ended with an HTTP status; so many seconds it took each container by its name, and everything."""
        self._measured.append(_Measurement(endpoint.scope, endpoint.name, variant, self._now(), status, containers, seconds))

    def sync(self, service: str) -> None:
        """Publish what a request to a service (its signing name, `logs` or `monitoring`; others: nothing) may ask for."""
        if service == "logs":
            for endpoint in self._store.endpoints.find(Query()).items:
                for run in endpoint.all_runs:
                    self.flush(endpoint, run)
            self._publish_kept()
        elif service == "monitoring":
            self._publish_metrics()

    def flush(self, endpoint: Endpoint, run: RetiredRun) -> None:
        """Publish what is new in the logs of a run, and keep them if its endpoint is deleted: its folder is to be removed."""
        folder = RunFolder(self._runs / run.run)
        try:
            with self._lock:
                self._publish_logs(folder, endpoint.scope, endpoint.name, run.variant)
                if self._kept is not None and endpoint.status is EndpointStatus.DELETING:
                    scope = endpoint.scope
                    facts = {"region": scope.region, "account": scope.account, "endpoint": endpoint.name, "variant": run.variant}
                    self._kept.keep(folder, facts)
        except Exception as error:  # noqa: BLE001 - whatever moto or a damaged log raises: the others are published
            self._log.report(f"publishing logs: {endpoint.arn}", error)

    def _publish_kept(self) -> None:
        """Publish, once, the logs of endpoints that were deleted before this emulator was started."""
        with self._lock:
            if self._kept is None or self._kept_are_published:
                return
            for folder, facts in self._kept.all():
                try:
                    scope = AwsScope(region=facts["region"], account=facts["account"])
                    self._publish_logs(folder, scope, facts["endpoint"], facts["variant"])
                except Exception as error:  # noqa: BLE001 - see above
                    self._log.report(f"publishing logs: {folder.path}", error)
            self._kept_are_published = True

    def _publish_logs(self, folder: RunFolder, scope: AwsScope, endpoint: str, variant: str) -> None:
        """Publish what is new in the logs of a run: a stream for it, or for each of its containers. The lock is held."""
        run = folder.path.name
        for host in folder.hosts:
            name = "" if host is folder else host.path.name
            stream = f"{variant}/i-{run[:_INSTANCE_ID]}{name and f'/{container_of(name)}'}"
            lines, cursor = read_log(host, self._cursors.get((run, name)))
            while cursor != self._cursors.get((run, name)):
                events = [(line.ms, line.text) for line in lines]
                if events:
                    self._cloud.publish_logs(scope, stream, events, group=endpoint_log_group(endpoint))
                self._cursors[run, name] = cursor
                lines, cursor = read_log(host, cursor)

    def _publish_metrics(self) -> None:
        while self._measured:
            measured = self._measured.popleft()
            points = [(name, value, unit, measured.time) for name, value, unit in _points(measured)]
            dimensions = {"EndpointName": measured.endpoint, "VariantName": measured.variant}
            try:
                self._cloud.put_metrics(measured.scope, _NAMESPACE, dimensions, points)
                for name, seconds in measured.containers.items() if len(measured.containers) > 1 else ():
                    latency = [("ContainerLatency", seconds * 1e6, "Microseconds", measured.time)]
                    self._cloud.put_metrics(measured.scope, _NAMESPACE, {**dimensions, "ContainerName": name}, latency)
            except Exception as error:  # noqa: BLE001 - see above
                self._log.report(f"publishing metrics: {measured.endpoint}", error)


def _points(measured: _Measurement) -> Sequence[tuple[str, float, str]]:
    """What AWS measures of each invocation."""
    status, model = measured.status, sum(measured.containers.values())
    return [
        ("Invocations", 1.0, "None"),
        ("Invocation4XXErrors", float(status in _CLIENT_ERRORS), "None"),
        ("Invocation5XXErrors", float(status in _SERVER_ERRORS), "None"),
        ("InvocationModelErrors", float(status == _MODEL_ERROR), "None"),
        ("ModelLatency", model * 1e6, "Microseconds"),
        ("OverheadLatency", max(measured.total - model, 0.0) * 1e6, "Microseconds"),
    ]
