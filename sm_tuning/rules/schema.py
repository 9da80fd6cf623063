"""The rules of single members: types, bounds, patterns and known values, from botocore's own model of the request."""

import functools
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sm_tuning.rules.violation import Problem

if TYPE_CHECKING:
    from botocore.model import Shape


@functools.cache
def _input_shape() -> "Shape":
    from botocore.loaders import Loader  # noqa: PLC0415 - a tenth of a second that building a request need not pay
    from botocore.model import ServiceModel  # noqa: PLC0415 - see above

    service = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
    shape = service.operation_model("CreateHyperParameterTuningJob").input_shape
    if shape is None:
        raise LookupError("botocore's model has no input for CreateHyperParameterTuningJob")
    return shape


def problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    """What of a request of CreateHyperParameterTuningJob is not as botocore's model has it."""
    yield from _walk(_input_shape(), request, "")


def _walk(shape: Any, value: Any, path: str) -> Iterator[Problem]:  # noqa: ANN401, C901 - any member, one branch for each kind
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield Problem("model-required", _join(path, name), None, "it is required")
        for name, one in value.items():
            yield from _walk(shape.members[name], one, _join(path, name))
    elif kind == "list":
        yield from _bounds(shape, value, len(value), path, "members")
        for place, one in enumerate(value):
            yield from _walk(shape.member, one, f"{path}[{place}]")
    elif kind == "map":
        yield from _bounds(shape, value, len(value), path, "entries")
        for name, one in value.items():
            yield from _walk(shape.key, name, f"{path} (key)")
            yield from _walk(shape.value, one, f"{path}.{name}")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in {"integer", "long", "float", "double"}:
        yield from _number(shape, value, path, whole=kind in {"integer", "long"})


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _string(shape: Any, value: object, path: str) -> Iterator[Problem]:  # noqa: ANN401 - botocore's shape
    if not isinstance(value, str):
        yield Problem("model-type", path, value, "it must be a string")
        return
    yield from _bounds(shape, value, len(value), path, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        yield Problem("model-pattern", path, value, f"it must match {pattern}")
    if shape.enum and value not in shape.enum:
        known = ", ".join(shape.enum[:12]) + (", …" if len(shape.enum) > 12 else "")  # noqa: PLR2004 - a line
        yield Problem("model-enum", path, value, f"it must be one of {known}")


def _number(shape: Any, value: object, path: str, *, whole: bool) -> Iterator[Problem]:  # noqa: ANN401 - botocore's shape
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
        yield Problem("model-type", path, value, "it must be a whole number" if whole else "it must be a number")
        return
    yield from _bounds(shape, value, value, path, "")


def _bounds(shape: Any, value: object, size: float, path: str, noun: str) -> Iterator[Problem]:  # noqa: ANN401 - botocore's shape
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    has = f"have {{}} {noun}" if noun else "be {}"
    if low is not None and size < low:
        yield Problem("model-min", path, value, f"it must {has.format(f'at least {low}')}")
    if high is not None and size > high:
        yield Problem("model-max", path, value, f"it must {has.format(f'at most {high}')}")


@functools.cache
def _compiled(pattern: str) -> "re.Pattern[str]":
    # Python's re knows no Unicode properties: letters, separators and numbers are near enough to \w and \s.
    translated = (
        pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d").replace(r"\p{Alnum}", "a-zA-Z0-9")
    )
    return re.compile(translated)
