"""RecordIO-wrapped protobuf, as AWS's algorithms read it (`aialgs.data.Record` of the SageMaker SDK's record.proto)."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from local_emulator.algorithms.contract import CustomerError, Floats

_MAGIC = 0xCED7230A
_LENGTH = (1 << 29) - 1
_HEADER = struct.Struct("<II")
_FIELD = descriptor_pb2.FieldDescriptorProto
_TENSORS = {"Float32Tensor": _FIELD.TYPE_FLOAT, "Float64Tensor": _FIELD.TYPE_DOUBLE, "Int32Tensor": _FIELD.TYPE_INT32}
_KINDS = (("float32_tensor", 2, "Float32Tensor"), ("float64_tensor", 3, "Float64Tensor"), ("int32_tensor", 7, "Int32Tensor"))


@cache
def _record() -> Any:  # noqa: ANN401 - protobuf makes the class at run time
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
    for name, kind in _TENSORS.items():
        tensor = file.message_type.add(name=name)
        for number, (field, of) in enumerate(
            (("values", kind), ("keys", _FIELD.TYPE_UINT64), ("shape", _FIELD.TYPE_UINT64)), start=1
        ):
            member = tensor.field.add(name=field, number=number, type=of, label=_FIELD.LABEL_REPEATED)
            member.options.packed = True
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for field, number, name in _KINDS:
        kind_of = {"type": _FIELD.TYPE_MESSAGE, "type_name": f".aialgs.data.{name}", "label": _FIELD.LABEL_OPTIONAL}
        value.field.add(name=field, number=number, oneof_index=0, **kind_of)
    record = file.message_type.add(name="Record")
    for number, field in enumerate(("features", "label"), start=1):
        entry = record.nested_type.add(name=f"{field.capitalize()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
        kind_of = {"type": _FIELD.TYPE_MESSAGE, "type_name": ".aialgs.data.Value", "label": _FIELD.LABEL_OPTIONAL}
        entry.field.add(name="value", number=2, **kind_of)
        record.field.add(
            name=field,
            number=number,
            type=_FIELD.TYPE_MESSAGE,
            type_name=f".aialgs.data.Record.{entry.name}",
            label=_FIELD.LABEL_REPEATED,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


def _payloads(content: bytes, name: str) -> Iterator[bytes]:
    at = 0
    parts: list[bytes] = []
    while at < len(content):
        if at + _HEADER.size > len(content):
            raise CustomerError(f"The file {name} is cut off in a RecordIO header.")
        magic, length = _HEADER.unpack_from(content, at)
        if magic != _MAGIC:
            raise CustomerError(f"The file {name} is not RecordIO: it lacks the magic number at byte {at}.")
        size, flag = length & _LENGTH, length >> 29
        at += _HEADER.size
        if at + size > len(content):
            raise CustomerError(f"The file {name} is cut off in a RecordIO record.")
        parts.append(content[at : at + size])
        if flag in {0, 3}:  # a whole record, or the last part of one
            yield b"".join(parts)
            parts = []
        at += (size + 3) // 4 * 4


def write(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Records whose labels are the named values of each row, a number or a list of numbers, as AWS's algorithms answer."""
    records = []
    for row in rows:
        record = _record()()
        for name, value in row.items():
            record.label[name].float32_tensor.values.extend(value if isinstance(value, list) else [value])
        content = record.SerializeToString()
        records.append(_HEADER.pack(_MAGIC, len(content)) + content + b"\0" * (-len(content) % 4))
    return b"".join(records)


def read_labels(content: bytes) -> list[dict[str, list[float]]]:
    """The named values of each record's label, as `write` makes them; raises CustomerError."""
    records = [_record().FromString(payload) for payload in _payloads(content, "the response")]
    return [{name: list(_tensor(value, "the response").values) for name, value in record.label.items()} for record in records]


def _tensor(value: Any, name: str) -> Any:  # noqa: ANN401 - one of the tensors
    kind = value.WhichOneof("value")
    if kind is None:
        raise CustomerError(f"A record of {name} has a value that is no tensor.")
    return getattr(value, kind)


def read(content: bytes, name: str, width: int | None = None) -> tuple[Any, Floats | None]:
    """Features (rows x columns; dense, or CSR if the records are sparse) and labels (None if there are none).

    `width` is the number of columns; None: the records know. Raises CustomerError.
    """
    Record = _record()  # noqa: N806 - a class
    rows, keys, ends, labels, shape = [], [], [0], [], 0
    sparse = False
    for payload in _payloads(content, name):
        try:
            record = Record.FromString(payload)
        except Exception as error:
            raise CustomerError(f"A record of {name} is not an aialgs.data.Record: {error}") from error
        if "values" not in record.features:
            raise CustomerError(f"A record of {name} has no feature 'values'.")
        tensor = _tensor(record.features["values"], name)
        rows.append(np.asarray(tensor.values, dtype=np.float64))
        keys.append(np.asarray(tensor.keys, dtype=np.int64))
        sparse = sparse or bool(len(tensor.shape)) or bool(len(tensor.keys))
        shape = max(shape, *tensor.shape) if len(tensor.shape) else shape
        ends.append(ends[-1] + len(rows[-1]))
        if "values" in record.label:
            labels.append(float(_tensor(record.label["values"], name).values[0]))
    if not rows:
        return np.empty((0, width or 0)), None
    targets = np.asarray(labels) if len(labels) == len(rows) else None
    if not sparse:
        if len({len(row) for row in rows}) > 1:
            raise CustomerError(f"The records of {name} have different numbers of features.")
        return np.stack(rows), targets
    columns = np.concatenate(keys)
    wide = width or shape or int(columns.max(initial=-1)) + 1
    if columns.size and columns.max() >= wide:
        raise CustomerError(f"A record of {name} has the feature {columns.max()}; feature_dim is {wide}.")
    return scipy.sparse.csr_matrix((np.concatenate(rows), columns, np.asarray(ends)), shape=(len(rows), wide)), targets
