"""Where a model and its code lie, and the functions of its script."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

HANDLERS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
Function = Callable[..., Any]


@dataclass(frozen=True)
class Source:
    """A model and its code: folder of the model, folder of the script, name of its module (None: `SAGEMAKER_PROGRAM` names none)."""

    model: Path
    folder: Path
    module: str | None

    def load(self) -> ModuleType | None:
        """The script's module; None if it is not there. What the script raises is raised."""
        name = self.module
        if name is None or not _is_there(name):
            return None
        return importlib.import_module(name)


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # nor is the package around it
        return False


def find() -> Source:
    """The model and the code that the environment names.

    The code is `/opt/ml/code` if something lies there (what the engine has staged from S3), else the folder that
    `SAGEMAKER_SUBMIT_DIRECTORY` names, else `code` of the model.
    """
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    submitted = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    folder = base / "code"
    if not folder.is_dir() or not any(folder.iterdir()):
        folder = base / "model" / "code"
        if submitted and not submitted.startswith("s3://"):
            named = Path(submitted)
            # Where /opt/ml is not the program's own, it is the folder of SAGEMAKER_BASE_DIR.
            folder = base / named.relative_to("/opt/ml") if named.is_relative_to("/opt/ml") else named
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    return Source(base / "model", folder, program.removesuffix(".py") or None)


def handlers(module: ModuleType | None) -> Mapping[str, Function]:
    """The functions of a script that a toolkit calls; raises ValueError for some that exclude one another."""
    functions = {name: getattr(module, name) for name in HANDLERS if getattr(module, name, None) is not None}
    if "transform_fn" in functions and {"input_fn", "predict_fn", "output_fn"} & functions.keys():
        raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
    return functions
