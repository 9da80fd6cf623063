"""The emulator as tests see it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.parsers import create_parser

from local_emulator.assembly import Emulator
from local_emulator.domain.errors import NotFound
from local_emulator.domain.jobs import Record
from local_emulator.domain.names import (
    PIPELINE_EXECUTION,
    PROCESSING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    TUNING_JOB,
    Arn,
    kind_of,
    parse_arn,
)
from local_emulator.domain.pipeline import PipelineExecution
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.settings import Settings, TrainingFunction
from local_emulator.store.base import Query, Table
from local_emulator.testing.interception import extend_moto
from local_emulator.testing.requests import Requests
from sm_tuning.rules import schema

if TYPE_CHECKING:
    from local_emulator.testing.server import EmulatorServer

# By kind of resource: its Describe operation, and the member of the request that says which.
_DESCRIBED = {
    TUNING_JOB: ("HyperParameterTuningJob", "HyperParameterTuningJobName"),
    TRAINING_JOB: ("TrainingJob", "TrainingJobName"),
    PROCESSING_JOB: ("ProcessingJob", "ProcessingJobName"),
    TRANSFORM_JOB: ("TransformJob", "TransformJobName"),
    PIPELINE_EXECUTION: ("PipelineExecution", "PipelineExecutionArn"),
}


class InProcessEmulator(Emulator):
    """What `emulated_sagemaker` yields.

    `requests` are the calls of AWS by clients of this process. `reset()` kills all runs and forgets all jobs. Where several regions or
    accounts have a job of one name, the one that was made last is meant.
    """

    def __init__(self, settings: Settings, *, endpoint: Callable[[], str | None]) -> None:
        self._images = dict(settings.images)
        self._served: list[EmulatorServer] = []
        super().__init__(
            replace(settings, images=self._images),
            in_memory=True,
            endpoint=lambda: self._served[-1].url if self._served else endpoint(),
        )
        self.requests = Requests()

    def trains(self, function: TrainingFunction, *, image: str = "*") -> None:
        """Call a function in place of what training jobs run, those that begin from now on: no process, no `/opt/ml`, no model.

        The function takes the hyperparameters that a container would see, texts all of them, and returns the metrics by their names.
        One that yields them reports them step by step, and is stopped between two steps. They are printed to the job's log in lines in
        which the job's MetricDefinitions find the values; a metric that no definition names is printed and not found, as of any
        script. Texts are printed as they are. An exception makes the job fail with AlgorithmError, as a script's does. All functions
        share one thread.

        Args:
            function: `lambda hyperparameters: {"validation:loss": float(hyperparameters["x"]) ** 2}`, for one.
            image: Shell-style pattern of the images that it stands in for; the function named last comes first.
        """
        earlier = {pattern: named for pattern, named in self._images.items() if pattern != image}
        self._images.clear()
        self._images.update({image: function, **earlier})

    def now(self) -> datetime:
        """The time of day of the jobs: the process's clock, unless `settings.time_scale` lets it run faster; aware of its zone."""
        return self._clock()

    @contextmanager
    def serve(self) -> Iterator["EmulatorServer"]:
        """Answer HTTP at a free port until the context ends, and let training jobs that begin meanwhile reach it."""
        from local_emulator.testing.server import serving  # noqa: PLC0415 - a tenth of the start, which few tests need

        extend_moto()
        with serving(self) as server:
            self._served.append(server)
            try:
                yield server
            finally:
                self._served.remove(server)

    def wait(self, name: str, *, timeout: float = 60.0) -> dict[str, Any]:
        """Wait until a job or an execution of a pipeline has ended, however it does.

        Args:
            name: The name of a tuning, training, processing or transform job, or the ARN of one or of an execution.
            timeout: Seconds.

        Returns:
            What its Describe operation answers, as boto3 gives it.

        Raises:
            NotFound: There is no job of that name.
            TimeoutError: It has not ended in time; it goes on.
        """
        job = self._find(name)
        read: Callable[[], Any] = partial(self.store.table(job.arn).get, job.arn)
        if not self._loop.wait(lambda: read().status.terminal, timeout):
            raise TimeoutError(f"{name} is still {read().status} after {timeout:g} seconds; it goes on")
        return self._describe(read())

    def logs(self, name: str) -> Sequence[str]:
        """The lines of a training job's log so far, as CloudWatch Logs has them; raises NotFound."""
        job = self._training(name)
        self.cloudwatch.sync("logs")
        return self.cloud.read_logs(job.scope, f"{job.name}/")

    def metrics(self, name: str) -> Mapping[str, Sequence[float]]:
        """Every value of every metric of a training job so far, in order; raises NotFound. CloudWatch has a mean of each minute."""
        values: dict[str, list[float]] = {}
        for observation in self.store.observations(self._training(name).arn):
            values.setdefault(observation.metric, []).append(observation.value)
        return values

    def _describe(self, job: Record) -> dict[str, Any]:
        kind, named = _DESCRIBED[kind_of(job.arn)]
        body = json.dumps({named: job.shown_arn if isinstance(job, PipelineExecution) else job.name}).encode()
        status, headers, content = self.api.answer(f"Describe{kind}", body, job.scope.region, job.scope.account)
        response = {"status_code": status, "headers": headers, "body": content}
        shape: Any = schema.operation(f"Describe{kind}").output_shape
        answer: dict[str, Any] = create_parser("json").parse(response, shape)
        return answer

    def _find(self, name: str) -> Record:
        parsed = parse_arn(name)
        if parsed is not None and kind_of(parsed.arn) not in _DESCRIBED:
            raise NotFound(f"{name} is neither a job nor an execution of a pipeline")
        if parsed is not None:
            record: Record = self.store.table(parsed.arn).get(parsed.arn)
            return record
        query, store = Query(name_contains=name), self.store
        tables: tuple[Table[Any], ...] = (store.tunings, store.trainings, store.processings, store.transforms)
        jobs: list[Record] = [table.get(arn) for table in tables for arn in _of_name(table.arns(query), name)]
        if not jobs:
            raise NotFound(f"there is no job {name!r}")
        return max(jobs, key=lambda job: job.created)

    def _training(self, name: str) -> TrainingJob:
        job = self._find(name)
        if isinstance(job, TuningJob):
            raise NotFound(f"there is no training job {name!r}: it is a tuning job, whose training jobs have names of their own")
        if not isinstance(job, TrainingJob):
            raise NotFound(f"there is no training job {name!r}")
        return job


def _of_name(arns: Sequence[Arn], name: str) -> list[Arn]:
    return [arn for arn in arns if arn.rpartition("/")[2] == name.lower()]
