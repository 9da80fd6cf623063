"""Requests and responses of AWS's own algorithms: the common formats for inference of the developer guide."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from local_emulator.algorithms import recordio

JSON, LINES, CSV, RECORDIO = "application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf"
Row = Mapping[str, float | Sequence[float]]
"""What is answered of a record: numbers and lists of numbers by their names."""


class UnreadableError(Exception):
    """A body that does not have its content type's form."""


def features(body: bytes, kind: str, width: int) -> Any:  # noqa: ANN401 - an array, or a sparse matrix
    """The records of a body (rows x width), dense, or CSR if they are sparse; raises UnreadableError."""
    try:
        read = _read(body, kind, width)
    except Exception as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
    if read.shape[1] != width:
        raise UnreadableError(f"The records have {read.shape[1]} features; those that the model was trained with had {width}.")
    return read


def _read(body: bytes, kind: str, width: int) -> Any:  # noqa: ANN401 - see above
    if kind == RECORDIO:
        return recordio.read(body, "the request", width)[0]
    if kind == CSV:
        return np.loadtxt(io.BytesIO(body), delimiter=",", ndmin=2, comments=None)
    text = body.decode()
    instances = (
        json.loads(text)["instances"] if kind == JSON else [json.loads(line) for line in text.splitlines() if line.strip()]
    )
    tensors = [_tensor(instance) for instance in instances]
    if not any("keys" in tensor for tensor in tensors):
        return np.array([tensor["values"] for tensor in tensors], dtype=np.float64)
    rows = [scipy.sparse.csr_matrix((t["values"], t["keys"], [0, len(t["keys"])]), shape=(1, t["shape"][0])) for t in tensors]
    return scipy.sparse.vstack(rows, format="csr")


def _tensor(instance: Mapping[str, Any]) -> Mapping[str, Any]:
    """`{"features": [1, 2]}`, `{"data": {"features": {"values": [1, 2]}}}`, the latter with `keys` and `shape` if it is sparse."""
    content = instance["data"]["features"] if "data" in instance else instance["features"]
    return {"values": content} if isinstance(content, list) else content


def accepted(header: str, default: str, *, csv: bool) -> tuple[str, bool]:
    """What a response is written in, and whether it is verbose. What is not known is answered in the default, as AWS does."""
    known = {JSON, LINES, RECORDIO} | ({CSV} if csv else set())
    for part in header.split(","):
        kind, *parameters = [word.strip().lower() for word in part.split(";")]
        if kind in known:
            return kind, "verbose=true" in parameters
    return (default if default in known else JSON), False


def encode(rows: Sequence[Row], key: str, accept: str) -> bytes:
    """The rows in a content type that `accepted` gives; in JSON they are the list of name `key`."""
    if accept == RECORDIO:
        return recordio.write(rows)
    if accept == LINES:
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    if accept == CSV:
        return "\n".join(",".join(map(str, _flat(row))) for row in rows).encode()
    return json.dumps({key: rows}).encode()


def _flat(row: Row) -> Iterator[float]:
    for value in row.values():
        if isinstance(value, Sequence):
            yield from value
        else:
            yield value


def single(values: Any) -> Any:  # noqa: ANN401 - an array, numbers
    """An array as Python's numbers, of single precision, as AWS's algorithms calculate."""
    return np.asarray(values, dtype=np.float32).tolist()
