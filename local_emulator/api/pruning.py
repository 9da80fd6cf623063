"""Removes from moto's answers what AWS leaves out: optional members with a value that botocore's model does not allow.

moto writes `null` for what was never set, or `"VpcConfig": {}` although a VpcConfig has required members. SDK 3 parses answers into
these types, for which an empty structure is an error and an absent one is not.
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationNotFoundError, Shape, StringShape, StructureShape

from sm_tuning.rules import schema


def pruned(operation: str, content: bytes) -> bytes:
    """Moto's answer to a SageMaker operation without members that are empty against the model; anything else unchanged."""
    try:
        shape = schema.operation(operation).output_shape
        answer = json.loads(content)
    except (OperationNotFoundError, ValueError):
        return content
    if not isinstance(shape, StructureShape) or not isinstance(answer, dict):
        return content
    clean = _structure(shape, answer)
    return content if clean == answer else json.dumps(clean).encode()


def _structure(shape: StructureShape, value: Mapping[str, Any]) -> dict[str, Any]:
    clean = {}
    for name, member in value.items():
        kind = shape.members.get(name)
        kept = member if kind is None else _pruned(kind, member)
        if kind is None or name in shape.required_members or not _cannot_be(kind, kept):
            clean[name] = kept
    return clean


def _pruned(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return _structure(shape, value)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_pruned(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _pruned(shape.value, item) for key, item in value.items()}
    return value


def _cannot_be(shape: Shape, value: object) -> bool:
    if isinstance(shape, StructureShape):
        return value is None or (value == {} and bool(shape.required_members))
    bounds = shape.metadata if isinstance(shape, StringShape | ListShape) else {}
    return value is None or (value in ("", []) and (bounds.get("min", 0) > 0 or bool(bounds.get("enum"))))
