"""Copies logs of jobs, and metrics of training jobs, to CloudWatch just before they are read there.

The run's folder and the store are the source; CloudWatch holds a copy made on demand, so a restart loses nothing and a job whose log
is not read costs nothing. A request that names log streams copies no others, once their group is there.
"""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from local_emulator.domain.errors import NotFound
from local_emulator.domain.jobs import Job
from local_emulator.domain.names import (
    LOG_GROUP,
    METRIC_NAMESPACE,
    PROCESSING_JOB,
    PROCESSING_LOG_GROUP,
    TRAINING_JOB,
    TRANSFORM_JOB,
    TRANSFORM_LOG_GROUP,
    Arn,
    AwsScope,
    kind_of,
    log_stream,
    scope_of,
)
from local_emulator.domain.spec import Host
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.transform import TransformJob
from local_emulator.engine.faults import FaultLog
from local_emulator.runs import toolkit
from local_emulator.runs.data.log import Cursor, read_log
from local_emulator.runs.folder import RunFolder, read_evidence
from local_emulator.runs.host_folder import HostFolder
from local_emulator.store.base import Query, Store

_GROUPS = {TRAINING_JOB: LOG_GROUP, PROCESSING_JOB: PROCESSING_LOG_GROUP, TRANSFORM_JOB: TRANSFORM_LOG_GROUP}


class CloudWatch(Protocol):
    """Where logs and metrics go."""

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]], *, group: str) -> None:
        """Append (epoch milliseconds, text) to a stream of a log group, both made if missing; without events the group alone is."""

    def has_log_group(self, scope: AwsScope, group: str) -> bool:
        """Whether a log group is there."""

    def publish_metrics(self, scope: AwsScope, training_job: str, points: Sequence[tuple[str, float, datetime]]) -> None:
        """Put (metric, value, time) under the training job's dimension."""

    def put_metrics(
        self, scope: AwsScope, namespace: str, dimensions: Mapping[str, str], points: Sequence[tuple[str, float, str, datetime]]
    ) -> None:
        """Put (metric, value, unit, time) under dimensions."""


@dataclass
class _LogProgress:
    """How far the log of one host has been published."""

    cursor: Cursor | None = None
    until: int | None = None  # the time of the last event, in milliseconds; None before the first
    done: bool = False


@dataclass
class _Progress:
    """How far one job has been published."""

    logs: dict[str | None, _LogProgress] = field(default_factory=dict)  # of the hosts of one run
    run: int = 0  # which of the job's runs that is
    seq: int = 0
    log_done: bool = False
    metrics_done: bool = False


class CloudWatchSync:
    """Publishes what is new of every job that may have changed."""

    def __init__(self, *, store: Store, cloud: CloudWatch, runs: Path, log: FaultLog) -> None:
        self._store = store
        self._cloud = cloud
        self._runs = runs
        self._log = log
        self._lock = threading.Lock()
        self._pending: dict[Arn, _Progress] | None = None
        self._touched: set[Arn] = set()

    def reset(self) -> None:
        """Forget how far any job has been published: there are no jobs any more."""
        with self._lock:
            self._pending = None
            self._touched.clear()

    def touched(self, job: Arn) -> None:
        """A job may have changed. It does not block: the loop calls it."""
        if self._pending is not None:
            self._touched.add(job)

    def sync(self, service: str, body: bytes = b"") -> None:
        """Publish what a request to a service (its signing name, `logs` or `monitoring`; others: nothing) may ask for."""
        if service not in {"logs", "monitoring"}:
            return
        with self._lock:
            if self._pending is None:  # all jobs of earlier starts
                tables = (self._store.trainings, self._store.processings, self._store.transforms)
                self._pending = {arn: _Progress() for table in tables for arn in table.arns(Query())}
            while self._touched:
                self._pending.setdefault(self._touched.pop(), _Progress())
            streams = _streams(body) if service == "logs" else ()
            for arn, progress in list(self._pending.items()):
                if progress.log_done if service == "logs" else progress.metrics_done:
                    continue  # the rest has not been asked for
                name = arn.rpartition("/")[2]  # lower case
                asked = any(f"{name}/".startswith(stream) or stream.startswith(f"{name}/") for stream in streams)
                if streams and not asked and self._cloud.has_log_group(scope_of(arn), _GROUPS[kind_of(arn)]):
                    continue  # without its group a request for no stream of it would be refused
                try:
                    self._publish(arn, progress, service)
                except Exception as error:  # noqa: BLE001 - whatever moto or a damaged record raises: the other jobs are published
                    self._log.report(f"publishing {service}: {arn}", error)
                if progress.log_done and progress.metrics_done:
                    del self._pending[arn]

    def _publish(self, arn: Arn, progress: _Progress, service: str) -> None:
        try:
            job: Job = self._store.table(arn).get(arn)
        except NotFound:
            progress.log_done = progress.metrics_done = True
            return
        if service == "logs":
            self._publish_log(job, progress)
        elif isinstance(job, TrainingJob):
            self._publish_metrics(job, progress)
        else:
            progress.metrics_done = True

    def _publish_log(self, job: Job, progress: _Progress) -> None:
        terminal = job.status.terminal  # asked before reading: nothing is written after that
        previous_runs = job.previous_runs if isinstance(job, TrainingJob) else ()
        starts = [*((previous.run, previous.started) for previous in previous_runs), (job.run, job.run_started)]
        runs: list[tuple[str, int]] = []
        for run, started in starts:  # two runs may begin in one second: each has a stream of its own
            runs.append((run, max(int(started.timestamp()), runs[-1][1] + 1 if runs else 0)))
        while not progress.log_done:
            run, second = runs[progress.run]
            folder = RunFolder(self._runs / run)
            last = progress.run == len(previous_runs)
            over = terminal and last
            published = [self._publish_lines(job, folder, host, second, progress, over=over) for host in folder.hosts]
            if any(published):
                continue
            if over:
                self._publish_data_log(job, folder, second)
                progress.log_done = True
            elif last:
                if not any(log.until for log in progress.logs.values()):
                    # No account in which anything has trained before lacks the group; one that was deleted since stays away.
                    self._cloud.publish_logs(job.scope, "", (), group=_GROUPS[kind_of(job.arn)])
                return
            else:
                progress.run, progress.logs = progress.run + 1, {}

    def _publish_lines(
        self, job: Job, folder: RunFolder, host: HostFolder, second: int, progress: _Progress, *, over: bool
    ) -> bool:
        """Publish new lines of a host, and what the toolkit logs around them; whether there were any.

        `second`: when the run began, which its stream is named by. `over`: no more will come.
        """
        name = None if host == folder else host.path.name
        log = progress.logs.setdefault(name, _LogProgress())
        lines, log.cursor = read_log(host, log.cursor)
        ends = over and not lines and not log.done
        begun = second * 1000 if ends and job.started else None
        events = [(line.ms, line.text) for line in lines]
        if log.until is None and (events or begun is not None):
            events = [*toolkit.invocation(folder, name, events[0][0] if events else begun or 0), *events]
        if ends:
            events += toolkit.report(job, folder, name, log.until or begun or 0)
            log.done = True
        if events:
            instance = f"i-{job.run[:17]}" if isinstance(job, TransformJob) else name or Host.name
            stream = log_stream(job.name, instance, second)
            self._cloud.publish_logs(job.scope, stream, events, group=_GROUPS[kind_of(job.arn)])
            log.until = events[-1][0]
        return bool(lines)

    def _publish_data_log(self, job: Job, folder: RunFolder, second: int) -> None:
        """Publish what a transform job that has ended says of its data."""
        content = read_evidence(folder.data_log) if isinstance(job, TransformJob) else None
        if content:
            events = [(int(ms), str(text)) for ms, text in map(json.loads, content.splitlines())]
            stream = f"{log_stream(job.name, f'i-{job.run[:17]}', second)}/data-log"
            self._cloud.publish_logs(job.scope, stream, events, group=TRANSFORM_LOG_GROUP)

    def _publish_metrics(self, job: TrainingJob, progress: _Progress) -> None:
        terminal = job.status.terminal
        observations = self._store.observations(job.arn, after=progress.seq)
        if observations:
            points = [(observation.metric, observation.value, observation.time) for observation in observations]
            self._cloud.publish_metrics(job.scope, job.name, points)
            progress.seq = observations[-1].seq
        if terminal and job.ended is not None:
            self._publish_memory(job, job.ended)
        progress.metrics_done = terminal

    def _publish_memory(self, job: TrainingJob, ended: datetime) -> None:
        """Publish how much of this machine's memory the program of each host has taken at most, in percent."""
        folder = RunFolder(self._runs / job.run)
        end = folder.read_exit()
        for host, peak in zip(folder.hosts, () if end is None else end.memory, strict=False):
            if peak is not None:
                name = Host.name if host == folder else host.path.name
                point = ("MemoryUtilization", 100.0 * peak / _machine_memory(), "Percent", ended)
                self._cloud.put_metrics(job.scope, METRIC_NAMESPACE, {"Host": f"{job.name}/{name}"}, [point])


def _machine_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _streams(body: bytes) -> Sequence[str]:
    """The log streams (lower case) that a request to CloudWatch Logs names, by name or prefix; none if it may mean any."""
    try:
        request = json.loads(body)
    except ValueError:
        return ()
    if not isinstance(request, dict):
        return ()
    several = request.get("logStreamNames")
    named = [request.get("logStreamName"), request.get("logStreamNamePrefix"), *(several if isinstance(several, list) else ())]
    return [stream.lower() for stream in named if isinstance(stream, str)]
