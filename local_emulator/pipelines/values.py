"""What the functions in a step's arguments come to: `Get`, `Std:Join` and `Std:JsonGet`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_emulator.documents.pipelines import JOB_VARIABLES
from local_emulator.documents.references import JOIN, JSON_GET, Path, check_text, is_function, json_path, path_of
from local_emulator.domain.pipeline import PipelineExecution, Step


class UndefinedError(ValueError):
    """A function has no value; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """Where the values of a step's functions come from.

    `job` is the name of the job that the step makes; `read` returns the content of an S3 object and raises ValueError.
    """

    execution: PipelineExecution
    step: Step
    now: datetime
    job: str
    read: Callable[[str], bytes]

    def evaluated(self, tree: Any) -> Any:  # noqa: ANN401 - JSON
        """The value with all functions replaced; raises UndefinedError."""
        if is_function(tree):
            (function, argument), *_ = tree.items()
            functions: Mapping[str, Callable[[Any], Any]] = {"Get": self._get, JOIN: self._join, JSON_GET: self._json_get}
            return functions[function](argument)
        if isinstance(tree, dict):
            return {name: self.evaluated(value) for name, value in tree.items()}
        return [self.evaluated(value) for value in tree] if isinstance(tree, list) else tree

    def _get(self, reference: str) -> Any:  # noqa: ANN401 - JSON
        root, *rest = path_of(reference)
        if root == "Parameters":
            return self.execution.parameters[str(rest[0])]
        if root == "Execution":
            return self._variables()[str(rest[0])]
        record = self.execution.record_of(str(rest[0]))
        return at(record.properties if record else {}, tuple(rest[1:]), reference)

    def _variables(self) -> Mapping[str, str]:
        execution = self.execution
        own = {JOB_VARIABLES[self.step.kind]: self.job} if self.step.kind in JOB_VARIABLES else {}
        return own | {
            "StartDateTime": _iso(execution.created),
            "CurrentDateTime": _iso(self.now),
            "PipelineName": execution.pipeline.lower(),  # recorded, as in the ARNs
            "PipelineArn": execution.arn.partition("/execution/")[0],
            "PipelineExecutionId": execution.id,
            "PipelineExecutionArn": execution.arn,
        }

    def _join(self, argument: Mapping[str, Any]) -> str:
        return str(argument.get("On", "")).join(as_text(self.evaluated(value)) for value in argument["Values"])

    def _json_get(self, argument: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        if "PropertyFile" in argument:
            _, step, _, file = path_of(argument["PropertyFile"]["Get"])
            uri = self._uri_of_file(str(step), str(file))
        else:
            uri = self.evaluated(argument["S3Uri"])
        if not isinstance(uri, str):
            raise UndefinedError(f"the S3Uri of a Std:JsonGet came to {as_text(uri)}, which is no text")
        try:
            text = self.read(uri)
        except ValueError as error:
            raise UndefinedError(str(error)) from error
        try:
            content = json.loads(text)
            check_text(content)
        except (ValueError, RecursionError) as error:
            raise UndefinedError(f"the content of {uri} is no JSON") from error
        path = argument["Path"]
        return at(content, json_path(path), f"{path} in {uri}")

    def _uri_of_file(self, step: str, name: str) -> str:
        """The S3 URI of a property file."""
        file = next(file for file in self.execution.plan.step(step).property_files if file.name == name)
        base = self._get(f"Steps.{step}.ProcessingOutputConfig.Outputs['{file.output}'].S3Output.S3Uri")
        return f"{base.rstrip('/')}/{file.path}"


def at(value: Any, path: Path, whole: str) -> Any:  # noqa: ANN401 - JSON
    """The part of a value at a path. In a list of named things a name stands for the one that has it. Raises UndefinedError."""
    for part in path:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif isinstance(value, list) and isinstance(part, str) and (named := _named(value, part)) is not None:
            value = named
        elif isinstance(value, dict) and str(part) in value:
            value = value[str(part)]
        else:
            raise UndefinedError(f"{whole} is undefined")
    return value


def _named(items: Sequence[Any], name: str) -> Any:  # noqa: ANN401 - JSON
    """The item whose OutputName, InputName, ChannelName, MetricName, … is `name`."""
    for item in items:
        if isinstance(item, dict) and any(member.endswith("Name") and value == name for member, value in item.items()):
            return item
    return None


def as_text(value: object) -> str:
    """A value as Std:Join writes it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | dict | list | None) else str(value)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def experiment(execution: PipelineExecution) -> Mapping[str, str]:
    """The PipelineExperimentConfig of an execution, in which parameters and variables of the execution alone may stand."""
    first = execution.plan.steps[0]
    values = Values(execution=execution, step=first, now=execution.created, job="", read=_nothing)
    evaluated: Mapping[str, str] = values.evaluated(execution.plan.experiment)
    return evaluated


def _nothing(uri: str) -> bytes:
    raise ValueError(f"{uri} cannot be read here")
