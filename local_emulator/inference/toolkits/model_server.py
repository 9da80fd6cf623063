"""sagemaker-inference: the handlers of the PyTorch image, which TorchServe calls for one request at a time.

A failure is answered with code 500 and with the exception's text and its traceback.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from ..serving.messages import JSON, Request, Response
from . import encoding
from .code import Function, Source, handlers
from .context import Context
from .encoding import ANY, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WHOLE = {"model_fn", "transform_fn"}
_MAY_BE_THERE = ("pre_model_fn", "model_warmup_fn")


def make(source: Source) -> ModelServer:
    """The application for a script in the PyTorch image, or for its model without one."""
    return ModelServer(source, _of_pytorch)


def _of_pytorch() -> Mapping[str, Function]:
    """Imports PyTorch, which a script that leaves nothing out may do without."""
    defaults: Mapping[str, Function] = importlib.import_module(f"{__package__}.pytorch").DEFAULTS
    return defaults


class ModelServer:
    """Serves a script by its functions; those that it lacks, all of them without a script, are what `defaults` returns."""

    max_body: int | None = None

    def __init__(self, source: Source, defaults: Callable[[], Mapping[str, Function]]) -> None:
        self._source = source
        self._defaults = defaults
        self._default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        self._context = Context(str(source.model))
        self._functions: Mapping[str, Function] = {}
        self._guard = threading.Lock()
        self._model: Any = None

    def load(self) -> None:
        """Import the script, if there is one, and load the model, in the model's folder, as TorchServe does."""
        os.chdir(self._source.model)
        module = self._source.load()
        own = handlers(module)
        self._functions = own if own.keys() >= _WHOLE else {**self._defaults(), **own}
        hooks = {name: getattr(module, name, None) for name in _MAY_BE_THERE}
        folder = str(self._source.model)
        if hooks["pre_model_fn"] is not None:
            self._call(hooks["pre_model_fn"], folder)
        self._model = self._call(self._functions["model_fn"], folder)
        if hooks["model_warmup_fn"] is not None:
            self._call(hooks["model_warmup_fn"], folder, self._model)

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        if request.path == "/ping":
            return _json(200, {"status": "Healthy"})
        if request.path != "/invocations":
            return _json(
                404,
                {
                    "code": 404,
                    "type": "ResourceNotFoundException",
                    "message": "Requested resource is not found, please refer to API document.",
                },
            )
        with self._guard:
            return self._invoke(request)

    def _invoke(self, request: Request) -> Response:
        self._context.begin(request.headers)
        accept = request.headers.get("accept")
        accept = self._default_accept if not accept or accept == ANY else accept
        kind = request.headers.get("content-type") or request.headers.get("contenttype")
        try:
            content: Any = request.body.decode() if kind in TEXT else bytearray(request.body)
            result = self._transform(content, kind, accept)
        except Exception as error:  # noqa: BLE001 - whatever a script raises
            trace = traceback.format_exc()
            sys.stderr.write(trace)
            sys.stderr.flush()
            status, message = _of_toolkit(error) or (500, str(error))
            return Response(status, f"{message}\n{trace}".encode(errors="replace"), None, self._context.response_headers)
        body, accept = result if isinstance(result, tuple) else (result, accept)
        return Response(self._context.status, _bytes(body), accept, self._context.response_headers)

    def _transform(self, content: Any, kind: str | None, accept: str) -> Any:  # noqa: ANN401 - whatever a script returns
        functions = self._functions
        if "transform_fn" in functions:
            return self._call(functions["transform_fn"], self._model, content, kind, accept)
        data = self._call(functions["input_fn"], content, kind)
        return self._call(functions["output_fn"], self._call(functions["predict_fn"], data, self._model), accept)

    def _call(self, function: Function, *arguments: Any) -> Any:  # noqa: ANN401 - a script's
        """Call a function, with the context if it takes one argument more."""
        count = len(inspect.signature(function).parameters)
        if count == len(arguments):
            return function(*arguments)
        if count == len(arguments) + 1:
            return function(*arguments, self._context)
        raise TypeError(f"{function.__name__} takes {count} arguments but {len(arguments)} were given.")


def _of_toolkit(error: Exception) -> tuple[int, str] | None:
    """Code and message of an error of the toolkit's own class, which scripts raise to answer with them."""
    if any(base.__name__ == "BaseInferenceToolkitError" for base in type(error).__mro__):
        return int(error.status_code), str(error.message)  # type: ignore[attr-defined]
    return None


def _bytes(body: Any) -> bytes:  # noqa: ANN401 - whatever a script returns
    """What TorchServe makes of a result."""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return (body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False, default=encoding.listed)).encode()


def _json(status: int, content: Mapping[str, object]) -> Response:
    return Response(status, json.dumps(content, indent=2).encode(), JSON)
