"""A launched tuning job, followed and read through the public API alone: AWS and the emulator look the same."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sm_tuning.boto import Client, Session
from sm_tuning.client import deployment, loopback, models
from sm_tuning.client import logs as cloudwatch
from sm_tuning.client.deployment import BestTraining, Endpoint
from sm_tuning.client.errors import NOT_FOUND, code_of, unless_denied
from sm_tuning.client.hosts import is_local
from sm_tuning.client.local_session import LocalSession
from sm_tuning.client.log_search import LogSearch
from sm_tuning.client.progress import notebook_progress, status_html
from sm_tuning.client.status import ENDED, FailureGroup, MetricCheck, RunStatus, SilentMetric, Training, status_of, training_of
from sm_tuning.client.summaries import TrainingJobSummary, training_job
from sm_tuning.errors import NotFound, WaitTimeout
from sm_tuning.spec.script import Script
from sm_tuning.summary import escaped

_TAIL = 1000  # lines that a failed training job's last words and what the toolkit says of them lie in
_ONE_AT_A_TIME = threading.Lock()
# What differs between training jobs that fail alike: the training toolkit's command line with its hyperparameters, addresses, numbers.
_CHANGING = re.compile(r'Command ".*"|0x[0-9a-f]+|[0-9a-f]{8,}|\d+(\.\d+)?')


class TuningRun:
    """A launched tuning job, in AWS or on the emulator. Make one with `TuningJob.launch` or `attach`.

    Whatever asks the service raises what boto3 raises (`botocore.exceptions.ClientError`) where nothing else is said.

    Args:
        name: Name of the tuning job; whether there is one is not asked.
        session: A boto3 session; None for the default one.
        client: A SageMaker client to use instead of one made from the session.
    """

    def __init__(self, name: str, *, session: Session | None = None, client: Client | None = None) -> None:
        self.name = name
        self._session: Session = session or boto3.Session()
        self._client = client or loopback.client(self._session, "sagemaker")
        self._region = self._client.meta.region_name
        self._others: dict[str, Client] = {}
        self._ends: dict[str, Sequence[str]] = {}

    def _other_client(self, service: str) -> Client:
        """A client of another service, made once: it costs more than a request, and a session makes only one at a time."""
        with _ONE_AT_A_TIME:
            if service not in self._others:
                self._others[service] = loopback.client(self._session, service, region_name=self._region)
            return self._others[service]

    def _client_of(self, service: str) -> Client:
        return self._client if service == "sagemaker" else self._other_client(service)

    @classmethod
    def attach(cls, name: str, session: Session | None = None, *, client: Client | None = None) -> Self:
        """An existing tuning job.

        Args:
            name: Its name.
            session: A boto3 session; None for the default one.
            client: A SageMaker client to use instead of one made from the session.

        Raises:
            NotFound: There is none of that name in the account and region.
        """
        run = cls(name, session=session, client=client)
        run.describe()
        return run

    def other(self, name: str) -> Self:
        """Another tuning job of the same account and region, with the same clients; whether there is one is not asked."""
        run = type(self)(name, session=self._session, client=self._client)
        run._others = self._others  # noqa: SLF001 - of its own class
        return run

    def __repr__(self) -> str:
        return f"<TuningRun {self.name!r} in {self._region} at {self._client.meta.endpoint_url}>"

    def _repr_html_(self) -> str:
        """Its status, which is asked for; in place of one that cannot be read, why."""
        try:
            return status_html(self.status())
        except (NotFound, ClientError, BotoCoreError) as error:
            return f"<p>{escaped(repr(self))}: {escaped(str(error))}</p>"

    def describe(self) -> Mapping[str, Any]:
        """The answer of DescribeHyperParameterTuningJob, as boto3 gives it; raises NotFound."""
        try:
            answer: Mapping[str, Any] = self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.name)
        except ClientError as error:
            if code_of(error) in NOT_FOUND:
                raise NotFound(f"there is no tuning job {self.name!r} in {self._region}") from error
            raise
        return answer

    def status(self, described: Mapping[str, Any] | None = None) -> RunStatus:
        """How far it is; raises NotFound.

        Args:
            described: An answer of `describe`, with which nothing is asked; None to ask.
        """
        return status_of(self.name, self.describe() if described is None else described)

    def tags(self) -> Mapping[str, str]:
        """Its tags, which Describe does not tell."""
        pages = self._client.get_paginator("list_tags").paginate(ResourceArn=self.describe()["HyperParameterTuningJobArn"])
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def wait(
        self, progress: Callable[[RunStatus], object] | None = None, *, poll: float | None = None, timeout: float | None = None
    ) -> RunStatus:
        """Wait until it has ended; `progress` is called with every change.

        Args:
            progress: A function of a RunStatus, `print` for one. None shows a bar in a notebook, and nothing elsewhere.
            poll: Seconds between looks; None for 10 in AWS and half a second on this machine.
            timeout: Seconds to wait for at most; None for no limit.

        Returns:
            How it has ended.

        Raises:
            WaitTimeout: The time is over; the tuning job goes on.
            NotFound: There is no tuning job of that name (any more).
            KeyboardInterrupt: Ctrl-C; a note of it says that the tuning job goes on, and how to follow or stop it.
        """
        try:
            return self._waited(progress, poll, timeout)
        except KeyboardInterrupt as interrupt:
            session = ", session=sm_tuning.local_session()" if isinstance(self._session, LocalSession) else ""
            again = f"sm_tuning.TuningRun.attach({self.name!r}{session})"
            interrupt.add_note(f"The tuning job goes on. {again} finds it again: .wait() follows it, .stop() stops it")
            raise

    def _waited(self, progress: Callable[[RunStatus], object] | None, poll: float | None, timeout: float | None) -> RunStatus:
        poll = poll if poll is not None else (0.5 if self.local else 10.0)
        deadline = None if timeout is None else time.monotonic() + timeout
        last: RunStatus | None = None
        show = notebook_progress() if progress is None else None
        while True:
            status = self.status()
            if progress is not None and status != last:
                progress(status)
            if show is not None:  # with every look: time passes
                show(status)
            last = status
            if status.over:
                return status
            left = poll if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"the tuning job {self.name} is still {status.status} after {timeout:g} seconds; it goes on")
            time.sleep(min(poll, left))

    @property
    def local(self) -> bool:
        """Whether it runs on an emulator on this machine."""
        return is_local(self._client.meta.endpoint_url)

    def trainings(self) -> list[Training]:
        """Its training jobs in launch order."""
        pages = self._client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=self.name,
            SortBy="CreationTime",
            SortOrder="Ascending",
            PaginationConfig={"PageSize": 100},
        )
        return [training_of(summary) for page in pages for summary in page["TrainingJobSummaries"]]

    def best(self) -> BestTraining | None:
        """The training job with the best objective so far; None if none has one."""
        best = self.status().best
        members = {} if best is None else {member.name: getattr(best, member.name) for member in fields(best)}
        return BestTraining(**members, run=self) if members else None

    def model_uri(self, training: str) -> str:
        """The `s3://` URI of a training job's model; raises NotFound if it has none (yet).

        Args:
            training: Name of the training job.
        """
        job = self._client.describe_training_job(TrainingJobName=training)
        if "ModelArtifacts" not in job:
            raise NotFound(f"the training job {training} is {job['TrainingJobStatus']} and has no model")
        uri: str = job["ModelArtifacts"]["S3ModelArtifacts"]
        return uri

    def has_model(self, training: str, described: TrainingJobSummary | None = None) -> bool:
        """Whether S3 holds a training job's model, as far as the caller may ask: its script may have left none.

        Args:
            training: Name of the training job.
            described: An answer of `training_job`, which says where it would lie; None to ask.
        """
        uri = self.model_uri(training) if described is None else described.model
        return uri is not None and models.is_there(self._other_client("s3"), uri)

    def download_model(self, training: str, folder: Path) -> Path:
        """Download a training job's model.

        Args:
            training: Name of the training job.
            folder: Where to write it; made if needed.

        Returns:
            The file, TRAINING.tar.gz.

        Raises:
            NotFound: It has no model (yet), or there is none in S3.
        """
        uri = self.model_uri(training)
        path = folder / f"{training}.tar.gz"
        folder.mkdir(parents=True, exist_ok=True)
        models.download(self._other_client("s3"), training, uri, path)
        return path

    def serve(
        self, training: str, *, name: str | None = None, script: Script | None = None, instance_type: str, timeout: float
    ) -> Endpoint:
        """Put the model of one of its training jobs behind an endpoint: `BestTraining.serve`."""
        return deployment.serve(
            self._client_of, training, name or training, script=script, instance_type=instance_type, timeout=timeout
        )

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint of the same account and region; whether there is one is not asked.

        Args:
            name: Its name; a served training job's, if it was given no other.
        """
        return deployment.endpoint(self._client_of, name)

    def register(self, training: str, group: str, *, script: Script | None = None, approval: str) -> str:
        """Add the model of one of its training jobs to the model registry: `BestTraining.register`."""
        status = self.status()
        value = next((row.value for row in self.trainings() if row.name == training), None)
        facts = {"TuningJobName": self.name} | ({} if value is None else {status.objective: f"{value:.9g}"})
        return deployment.register(self._client_of, training, group, script=script, approval=approval, facts=facts)

    def stop(self) -> None:
        """Stop it and its running training jobs; nothing happens if it has ended. Raises NotFound."""
        try:
            self._client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.name)
        except ClientError as error:
            code = code_of(error)
            if code in NOT_FOUND:
                raise NotFound(f"there is no tuning job {self.name!r} in {self._region}") from error
            if code != "ValidationException":  # it has ended already
                raise

    def stop_training(self, training: str) -> None:
        """Stop one of its training jobs; nothing happens if that has ended."""
        try:
            self._client.stop_training_job(TrainingJobName=training)
        except ClientError as error:
            if code_of(error) != "ValidationException":  # it has ended already
                raise

    # --- logs -----------------------------------------------------------------------------------------------------------

    def logs(self, training: str, *, follow: bool = False, poll: float | None = None) -> Iterator[str]:
        """Lines of a training job's log.

        Args:
            training: Name of the training job.
            follow: Whether to go on until it has ended.
            poll: Seconds between looks; None for 5 in AWS and half a second on this machine.
        """
        poll = poll if poll is not None else (0.5 if self.local else 5.0)

        def is_over() -> bool:
            return not follow or self._client.describe_training_job(TrainingJobName=training)["TrainingJobStatus"] in ENDED

        return cloudwatch.lines(self._other_client("logs"), training, is_over, poll)

    def log_tail(self, training: str, count: int) -> list[str]:
        """The last lines of a training job's log; none before there is one.

        Args:
            training: Name of the training job.
            count: Number of lines, at most.
        """
        return cloudwatch.last_lines(self._other_client("logs"), training, count)

    def minutes(self, training: Training, metrics: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """The values of metrics that CloudWatch has kept of a training job, by the metric: a mean for each minute.

        Args:
            training: The training job.
            metrics: Names of the metrics.
        """
        client = self._other_client("cloudwatch")
        return cloudwatch.minutes(client, training.name, metrics, training.started or training.created, training.ended)

    def memory_utilization(self, training: Training, hosts: int = 1) -> float | None:
        """The most memory that an instance of a training job has used, in percent of its own, as CloudWatch knows it.

        Of the emulator: what the program has used of this machine's. None if nothing was measured, as of a container.

        Args:
            training: The training job.
            hosts: Its instances.
        """
        client = self._other_client("cloudwatch")
        began = training.started or training.created
        return None if began is None else cloudwatch.memory_utilization(client, training.name, hosts, began, training.ended)

    def training_job(self, training: str) -> TrainingJobSummary:
        """A training job as the service describes it.

        Args:
            training: Name of the training job.

        Raises:
            NotFound: There is none of that name.
        """
        return training_job(self._client, training)

    def metric_checks(self, training: str) -> list[MetricCheck]:
        """For each metric definition of a training job, how many values its log has.

        Args:
            training: Name of the training job.
        """
        summary = self.training_job(training)
        with LogSearch() as search:
            return list(search.search(self.logs(training), summary.metrics, optional=summary.optional_metrics).checks)

    def silent_metrics(self) -> list[SilentMetric]:
        """Metrics that lack values in the log of the best training job or, without one, of the latest that did not fail.

        A training job that still runs may not have printed them yet: one that has printed little is not judged.
        There are none where the log may not be read.
        """
        chosen = self.best() or self._latest_sound()
        if chosen is None:
            return []
        checks = unless_denied(lambda: self.metric_checks(chosen.name))
        silent = [check for check in checks or () if check.lacks_values(ended=chosen.ended is not None)]
        return [SilentMetric(check=check, trainings=[chosen.name]) for check in silent]

    def _latest_sound(self) -> Training | None:
        """The latest training job that has ended without failing or, without one, the latest that runs."""
        sound = [training for training in self.trainings() if training.status != "Failed"]
        return next(reversed([training for training in sound if training.ended is not None] or sound), None)

    def failures(self, trainings: Sequence[Training] | None = None) -> list[FailureGroup]:
        """Failed training jobs grouped by cause, the largest group first; without the end of a log where that may not be read.

        Args:
            trainings: Its training jobs, where they are at hand; None to ask for them.
        """
        groups: dict[str, list[Training]] = {}
        for training in self.trainings() if trainings is None else trainings:
            if training.status == "Failed":
                groups.setdefault(_CHANGING.sub("#", training.failure_reason or "no reason given"), []).append(training)
        return [
            FailureGroup(
                reason=group[0].failure_reason or "no reason given",
                trainings=[training.name for training in group],
                log=self._last_words(group[0].name),
            )
            for group in sorted(groups.values(), key=len, reverse=True)
        ]

    def _last_words(self, training: str) -> Sequence[str]:
        """The end of a failed training job's log, which does not change any more: it is read once."""
        if training not in self._ends:
            log = unless_denied(lambda: self.log_tail(training, _TAIL))
            if log is None:
                return ()
            self._ends[training] = cloudwatch.of_script(log)[-5:]
        return self._ends[training]
