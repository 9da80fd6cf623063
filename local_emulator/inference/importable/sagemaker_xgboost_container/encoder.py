"""Bodies of requests as a DMatrix."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_start = importlib.util.spec_from_file_location("_sm_tuning_start", Path(__file__).resolve().parents[2] / "start.py")
if _start is None or _start.loader is None:
    raise ImportError(__file__)
_module = importlib.util.module_from_spec(_start)
_start.loader.exec_module(_module)
_toolkit = _module.imported("toolkits.xgboost")

decode = _toolkit.decode


def csv_to_dmatrix(body: str | bytes) -> Any:  # noqa: ANN401 - a DMatrix
    """A DMatrix of rows of numbers."""
    return decode(body, "text/csv")


def libsvm_to_dmatrix(body: str | bytes) -> Any:  # noqa: ANN401 - a DMatrix
    """A DMatrix of rows of `index:value`."""
    return decode(body, "text/libsvm")
