"""Every bound, pattern and enum of botocore's model in our operations, violated one by one."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import regex
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from local_emulator.api import validation
from local_emulator.api.operations import Api
from local_emulator.domain.errors import SerializationException, ValidationException
from sm_tuning.rules import schema

# What breaks a pattern, most likely first; a line break and a NUL byte break nearly every one of them.
_BREAKERS = ("\n", "\0", "!", " ", "-", "é", "a\nb", "*", "a" * 70)

Case = tuple[str, Any, str]
"""Path in AWS's spelling, the whole body, what the message must say."""


def joined(path: str, name: str) -> str:
    """The path to a member of a structure, in AWS's spelling."""
    lower = name[0].lower() + name[1:]
    return f"{path}.{lower}" if path else lower


def _leaf(shape: Shape) -> Iterator[tuple[Any, str]]:
    """Values that break one constraint of the shape itself."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    sized = isinstance(shape, ListShape | MapShape) or shape.type_name == "string"
    if high is not None and high < 10**6:
        yield _of_size(shape, high + 1, sized=sized), f"less than or equal to {high}"
    elif high is not None and not sized:
        yield high + 1, f"less than or equal to {high}"
    if low is not None and (low > 0 or not sized):
        yield _of_size(shape, low - 1, sized=sized), f"greater than or equal to {low}"
    if shape.type_name == "string":
        pattern = shape.metadata.get("pattern")
        if pattern is not None:
            pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")  # Java's pairs of surrogates
            broken = next((text for text in _BREAKERS if not regex.fullmatch(pattern, text)), None)
            if broken is not None:
                yield broken, "Member must satisfy regular expression pattern: "
        if isinstance(shape, StringShape) and shape.enum:
            yield "no-such-value", "Member must satisfy enum value set: ["


def _of_size(shape: Shape, size: int, *, sized: bool) -> Any:
    if isinstance(shape, ListShape):
        return [_plain(shape.member)] * size
    if isinstance(shape, MapShape):
        return {f"k{number}": _plain(shape.value) for number in range(size)}
    return "a" * size if sized else size


def _plain(shape: Shape) -> Any:
    """Some value of the right type, whatever its bounds."""
    return {"structure": {}, "list": [], "map": {}, "string": "a", "boolean": True}.get(shape.type_name, 1)


def _cases(shape: Shape, path: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, str]]:
    """(path, value at the root of this shape, what to expect), for every constraint below it."""
    if shape.name in above:
        return
    above = (*above, shape.name)
    yield from ((path, value, text) for value, text in _leaf(shape))
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inner = joined(path, name)
            if name in shape.required_members:
                yield inner, {}, "Member must not be null"
            yield from ((where, {name: value}, text) for where, value, text in _cases(member, inner, above))
    elif isinstance(shape, ListShape):
        yield from ((where, [value], text) for where, value, text in _cases(shape.member, f"{path}.1.member", above))
    elif isinstance(shape, MapShape):
        if isinstance(shape.value, StructureShape | ListShape | MapShape):
            yield from ((where, {"k": value}, text) for where, value, text in _cases(shape.value, f"{path}.k.member", above))
        else:
            yield from ((path, {"k": value}, "Map value must satisfy constraint: [") for value, _ in _leaf(shape.value))
        yield from ((path, {key: _plain(shape.value)}, "Map keys must satisfy constraint: [") for key, _ in _leaf(shape.key))


CASES = {
    operation: list(_cases(shape, ""))
    for operation in Api.operations
    if (shape := schema.operation(operation).input_shape) is not None
}


def test_they_are_all_there() -> None:
    """848 with botocore 1.43, beside those that nothing can violate: a length of at least 0, the pattern `[\\s\\S]*`."""
    assert sum(map(len, CASES.values())) > 800


@pytest.mark.parametrize("operation", CASES)
def test_types_are_checked(operation: str) -> None:
    shape = schema.operation(operation).input_shape
    assert isinstance(shape, StructureShape)
    for name, member in shape.members.items():
        wrong = {"a": 1} if member.type_name in {"string", "integer", "list", "timestamp", "boolean"} else "text"
        with pytest.raises(SerializationException, match=joined("", name)):
            validation.checked(operation, {name: wrong})


@pytest.mark.parametrize("operation", CASES)
def test_every_constraint_is_checked(operation: str) -> None:
    for path, body, text in CASES[operation]:
        with pytest.raises(ValidationException) as raised:
            validation.checked(operation, body)
        message = str(raised.value)
        assert f"at '{path}' failed to satisfy constraint: {text}" in message or (f"'{path}'" in message and text in message), (
            message
        )


@pytest.mark.parametrize("operation", CASES)
def test_all_violations_are_told_at_once(operation: str) -> None:
    shape = schema.operation(operation).input_shape
    assert isinstance(shape, StructureShape)
    missing = len(shape.required_members)
    if not missing:
        pytest.skip("nothing is required")
    began = time.thread_time()
    with pytest.raises(ValidationException) as raised:
        validation.checked(operation, {})
    assert time.thread_time() - began < 1
    noun = "error" if missing == 1 else "errors"
    assert str(raised.value).startswith(f"{missing} validation {noun} detected: Value null at '")
    assert str(raised.value).count("Member must not be null") == missing


# Enum sets of published messages: each holds what the model had at the time.
RECORDED = {
    "TrainingInputMode": ("Pipe", "FastFile", "File"),
    "TrainingInstanceType": (
        *("ml.p2.xlarge", "ml.m5.4xlarge", "ml.m4.16xlarge", "ml.p3.16xlarge", "ml.m5.large", "ml.p2.16xlarge", "ml.c4.2xlarge"),
        *(
            "ml.c5.2xlarge",
            "ml.c4.4xlarge",
            "ml.c5.4xlarge",
            "ml.g4dn.xlarge",
            "ml.g4dn.12xlarge",
            "ml.c4.8xlarge",
            "ml.g4dn.2xlarge",
        ),
        *(
            "ml.c5.9xlarge",
            "ml.g4dn.4xlarge",
            "ml.c5.xlarge",
            "ml.g4dn.16xlarge",
            "ml.c4.xlarge",
            "ml.g4dn.8xlarge",
            "ml.c5.18xlarge",
        ),
        *(
            "ml.p3dn.24xlarge",
            "ml.p3.2xlarge",
            "ml.m5.xlarge",
            "ml.m4.10xlarge",
            "ml.m5.12xlarge",
            "ml.m4.xlarge",
            "ml.m5.24xlarge",
        ),
        *("ml.m4.2xlarge", "ml.p2.8xlarge", "ml.m5.2xlarge", "ml.p3.8xlarge", "ml.m4.4xlarge"),
    ),
    "ClusterInstanceType": (
        *(
            "ml.m5.4xlarge",
            "ml.trn1.32xlarge",
            "ml.p5.48xlarge",
            "ml.p4d.24xlarge",
            "ml.t3.xlarge",
            "ml.m5.8xlarge",
            "ml.m5.large",
        ),
        *("ml.g5.2xlarge", "ml.g5.4xlarge", "ml.c5.2xlarge", "ml.c5.4xlarge", "ml.g5.8xlarge", "ml.c5n.18xlarge", "ml.c5.large"),
        *(
            "ml.c5.9xlarge",
            "ml.c5.xlarge",
            "ml.c5.12xlarge",
            "ml.c5.24xlarge",
            "ml.trn1n.32xlarge",
            "ml.c5n.2xlarge",
            "ml.g5.xlarge",
        ),
        *(
            "ml.t3.2xlarge",
            "ml.t3.medium",
            "ml.g5.12xlarge",
            "ml.c5n.4xlarge",
            "ml.g5.24xlarge",
            "ml.c5.18xlarge",
            "ml.g5.48xlarge",
        ),
        *("ml.g5.16xlarge", "ml.m5.xlarge", "ml.c5n.large", "ml.t3.large", "ml.m5.12xlarge", "ml.c5n.9xlarge", "ml.m5.24xlarge"),
        *("ml.m5.2xlarge", "ml.m5.16xlarge", "ml.p4de.24xlarge"),
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_enum_sets_have_the_order_that_aws_prints(name: str) -> None:
    shape = schema.service().shape_for(name)
    assert isinstance(shape, StringShape)
    (violation,) = schema.CONSTRAINTS.violations(schema.Member(shape, "no-such-value"))
    printed = violation.message.partition("[")[2].removesuffix("]").split(", ")
    assert set(printed) == set(shape.enum)
    assert [value for value in printed if value in RECORDED[name]] == list(RECORDED[name])
