"""Stands in for the modules of AWS's toolkits that scripts import, where they are not installed: they are part of AWS's images."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

from . import encoding, flask_worker
from .encoding import CONTAINERS, CSV, INFERENCE, JSON, NPY

_TYPES = {
    "JSON": JSON,
    "CSV": CSV,
    "NPY": NPY,
    "NPZ": "application/x-npz",
    "OCTET_STREAM": "application/octet-stream",
    "ANY": "*/*",
    "UTF8_TYPES": [JSON, CSV],
}


class BaseInferenceToolkitError(Exception):
    """sagemaker_inference's: a script raises it to answer with a code and a message."""

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        self.status_code = status_code
        self.message = message
        self.phrase = phrase
        super().__init__(status_code, message, phrase)


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    """The same, with defaults."""

    def __init__(self, status_code: int, message: str | None = None, phrase: str | None = None) -> None:
        message = message or "Invalid Request"
        super().__init__(status_code, message, phrase or message)


def offer() -> None:
    """Make `sagemaker_containers.beta.framework` and `sagemaker_inference` importable, each unless it is installed.

    They have what scripts that serve use: content types, encoders and decoders, errors, and the response of a worker.
    """
    if not _is_installed("sagemaker_containers"):
        offer_containers()
    if not _is_installed("sagemaker_inference"):
        _offer("sagemaker_inference", _inference())


def offer_containers() -> None:
    """Make `sagemaker_containers.beta.framework` importable, and `sagemaker_containers.entry_point` for scripts of several hosts."""
    _offer("sagemaker_containers", {"entry_point": {"_wait_hostname_resolution": lambda: None}})  # hosts have their names before
    _offer("sagemaker_containers.beta", {})
    _offer("sagemaker_containers.beta.framework", _containers())


def _is_installed(name: str) -> bool:
    return name in sys.modules or importlib.util.find_spec(name) is not None


def _containers() -> dict[str, Any]:
    encoders = {
        "decode": CONTAINERS.decode,
        "encode": CONTAINERS.encode,
        "array_to_npy": encoding.array_to_npy,
        "npy_to_numpy": encoding.npy_to_numpy,
        "array_to_json": encoding.array_to_json,
        "json_to_numpy": encoding.json_to_numpy,
        "array_to_csv": encoding.array_to_quoted_csv,
        "csv_to_numpy": encoding.quoted_csv_to_numpy,
    }
    errors = {"ClientError": encoding.ClientError, "UnsupportedFormatError": encoding.UnsupportedFormatError}
    return {
        "content_types": _TYPES,
        "encoders": encoders,
        "errors": errors,
        "worker": {"Response": flask_worker.WorkerResponse},
        # Names that AWS's examples import and do not use while they serve.
        "env": {},
        "modules": {},
        "server": {},
        "transformer": {},
    }


def _inference() -> dict[str, Any]:
    return {
        "content_types": _TYPES,
        "decoder": {"decode": INFERENCE.decode},
        "encoder": {"encode": INFERENCE.encode, "SUPPORTED_CONTENT_TYPES": set(INFERENCE.encoders)},
        "errors": {
            "UnsupportedFormatError": encoding.UnsupportedFormatError,
            "BaseInferenceToolkitError": BaseInferenceToolkitError,
            "GenericInferenceToolkitError": GenericInferenceToolkitError,
        },
        "utils": {"parse_accept": lambda accept: accept.replace(" ", "").split(",")},
    }


def _offer(name: str, members: dict[str, Any]) -> None:
    """A package whose modules have these members."""
    package = ModuleType(name, f"Stands in for AWS's {name}.")
    package.__path__ = []
    sys.modules[name] = package
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, package)
    for module, content in members.items():
        offered = ModuleType(f"{name}.{module}")
        offered.__dict__.update(content)
        sys.modules[f"{name}.{module}"] = offered
        setattr(package, module, offered)
