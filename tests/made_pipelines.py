"""Definitions and executions of pipelines for tests."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_emulator.documents.pipelines import definition
from local_emulator.domain.names import AwsScope
from local_emulator.domain.pipeline import ExecutionStatus, PipelineExecution, StepExecution, StepStatus

BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)
SCOPE = AwsScope(region="us-east-1", account="123456789012")


def step(name: str, kind: str = "Fail", arguments: Any = None, **members: Any) -> dict[str, Any]:
    """A step of a definition."""
    return {"Name": name, "Type": kind, "Arguments": {} if arguments is None else arguments, **members}


def condition(name: str, then: list[Any], otherwise: list[Any], **condition: Any) -> dict[str, Any]:
    """A Condition step with one condition, by default one that holds."""
    conditions = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1, **condition}]
    return step(name, "Condition", {"Conditions": conditions, "IfSteps": then, "ElseSteps": otherwise})


def document(*steps: Mapping[str, Any], **members: Any) -> str:
    """The text of a definition."""
    return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps, **members})


def execution(*steps: Mapping[str, Any], parallel: int = 50, **members: Any) -> PipelineExecution:
    """An execution that has just begun."""
    text = document(*steps, **members)
    plan = definition(text)
    name = "Abalone/execution/ztefwbnlgoif"
    return PipelineExecution(
        name=name,
        arn=SCOPE.arn("pipeline", name),
        request={"PipelineDefinition": text, "RoleArn": "arn:aws:iam::123456789012:role/Role"},
        plan=plan,
        parameters={parameter.name: parameter.default for parameter in plan.parameters if parameter.default is not None},
        parallelism=parallel,
        status=ExecutionStatus.EXECUTING,
        created=BEGIN,
        modified=BEGIN,
    )


def record(name: str, status: StepStatus, **members: Any) -> StepExecution:
    """What became of a step."""
    return StepExecution(name=name, status=status, started=BEGIN, **members)
