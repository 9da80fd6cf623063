"""Channels as a DMatrix."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
import xgboost

_SNIFFED = 512  # characters in which a delimiter is looked for


def get_dmatrix(data_path: str | None, content_type: str, csv_weights: int = 0, is_pipe: bool = False) -> xgboost.DMatrix | None:  # noqa: FBT001, FBT002 - AWS's signature
    """The files of a channel; None if there are none.

    A CSV has the label in its first column, and with `csv_weights` 1 the weight in the second.

    Raises:
        NotImplementedError: Parquet or RecordIO-protobuf, or a channel in Pipe mode.
    """
    kind = content_type.partition(";")[0].strip().lower().rpartition("/")[2].removeprefix("x-")
    if is_pipe or kind not in {"csv", "libsvm"}:
        raise NotImplementedError(f"get_dmatrix reads files of csv and libsvm here, not {content_type}{' from a pipe' * is_pipe}")
    paths = [] if data_path is None else _files(Path(data_path))
    if not paths:
        return None
    if kind == "libsvm":
        return _libsvm(paths)
    table = np.concatenate([_csv(path) for path in paths])
    weighted = csv_weights == 1
    weights = table[:, 1] if weighted else None
    return xgboost.DMatrix(table[:, 2 if weighted else 1 :], label=table[:, 0], weight=weights)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith((".", "_")))


def _csv(path: Path) -> npt.NDArray[Any]:
    with path.open() as file:
        delimiter = csv.Sniffer().sniff(file.readline()[:_SNIFFED]).delimiter
    return np.loadtxt(path, delimiter="," if delimiter.isalnum() else delimiter, ndmin=2, comments=None)


def _libsvm(paths: list[Path]) -> xgboost.DMatrix:
    """Rows of `label index:value`, indices from 0; xgboost's own reader of text is on its way out."""
    labels, starts, columns, values = [], [0], [], []
    for line in "\n".join(path.read_text() for path in paths).splitlines():
        label, *pairs = line.partition("#")[0].split() or [""]
        if not label:
            continue
        labels.append(float(label.partition(":")[0]))
        for index, _, value in (pair.partition(":") for pair in pairs):
            columns.append(int(index))
            values.append(float(value))
        starts.append(len(columns))
    features = scipy.sparse.csr_matrix((values, columns, starts), shape=(len(labels), max(columns, default=-1) + 1))
    return xgboost.DMatrix(features, label=labels)
