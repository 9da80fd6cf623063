"""Copies logs and metrics of training jobs to CloudWatch just before they are read there.

The run's folder and the store are the source; CloudWatch holds a copy made on demand, so a restart loses nothing and a job whose log
is not read costs nothing. A request that names log streams copies no others.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from local_emulator.domain.errors import NotFound
from local_emulator.domain.names import Arn, AwsScope, log_stream
from local_emulator.domain.spec import Host
from local_emulator.domain.training import TrainingJob
from local_emulator.engine.faults import FaultLog
from local_emulator.runs import toolkit
from local_emulator.runs.data.log import Cursor, read_log
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.host_folder import HostFolder
from local_emulator.store.base import Query, Store


class CloudWatch(Protocol):
    """Where logs and metrics go."""

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append (epoch milliseconds, text) to a stream of the training jobs' log group, made if missing."""

    def publish_metrics(self, scope: AwsScope, training_job: str, points: Sequence[tuple[str, float, datetime]]) -> None:
        """Put (metric, value, time) under the training job's dimension."""


@dataclass
class _LogProgress:
    """How far the log of one host has been published."""

    cursor: Cursor | None = None
    until: int | None = None  # the time of the last event, in milliseconds; None before the first
    done: bool = False


@dataclass
class _Progress:
    """How far one training job has been published."""

    logs: dict[str | None, _LogProgress] = field(default_factory=dict)  # of the hosts of one run
    run: int = 0  # which of the job's runs that is
    seq: int = 0
    log_done: bool = False
    metrics_done: bool = False


class CloudWatchSync:
    """Publishes what is new of every training job that may have changed."""

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

    def touched(self, training: Arn) -> None:
        """A training job may have changed. It does not block: the loop calls it."""
        if self._pending is not None:
            self._touched.add(training)

    def sync(self, service: str, body: bytes = b"") -> None:
        """Publish what a request to a service (its signing name, `logs` or `monitoring`; others: nothing) may ask for."""
        if service not in {"logs", "monitoring"}:
            return
        with self._lock:
            if self._pending is None:  # all jobs of earlier starts
                self._pending = {arn: _Progress() for arn in self._store.trainings.arns(Query())}
            while self._touched:
                self._pending.setdefault(self._touched.pop(), _Progress())
            streams = _streams(body) if service == "logs" else ()
            for arn, progress in list(self._pending.items()):
                if progress.log_done if service == "logs" else progress.metrics_done:
                    continue  # the rest has not been asked for
                name = arn.rpartition("/")[2]  # lower case
                if streams and not any(f"{name}/".startswith(stream) or stream.startswith(f"{name}/") for stream in streams):
                    continue
                try:
                    self._publish(arn, progress, service)
                except Exception as error:  # noqa: BLE001 - whatever moto or a damaged record raises: the other jobs are published
                    self._log.report(f"publishing {service}: {arn}", error)
                if progress.log_done and progress.metrics_done:
                    del self._pending[arn]

    def _publish(self, arn: Arn, progress: _Progress, service: str) -> None:
        try:
            job = self._store.trainings.get(arn)
        except NotFound:
            progress.log_done = progress.metrics_done = True
            return
        if service == "logs":
            self._publish_log(job, progress)
        else:
            self._publish_metrics(job, progress)

    def _publish_log(self, job: TrainingJob, progress: _Progress) -> None:
        terminal = job.status.terminal  # asked before reading: nothing is written after that
        runs = [*((previous.run, previous.started) for previous in job.previous_runs), (job.run, job.run_started)]
        while not progress.log_done:
            run, started = runs[progress.run]
            folder = RunFolder(self._runs / run)
            last = progress.run == len(job.previous_runs)
            over = terminal and last
            published = [self._publish_lines(job, folder, host, started, progress, over=over) for host in folder.hosts]
            if any(published):
                continue
            if over:
                progress.log_done = True
            elif last:
                return
            else:
                progress.run, progress.logs = progress.run + 1, {}

    def _publish_lines(
        self, job: TrainingJob, folder: RunFolder, host: HostFolder, started: datetime, progress: _Progress, *, over: bool
    ) -> bool:
        """Publish new lines of a host, and what the toolkit logs around them; whether there were any. `over`: no more will come."""
        name = None if host == folder else host.path.name
        log = progress.logs.setdefault(name, _LogProgress())
        lines, log.cursor = read_log(host, log.cursor)
        ends = over and not lines and not log.done
        begun = int(started.timestamp() * 1000) if ends and job.started else None
        events = [(line.ms, line.text) for line in lines]
        if log.until is None and (events or begun is not None):
            events = [*toolkit.invocation(folder, name, events[0][0] if events else begun or 0), *events]
        if ends:
            events += toolkit.report(job, folder, name, log.until or begun or 0)
            log.done = True
        if events:
            self._cloud.publish_logs(job.scope, log_stream(job.name, name or Host.name, int(started.timestamp())), events)
            log.until = events[-1][0]
        return bool(lines)

    def _publish_metrics(self, job: TrainingJob, progress: _Progress) -> None:
        terminal = job.status.terminal
        observations = self._store.observations(job.arn, after=progress.seq)
        if observations:
            points = [(observation.metric, observation.value, observation.time) for observation in observations]
            self._cloud.publish_metrics(job.scope, job.name, points)
            progress.seq = observations[-1].seq
        progress.metrics_done = terminal


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
