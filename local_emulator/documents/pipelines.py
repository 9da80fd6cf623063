"""Parses the definition of a pipeline (version 2020-12-01), once; whatever is wrong with it is told here, before anything runs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from local_emulator.documents.durations import duration
from local_emulator.documents.references import (
    JOIN,
    check_conditions,
    check_functions,
    check_text,
    is_function,
    path_of,
    references,
    steps_of,
)
from local_emulator.domain.pipeline import (
    Branch,
    Parameter,
    PipelineDefinition,
    PropertyFile,
    RetryPolicy,
    Scalar,
    Step,
    StepException,
    StepKind,
)
from sm_tuning.rules.request import repeated

VERSION = "2020-12-01"
EXECUTION_VARIABLES = frozenset(
    {"StartDateTime", "CurrentDateTime", "PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn"}
)
JOB_VARIABLES: Mapping[StepKind, str] = {StepKind.TRAINING: "TrainingJobName", StepKind.PROCESSING: "ProcessingJobName"}
"""Execution variables that only steps of a kind know: the name of the step's own job."""

_TYPES: Mapping[str, tuple[type, ...]] = {"String": (str,), "Integer": (int,), "Float": (int, float), "Boolean": (bool,)}
_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_LONGEST_INTERVAL, _MOST_ATTEMPTS, _LONGEST_EXPIRY = 43_200, 20, 14_400  # seconds, retries, minutes
_MOST_STEPS = 50
_OF_EVERY_STEP = {"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"}
_OF_JOBS = {"RetryPolicies", "CacheConfig"}
_MEMBERS: Mapping[StepKind, set[str]] = {
    StepKind.TRAINING: _OF_JOBS,
    StepKind.TUNING: _OF_JOBS,
    StepKind.PROCESSING: {*_OF_JOBS, "PropertyFiles"},
    StepKind.TRANSFORM: _OF_JOBS,
    StepKind.MODEL: {"RetryPolicies"},
    StepKind.REGISTER_MODEL: {"RetryPolicies"},
    StepKind.LAMBDA: {"FunctionArn", "OutputParameters", "CacheConfig"},
    StepKind.CONDITION: set(),
    StepKind.FAIL: set(),
}
_PREFIX = "Unable to parse pipeline definition."


class DefinitionError(ValueError):
    """A definition breaks a rule; the text is the message of AWS's ValidationException."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{_PREFIX} {text}")


def definition(text: str) -> PipelineDefinition:
    """The parsed definition; raises DefinitionError."""
    try:
        document = json.loads(text)
        check_text(document)
        return _definition(document)
    except DefinitionError:
        raise
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"It is no JSON: {str(error)[:200]}") from error


def _definition(document: Any) -> PipelineDefinition:  # noqa: ANN401 - JSON
    _object(document, "the definition")
    version = document.get("Version")
    if version != VERSION:
        raise DefinitionError(f"Version is {version!r}; it must be '{VERSION}'.")
    parameters = tuple(map(_parameter, _list(document.get("Parameters", []), "Parameters")))
    steps = tuple(_steps(_list(document.get("Steps"), "Steps"), None))
    parsed = PipelineDefinition(
        parameters=parameters,
        steps=steps,
        experiment=_object(document.get("PipelineExperimentConfig") or {}, "PipelineExperimentConfig"),
    )
    _check_names(parsed)
    for step in steps:
        _check_references(parsed, step)
    _check_experiment(parsed)
    _check_order(parsed)
    return parsed


def of_request(request: Mapping[str, Any]) -> PipelineDefinition:
    """The parsed definition of an execution's request."""
    return definition(request["PipelineDefinition"])


def _object(value: Any, what: str) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        raise DefinitionError(f"Expecting start of Json Object. ({what})")
    return value


def _list(value: Any, what: str) -> Sequence[Any]:  # noqa: ANN401 - JSON
    if not isinstance(value, list):
        raise DefinitionError(f"Expecting start of Json Array. ({what})")
    return value


def _parameter(document: Any) -> Parameter:  # noqa: ANN401 - JSON
    parameter = _object(document, "Parameters")
    name, kind = parameter.get("Name"), parameter.get("Type")
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"A parameter's Name is {name!r}; it must be a text.")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise DefinitionError(f"Parameter '{name}' has Type {kind!r}; it must be one of {', '.join(_TYPES)}.")
    default, values = parameter.get("DefaultValue"), tuple(_list(parameter.get("EnumValues", []), f"EnumValues of '{name}'"))
    for value in (*values, *([] if default is None else [default])):
        if not is_of(kind, value):
            raise DefinitionError(f"Parameter '{name}' is of Type {kind}; {value!r} is not.")
    if values and default is not None and default not in values:
        raise DefinitionError(f"The DefaultValue {default!r} of parameter '{name}' is none of its EnumValues.")
    return Parameter(name=name, kind=kind, default=default, values=values)


def is_of(kind: str, value: object) -> bool:
    """Whether a value is of one of the types String, Integer, Float and Boolean."""
    return isinstance(value, _TYPES[kind]) and (kind == "Boolean") == isinstance(value, bool)


def parameter_value(parameter: Parameter, text: str) -> Scalar:
    """The value that a text stands for; raises ValueError, whose text says what is wrong."""
    value: Scalar = text
    try:
        if parameter.kind == "Boolean":
            value = {"true": True, "false": False}[text.lower()]
        elif parameter.kind != "String":
            value = int(text) if parameter.kind == "Integer" else float(text)
    except (ValueError, KeyError) as error:
        raise ValueError(f"Parameter '{parameter.name}' is of Type {parameter.kind}; '{text}' is not.") from error
    if parameter.values and value not in parameter.values:
        allowed = ", ".join(map(str, parameter.values))
        raise ValueError(f"The value '{text}' of parameter '{parameter.name}' is none of its EnumValues: {allowed}.")
    return value


# --- steps ------------------------------------------------------------------------------------------------------------------


def _steps(documents: Sequence[Any], branch: Branch | None) -> Iterator[Step]:
    """Steps in the order in which they are written, those of a condition's branches behind it."""
    for document in documents:
        step = _step(_object(document, "Steps"), branch)
        yield step
        if step.kind is StepKind.CONDITION:
            for member, outcome in (("IfSteps", True), ("ElseSteps", False)):
                inner = _list(step.arguments.get(member, []), f"{member} of '{step.name}'")
                yield from _steps(inner, Branch(condition=step.name, outcome=outcome))


def _step(document: Mapping[str, Any], branch: Branch | None) -> Step:
    name, kind = document.get("Name"), _kind(document)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DefinitionError(f"A step's Name is {name!r}; it must have 1 to 64 letters, digits, '-' and '_'.")
    for member in document.keys() - _OF_EVERY_STEP - _MEMBERS[kind]:
        raise DefinitionError(f"Unknown member '{member}' in step '{name}' of Type {kind}.")
    arguments = _object(document.get("Arguments", {} if kind is StepKind.LAMBDA else None), f"Arguments of '{name}'")
    own = _list(document.get("DependsOn", []), f"DependsOn of '{name}'")
    used = _own(kind, arguments)
    try:
        check_functions(used)
        if kind is StepKind.CONDITION:
            check_conditions(used)
        depends_on = {*map(_depended_on, own), *steps_of(used)}
    except ValueError as error:
        raise DefinitionError(f"In step '{name}' {error}.") from error
    return Step(
        name=name,
        kind=kind,
        arguments=arguments,
        depends_on=frozenset(depends_on | ({branch.condition} if branch else set())),
        branch=branch,
        display_name=_text(name, document, "DisplayName"),
        description=_text(name, document, "Description"),
        retry_policies=tuple(_retry_policy(name, policy) for policy in _entries(name, document, "RetryPolicies")),
        cache=_cache(name, document.get("CacheConfig") or {}),
        property_files=tuple(_property_file(name, file) for file in _entries(name, document, "PropertyFiles")),
        function_arn=_function(name, document) if kind is StepKind.LAMBDA else None,
        outputs=dict(_output(name, output) for output in _entries(name, document, "OutputParameters")),
    )


def _entries(step: str, document: Mapping[str, Any], member: str) -> Sequence[Any]:
    """A list of a step, which may be absent or null."""
    return _list(document.get(member) or [], f"{member} of '{step}'")


def _text(step: str, document: Mapping[str, Any], member: str) -> str | None:
    value = document.get(member)
    if value is not None and not isinstance(value, str):
        raise DefinitionError(f"{member} of step '{step}' is {value!r}; it must be a text.")
    return value


def _output(step: str, document: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON
    output = _object(document, f"OutputParameters of '{step}'")
    name, kind = output.get("OutputName"), output.get("OutputType", "String")
    if not isinstance(name, str) or not name or not isinstance(kind, str) or kind not in _TYPES:
        raise DefinitionError(
            f"An output of step '{step}' has the OutputName {name!r} and the OutputType {kind!r}; "
            f"they must be a text and one of {', '.join(_TYPES)}."
        )
    return name, kind


def _own(kind: StepKind, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The arguments of a step without the steps of its branches."""
    return arguments.get("Conditions") if kind is StepKind.CONDITION else arguments


def _kind(document: Mapping[str, Any]) -> StepKind:
    kind = document.get("Type")
    if not isinstance(kind, str) or kind not in set(StepKind):
        runs = ", ".join(StepKind)
        raise DefinitionError(
            f"Step '{document.get('Name')}' is of Type '{kind}', which is not emulated: nothing here would carry it out. "
            f"These run here: {runs}."
        )
    return StepKind(kind)


def _depended_on(entry: object) -> str:
    """A step's name in DependsOn; SDKs also write `Steps.NAME`."""
    if not isinstance(entry, str):
        raise DefinitionError(f"DependsOn has {entry!r}; it must hold names of steps.")
    return entry.removeprefix("Steps.")


def _function(name: str, document: Mapping[str, Any]) -> str:
    arn = document.get("FunctionArn")
    if not isinstance(arn, str) or not arn:
        raise DefinitionError(f"Step '{name}' is of Type Lambda and has no FunctionArn.")
    return arn


def _retry_policy(step: str, document: Any) -> RetryPolicy:  # noqa: ANN401 - JSON
    policy = _object(document, f"RetryPolicies of '{step}'")
    given = policy.get("ExceptionType", [])
    listed = [given] if isinstance(given, str) else _list(given, f"ExceptionType of '{step}'")
    exceptions = frozenset(map(str, listed))
    if not exceptions or not exceptions <= set(StepException):
        raise DefinitionError(
            f"The retry policy of step '{step}' has the ExceptionType {sorted(exceptions)}; "
            f"known are {', '.join(sorted(StepException))}."
        )
    numbers = {
        "IntervalSeconds": (1, 0, _LONGEST_INTERVAL),
        "BackoffRate": (2.0, 0, float("inf")),
        "MaxAttempts": (5, 1, _MOST_ATTEMPTS),
        "ExpireAfterMin": (None, 1, _LONGEST_EXPIRY),
    }
    values = {}
    for member, (default, low, high) in numbers.items():
        values[member] = _number(step, member, policy.get(member, default), low, high)
    expiry = values["ExpireAfterMin"]
    if expiry is not None and "MaxAttempts" not in policy:
        values["MaxAttempts"] = _MOST_ATTEMPTS
    return RetryPolicy(
        exceptions=frozenset(map(StepException, exceptions)),
        interval=timedelta(seconds=values["IntervalSeconds"] or 0),
        backoff=values["BackoffRate"] or 0.0,
        max_attempts=int(values["MaxAttempts"] or 0),
        expire_after=None if expiry is None else timedelta(minutes=expiry),
    )


def _number(step: str, member: str, value: Any, low: float, high: float) -> float | None:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise DefinitionError(f"{member} of step '{step}' is {value!r}; it must be a number from {low} to {high:g}.")
    return value


def _cache(step: str, document: Any) -> timedelta | None:  # noqa: ANN401 - JSON
    config = _object(document, f"CacheConfig of '{step}'")
    if config.get("Enabled") is not True:
        return None
    if "ExpireAfter" not in config:
        return timedelta.max
    try:
        return duration(config["ExpireAfter"])
    except ValueError as error:
        raise DefinitionError(f"ExpireAfter of step '{step}': {error}.") from error


def _property_file(step: str, document: Any) -> PropertyFile:  # noqa: ANN401 - JSON
    file = _object(document, f"PropertyFiles of '{step}'")
    members = [file.get(member) for member in ("PropertyFileName", "OutputName", "FilePath")]
    if not all(isinstance(member, str) and member for member in members):
        raise DefinitionError(f"A property file of step '{step}' needs PropertyFileName, OutputName and FilePath.")
    name, output, path = map(str, members)
    return PropertyFile(name=name, output=output, path=path)


# --- how they belong together -------------------------------------------------------------------------------------------------


def _check_names(parsed: PipelineDefinition) -> None:
    for what, names in {"steps": [step.name for step in parsed.steps], "parameters": [p.name for p in parsed.parameters]}.items():
        if twice := repeated(names):
            raise DefinitionError(f"Pipeline {what} cannot have duplicate names: {', '.join(twice)}.")
    if not 1 <= len(parsed.steps) <= _MOST_STEPS:
        raise DefinitionError(f"A pipeline has {len(parsed.steps)} steps; it must have from 1 to {_MOST_STEPS}.")


def _check_references(parsed: PipelineDefinition, step: Step) -> None:
    """That everything a step refers to is there."""
    steps = {other.name: other for other in parsed.steps}
    for name in sorted(step.depends_on):
        if name not in steps:
            raise DefinitionError(f"Step '{step.name}' depends on the step '{name}', which the pipeline does not have.")
        if steps[name].kind is StepKind.FAIL:
            raise DefinitionError(f"{step.name} can not depends on {name}: it is a Fail step.")
    for text in references(_own(step.kind, step.arguments)):
        _check_reference(parsed, f"step '{step.name}'", text, steps, JOB_VARIABLES.get(step.kind))


def _check_reference(
    parsed: PipelineDefinition, where: str, text: str, steps: Mapping[str, Step], job_variable: str | None = None
) -> None:
    """That what a reference refers to is there: a parameter, a variable of the execution, one of `steps`."""
    root, *rest = path_of(text)
    name = rest[0] if rest else None
    if root == "Parameters" and len(rest) == 1:
        if name not in {parameter.name for parameter in parsed.parameters}:
            raise DefinitionError(f"'{text}' in {where} refers to the parameter '{name}', which the pipeline does not have.")
    elif root == "Execution" and len(rest) == 1:
        if name not in EXECUTION_VARIABLES and name != job_variable:
            raise DefinitionError(f"A Get in {where} refers to '{text}', which no execution of it has.")
    elif root == "Steps" and len(rest) > 1 and name in steps:
        if rest[1] == "PropertyFiles" and rest[2:3] and rest[2] not in {file.name for file in steps[str(name)].property_files}:
            raise DefinitionError(
                f"'{text}' in {where} refers to the property file '{rest[2]}', which step '{name}' does not have."
            )
    else:
        kinds = "parameter, step or variable" if steps else "parameter or variable"
        raise DefinitionError(f"'{text}' in {where} refers to no {kinds} of the execution.")


def _check_experiment(parsed: PipelineDefinition) -> None:
    """That the names of the experiment are known when an execution begins."""
    for member, value in parsed.experiment.items():
        where = f"{member} of PipelineExperimentConfig"
        if not (isinstance(value, str) or is_function(value)) or not _is_known_at_once(value):
            raise DefinitionError(
                f"{where} is {value!r}; it must be a text, or a Get or Std:Join of parameters and variables of the execution."
            )
        try:
            check_functions(value)
            for text in references(value):
                _check_reference(parsed, where, text, {})
        except DefinitionError:
            raise
        except ValueError as error:
            raise DefinitionError(f"In {where} {error}.") from error


def _is_known_at_once(value: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether no file is read for a value."""
    if isinstance(value, dict) and set(value) == {JOIN}:
        values = value[JOIN].get("Values") if isinstance(value[JOIN], dict) else None
        return not isinstance(values, list) or all(map(_is_known_at_once, values))  # what is no list is refused as that
    return not isinstance(value, dict | list) or set(value) == {"Get"}


def _check_order(parsed: PipelineDefinition) -> None:
    """That no step waits for itself."""
    waiting = {step.name: set(step.depends_on) for step in parsed.steps}
    while ready := {name for name, others in waiting.items() if not others & waiting.keys()}:
        waiting = {name: others for name, others in waiting.items() if name not in ready}
    if waiting:
        raise DefinitionError(f"Cycle detected in pipeline step graph: {' -> '.join(_cycle(waiting))}.")


def _cycle(waiting: Mapping[str, set[str]]) -> Sequence[str]:
    """A chain of steps each of which waits for the next, back to the first."""
    chain = [min(waiting)]
    while chain.count(chain[-1]) == 1:
        chain.append(min(waiting[chain[-1]] & waiting.keys()))
    return chain[chain.index(chain[-1]) :]
