"""The XGBoost image's default handlers: bodies become a DMatrix."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
import xgboost

from .encoding import UnsupportedFormatError
from .flask_worker import FlaskWorker, no_model_fn, output

if TYPE_CHECKING:
    from .code import Function, Source


def make(source: Source) -> FlaskWorker:
    """The application for a script."""
    defaults: dict[str, Function] = {"model_fn": no_model_fn, "input_fn": decode, "predict_fn": predict, "output_fn": output}
    return FlaskWorker(source, defaults, tells_parameters=False)


def decode(content: Any, content_type: str) -> xgboost.DMatrix:  # noqa: ANN401 - text or bytes
    """A DMatrix of CSV, libsvm or RecordIO-protobuf; raises UnsupportedFormatError."""
    kind = content_type.partition(";")[0].strip()
    if kind == "text/csv":
        return of_csv(content.decode() if isinstance(content, bytes) else content)
    if kind in {"text/libsvm", "text/x-libsvm"}:
        return of_libsvm(content.decode() if isinstance(content, bytes) else content)
    raise UnsupportedFormatError(kind)


def of_csv(text: str) -> xgboost.DMatrix:
    """Rows of numbers, by the delimiter of the first line; a value that is left out is missing."""
    delimiter = csv.Sniffer().sniff(text.partition("\n")[0][:512]).delimiter
    delimiter = "," if delimiter.isalnum() else delimiter
    rows = [["nan" if value == "" else value for value in line.split(delimiter)] for line in text.split("\n")]
    return xgboost.DMatrix(np.array(rows).astype(float))


def of_libsvm(text: str, features: int | None = None) -> xgboost.DMatrix:
    """Rows of `index:value`; indices count from 0, as in XGBoost's own reader, and what is not there is missing.

    XGBoost up to 1.2 took one column more than a model has features, and did not look at it: indices that count from 1 have one. With
    `features`, the model's, so does this.
    """
    rows, columns, values = [], [], []
    lines = text.strip().split("\n")
    for number, line in enumerate(lines):
        for token in line.split():
            index, colon, value = token.partition(":")
            if colon and int(index) != features:
                rows.append(number)
                columns.append(int(index))
                values.append(float(value))
    shape = (len(lines), max(columns, default=-1) + 1)
    return xgboost.DMatrix(scipy.sparse.csr_matrix((values, (rows, columns)), shape=shape))


def predict(matrix: xgboost.DMatrix, model: Any) -> Any:  # noqa: ANN401 - a Booster, or what a script's model_fn returns
    """What the model says of a DMatrix."""
    return model.predict(matrix, validate_features=False)
