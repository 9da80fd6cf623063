"""A store, the API and the mover of pipelines, without anything that runs: tests end the jobs of steps themselves."""

import itertools
import json
from collections.abc import Mapping
from concurrent.futures import wait
from dataclasses import replace
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any

from local_emulator.api.operations import Api
from local_emulator.domain.errors import AwsError, RunError, ValidationException
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import Arn
from local_emulator.domain.pipeline import PipelineExecution
from local_emulator.domain.processing import ProcessingSpec
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.pipelines import Pipelines
from local_emulator.engine.steps import Launcher
from local_emulator.settings import Settings
from local_emulator.store.base import Change, Query
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import AnythingServed
from tests.made_pipelines import BEGIN, SCOPE, document

ALL = Query()

ROLE = "arn:aws:iam::123456789012:role/Role"


def training_arguments(**hyperparameters: Any) -> dict[str, Any]:
    """Arguments of a Training step."""
    return {
        "AlgorithmSpecification": {"TrainingImage": "mine:1", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "HyperParameters": hyperparameters,
    }


def train(name: str, **members: Any) -> dict[str, Any]:
    """A Training step."""
    return {"Name": name, "Type": "Training", "Arguments": training_arguments(), **members}


class World:
    """`objects` is what S3 has; `errors` are raised by the next calls of an operation."""

    def __init__(self) -> None:
        self.changed: SimpleQueue[Change] = SimpleQueue()
        self.store = SqliteStore(None, self.changed.put)
        self.objects: dict[str, bytes] = {}
        self.errors: dict[str, list[AwsError]] = {}
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.functions: dict[str, Any] = {}
        self.moment = BEGIN
        self.faults: list[str] = []
        tokens = itertools.count(1)
        self.api = Api(
            store=self.store,
            settings=Settings(functions=self.functions),
            now=self.now,
            token=lambda: f"{next(tokens):032x}",
            chance=lambda: 1.0,
            notify=lambda: None,
            check=lambda _spec, _region: None,
            check_processing=self.check_processing,
            serving=AnythingServed(),
            read=self.read,
        )
        self.mover = self.begin_again()

    def begin_again(self) -> Pipelines:
        """A mover that knows nothing of an earlier one."""
        launcher = Launcher(store=self.store, perform=self.perform, read=self.read, invoke=self.invoke, now=self.now)
        log = FaultLog(write=self.faults.append)
        self.mover = Pipelines(
            store=self.store, perform=self.perform, launcher=launcher, now=self.now, notify=lambda: None, log=log
        )
        return self.mover

    def close(self) -> None:
        self.mover.close()
        self.store.close()

    def now(self) -> datetime:
        return self.moment

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)

    def check_processing(self, spec: ProcessingSpec) -> None:
        """As without any stand-in: an image's own program cannot be run."""
        if not spec.entrypoint:
            raise ValidationException(f"The image {spec.image} cannot be run here")

    def read(self, uri: str) -> bytes:
        if uri not in self.objects:
            raise ValueError(f"{uri} does not exist")
        return self.objects[uri]

    def invoke(self, arn: str, event: Mapping[str, Any]) -> Any:
        try:
            return self.functions[arn.rpartition(":")[2]](event, None)
        except ZeroDivisionError as error:
            raise RunError(f"ClientError: {error}") from error

    def perform(self, operation: str, request: Mapping[str, Any], scope: Any = SCOPE) -> Mapping[str, Any]:
        self.calls.append((operation, request))
        if self.errors.get(operation):
            raise self.errors[operation].pop(0)
        return self.api.carry_out(operation, request, scope) or {}

    def ask(self, operation: str, **request: Any) -> Mapping[str, Any]:
        """The answer to a client; raises AwsError."""
        code, headers, body = self.api.answer(operation, json.dumps(request).encode(), SCOPE.region)
        answer: Mapping[str, Any] = json.loads(body) if body else {}
        if code != 200:
            raise RefusedError(headers["x-amzn-errortype"], answer["message"])
        return answer

    def create(self, *steps: Mapping[str, Any], **members: Any) -> None:
        """Create the pipeline Abalone."""
        text = document(*steps, **members)
        self.ask("CreatePipeline", PipelineName="Abalone", PipelineDefinition=text, RoleArn=ROLE, ClientRequestToken="c" * 32)

    def start(self, letter: str = "t", **request: Any) -> str:
        """Start an execution of it; gives its ARN."""
        arn: str = self.ask("StartPipelineExecution", PipelineName="Abalone", ClientRequestToken=letter * 32, **request)[
            "PipelineExecutionArn"
        ]
        return arn

    def run(self, *steps: Mapping[str, Any], **members: Any) -> str:
        """Create the pipeline, start an execution and move it; gives its ARN."""
        self.create(*steps, **members)
        arn = self.start()
        self.move()
        return arn

    def move(self) -> None:
        """Move everything as far as it goes."""
        for _ in range(20):
            before = {job.arn: job.version for job in self.store.executions.find(ALL).items}
            self.mover.step()
            launching = list(self.mover._launching.values())
            wait(launching, timeout=60)  # nobody else has to wait for them
            if not launching and {job.arn: job.version for job in self.store.executions.find(ALL).items} == before:
                return
        raise AssertionError("it does not come to rest")

    def execution(self, arn: str) -> PipelineExecution:
        return self.store.executions.get(Arn(arn.lower()))

    def statuses(self, arn: str) -> dict[str, str]:
        """Status by step."""
        return {step.name: step.status.value for step in self.execution(arn).steps}

    def end(self, arn: str, step: str, status: Status = Status.COMPLETED, reason: str | None = None) -> None:
        """End the job of a step, and move what follows."""
        record = self.execution(arn).record_of(step)
        assert record is not None
        assert record.job is not None
        self.end_job(record.job, status, reason)
        self.move()

    def end_job(self, arn: Arn, status: Status = Status.COMPLETED, reason: str | None = None) -> None:
        """End a job."""
        table = self.store.table(arn)
        job = table.get(arn)
        if status is Status.STOPPED and job.status is Status.IN_PROGRESS:
            job = table.put(replace(job, status=Status.STOPPING))
        table.put(replace(job, status=status, failure_reason=reason))


class RefusedError(Exception):
    """An error of the API: its code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
