"""Arrays as bytes: the content types that AWS's toolkits read and write by themselves."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np

JSON, CSV, NPY, ANY = "application/json", "text/csv", "application/x-npy", "*/*"
TEXT = (JSON, CSV)
"""Content types whose bodies a handler gets as text."""


class UnsupportedFormatError(Exception):
    """A content type that no default handler reads or writes."""

    def __init__(self, content_type: object) -> None:
        self.message = (
            f"Content type {content_type} is not supported by this framework.\n\n"
            "            Please implement input_fn to to deserialize the request data or an output_fn to\n"
            "            serialize the response. For more information, see the SageMaker Python SDK README."
        )
        super().__init__(self.message)


class ClientError(Exception):
    """What sagemaker-containers makes of an error of a handler."""


def npy_to_numpy(body: bytes) -> Any:  # noqa: ANN401 - an array
    """An array of a .npy. One of objects is refused: it would be unpickled, and whoever reaches the port could run code."""
    return np.load(io.BytesIO(body), allow_pickle=False)


def array_to_npy(array: Any) -> bytes:  # noqa: ANN401 - array-like
    """An array as .npy."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def json_to_numpy(body: str, dtype: Any = None) -> Any:  # noqa: ANN401 - an array
    """An array of nested JSON lists."""
    return np.array(json.loads(body), dtype=dtype)


def array_to_json(array: Any) -> str:  # noqa: ANN401 - array-like
    """JSON of an array, or of lists and objects that hold arrays."""
    return json.dumps(array, default=listed)


def listed(value: Any) -> Any:  # noqa: ANN401 - whatever JSON does not know
    """An array as lists, for JSON."""
    return value.tolist() if hasattr(value, "tolist") else json.JSONEncoder().default(value)


def quoted_csv_to_numpy(body: str, dtype: Any = None) -> Any:  # noqa: ANN401 - an array
    """sagemaker-containers' array of a CSV: of one row it has one dimension, and of what are no numbers it has texts."""
    try:
        rows = csv.reader(io.StringIO(body), delimiter=",", quotechar='"', doublequote=True, strict=True)
        array = np.array(list(rows)).squeeze()
    except Exception as error:
        raise ClientError(f"Error while decoding csv: {error}") from error
    try:
        return array.astype(dtype)
    except ValueError as error:
        if dtype is not None:
            raise ClientError(f"Error while writing numpy array: {error}. dtype is: {dtype}") from error
        return array


def array_to_quoted_csv(array_like: Any) -> str:  # noqa: ANN401 - array-like
    """sagemaker-containers' CSV of an array: a line for each row, or for each value of one dimension."""
    array = np.array(array_like)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", delimiter=",", quotechar='"', doublequote=True, strict=True)
    try:
        writer.writerows(array)
    except csv.Error as error:
        raise ClientError(f"Error while encoding csv: {error}") from error
    return stream.getvalue()


def csv_to_numpy(body: str, dtype: Any = None) -> Any:  # noqa: ANN401 - an array
    """sagemaker-inference's array of a CSV of numbers."""
    return np.genfromtxt(io.StringIO(body), dtype=dtype, delimiter=",")


def array_to_csv(array: Any) -> str:  # noqa: ANN401 - array-like
    """sagemaker-inference's CSV of an array."""
    stream = io.StringIO()
    np.savetxt(stream, array, delimiter=",", fmt="%s")
    return stream.getvalue()


class Encoding:
    """The content types of a toolkit."""

    def __init__(self, decoders: dict[str, Any], encoders: dict[str, Any]) -> None:
        self.decoders = decoders
        self.encoders = encoders

    def decode(self, body: Any, content_type: Any) -> Any:  # noqa: ANN401 - any body
        """An array of a body; raises UnsupportedFormatError."""
        if content_type not in self.decoders:
            raise UnsupportedFormatError(content_type)
        return self.decoders[content_type](body)

    def encode(self, array: Any, content_type: Any) -> Any:  # noqa: ANN401 - array-like
        """An array as text or bytes; raises UnsupportedFormatError."""
        if content_type not in self.encoders:
            raise UnsupportedFormatError(content_type)
        return self.encoders[content_type](array)


CONTAINERS = Encoding(
    {NPY: npy_to_numpy, CSV: quoted_csv_to_numpy, JSON: json_to_numpy},
    {NPY: array_to_npy, CSV: array_to_quoted_csv, JSON: array_to_json},
)
"""sagemaker-containers', of the scikit-learn and XGBoost images."""

INFERENCE = Encoding(
    {NPY: npy_to_numpy, CSV: csv_to_numpy, JSON: json_to_numpy},
    {NPY: array_to_npy, CSV: array_to_csv, JSON: array_to_json},
)
"""sagemaker-inference's, of the PyTorch images."""
