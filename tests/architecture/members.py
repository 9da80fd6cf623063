"""Which expressions of a module look a member of AWS's documents up."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache

from botocore.model import ListShape, MapShape, Shape, StructureShape

from sm_tuning.rules import schema

_READERS = {"get", "pop", "setdefault"}


@cache
def members(operations: Sequence[str], shape: str) -> frozenset[str]:
    """The names of all members of the `input_shape` or `output_shape` of some operations of SageMaker."""
    shapes = [getattr(schema.operation(name), shape) for name in operations]
    return frozenset(name for shape in shapes if shape is not None for name in _below(shape, set()))


def _below(shape: Shape, known: set[str]) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield name
            if member.name not in known:
                known.add(member.name)
                yield from _below(member, known)
    elif isinstance(shape, ListShape):
        yield from _below(shape.member, known)
    elif isinstance(shape, MapShape):
        yield from _below(shape.value, known)


def reads(source: str, names: frozenset[str]) -> list[str]:
    """Those of some names that a module looks up in a mapping, by an index, a method or `in`."""
    return [key for node in ast.walk(ast.parse(source)) if (key := _key(node)) in names]


def _key(node: ast.AST) -> str:
    """The text that an expression looks up; empty if it does no such thing."""
    match node:
        case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Load()):
            return key
        case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Constant(value=str(key)), *_]) if attr in _READERS:
            return key
        case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.In() | ast.NotIn()]):
            return key
    return ""
