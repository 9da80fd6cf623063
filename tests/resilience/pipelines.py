"""Executions of a pipeline while the emulator is killed: everything that a step makes is there once."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import Server
from tests.resilience.pipeline_steps import GROUP, IMAGE, ROLE, SERVES, STEPS, check_outside, definition

PIPELINE = "kills"
ENDED = {"Succeeded", "Failed", "Stopped"}


class Executions:
    """The executions that were asked for, by their tokens: whether an answer came or not, they are there."""

    def __init__(self, server: Server, source: str, bucket: str, ledger: Path, channel: Mapping[str, Any]) -> None:
        self._server = server
        self._bucket = bucket
        self._ledger = ledger
        self._tokens: list[str] = []
        program = ledger.with_name("serves.py")
        program.write_text(SERVES)
        server.end()  # it has to know the image
        server.arguments = (*server.arguments, "--image", f"{IMAGE}={sys.executable} {program}")
        server.start()
        document = definition(source, bucket, ledger, channel)
        self._client.create_pipeline(PipelineName=PIPELINE, PipelineDefinition=document, RoleArn=ROLE)

    @property
    def _client(self) -> Any:
        return self._server.client("sagemaker")

    def start(self) -> None:
        """Ask for one more."""
        self._tokens.append(f"execution-{len(self._tokens)}".ljust(32, "-"))
        with suppress(BotoCoreError, ClientError):
            self._started(self._tokens[-1])

    def _started(self, token: str) -> str:
        arn: str = self._client.start_pipeline_execution(PipelineName=PIPELINE, ClientRequestToken=token)["PipelineExecutionArn"]
        return arn

    def check(self, patience: float, expect: Callable[[object, str], None]) -> list[str]:
        """Wait until all have ended and compare; the names of the training jobs that they had."""
        arns = [self._started(token) for token in self._tokens]  # each is the execution that it was before
        listed = self._client.get_paginator("list_pipeline_executions").paginate(PipelineName=PIPELINE)
        known = [summary["PipelineExecutionArn"] for page in listed for summary in page["PipelineExecutionSummaries"]]
        expect(sorted(known) == sorted(arns), f"{len(known)} executions for {len(arns)} requests")
        trainings = [name for arn in arns for name in self._check_execution(arn, patience, expect)]
        check_outside(self._server.client, self._bucket, self._ledger, [arn.rpartition("/")[2] for arn in arns], expect)
        with suppress(ClientError):  # without any registration there is no group, which the steps show
            packages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=GROUP)
            made = [package["ModelPackageArn"] for page in packages for package in page["ModelPackageSummaryList"]]
            expect(len(made) == len(arns), f"{len(made)} model packages of {len(arns)} executions")
        return trainings

    def _check_execution(self, arn: str, patience: float, expect: Callable[[object, str], None]) -> list[str]:
        deadline = time.monotonic() + patience
        while (answer := self._client.describe_pipeline_execution(PipelineExecutionArn=arn))[
            "PipelineExecutionStatus"
        ] not in ENDED:
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        listed = self._client.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")[
            "PipelineExecutionSteps"
        ]
        steps: Mapping[str, Any] = {step["StepName"]: step for step in listed}
        story = [(name, step["StepStatus"], step.get("FailureReason")) for name, step in steps.items()]
        expect(answer["PipelineExecutionStatus"] == "Succeeded", f"{arn} is {answer['PipelineExecutionStatus']}: {story}")
        expect(len(listed) == len(steps) and sorted(steps) == sorted(STEPS), f"{arn} has the steps {story}")
        return [name for step in listed for name in self._trainings(step["Metadata"])]

    def _trainings(self, metadata: Mapping[str, Any]) -> list[str]:
        """The training jobs of a step, as they are written."""
        if "TrainingJob" in metadata:
            name = metadata["TrainingJob"]["Arn"].rpartition("/")[2]
            return [str(self._client.describe_training_job(TrainingJobName=name)["TrainingJobName"])]
        if "TuningJob" not in metadata:
            return []
        tuning = metadata["TuningJob"]["Arn"].rpartition("/")[2]
        children = self._client.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=tuning, MaxResults=100
        )
        return [child["TrainingJobName"] for child in children["TrainingJobSummaries"]]
