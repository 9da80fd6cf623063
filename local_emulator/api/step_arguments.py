"""The arguments of a pipeline's steps against botocore's model of what they are sent to, as far as they have no functions.

In AWS's words, as far as they are known: what is checked here fails CreatePipeline, what is not fails the step.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from local_emulator.documents.pipelines import DefinitionError
from local_emulator.documents.references import is_function
from local_emulator.domain.pipeline import Step, StepKind
from local_emulator.pipelines.operations import OPERATIONS
from sm_tuning.rules import schema

_NOT_IN_PIPELINES = {StepKind.REGISTER_MODEL: {"ModelPackageName", "ClientToken"}}  # recorded for the first


def check(step: Step) -> None:
    """Raise DefinitionError if an argument of a step is none of its operation's, or is not of its type."""
    operations = OPERATIONS.get(step.kind)
    if operations is None:
        return
    shape: Any = schema.operation(operations.create).input_shape
    for name in sorted(_NOT_IN_PIPELINES.get(step.kind, set()) & step.arguments.keys()):
        raise DefinitionError(f"Unknown Argument member '{name}'.")
    for problem in _problems(shape, step.arguments):
        raise DefinitionError(f"{problem} (step '{step.name}')")
    given = {operations.name, *step.arguments}  # the step names what it makes
    missing = [name for name in shape.required_members if name not in given and not _filled(shape, name)]
    if missing:
        raise DefinitionError(f"Missing required argument '{missing[0]}' of {operations.create}. (step '{step.name}')")


def _filled(shape: Any, name: str) -> bool:  # noqa: ANN401 - botocore's shapes have no types
    """Whether clients fill in a member by themselves."""
    return bool(shape.members[name].metadata.get("idempotencyToken"))


def _problems(shape: Any, value: Any) -> Iterator[str]:  # noqa: ANN401 - botocore's shapes, JSON
    if is_function(value) or value is None:
        return
    kind = shape.type_name
    if kind in {"structure", "map"} and not isinstance(value, dict):
        yield "Expecting start of Json Object."
    elif kind == "list" and not isinstance(value, list):
        yield "Expecting start of Json Array."
    elif kind in {"structure", "map", "list"}:
        unknown = value.keys() - shape.members.keys() if kind == "structure" else ()
        yield from (f"Unknown Argument member '{name}'." for name in sorted(unknown))
        for inner, member in _parts(shape, value):
            yield from _problems(inner, member)
    else:
        yield from _scalar_problems(shape, value)


def _parts(shape: Any, value: Any) -> Sequence[tuple[Any, Any]]:  # noqa: ANN401 - botocore's shapes, JSON
    """Shape and value of what is inside a value."""
    if shape.type_name == "structure":
        return [(shape.members[name], member) for name, member in value.items() if name in shape.members]
    if shape.type_name == "map":
        return [(shape.value, member) for member in value.values()]
    return [(shape.member, member) for member in value]


def _scalar_problems(shape: Any, value: Any) -> Iterator[str]:  # noqa: ANN401 - botocore's shapes, JSON
    values: Sequence[str] = getattr(shape, "enum", ())
    if values and isinstance(value, str) and value not in values:
        known = ", ".join(schema.in_order_of_aws(tuple(values)))
        yield f"Model Validation failed: Value '{value}' for '{shape.name}' failed to satisfy enum value set: [{known}]"
    elif isinstance(value, dict | list):
        yield f"Expecting a value of type {shape.type_name}, not {type(value).__name__}."
