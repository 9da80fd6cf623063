"""sagemaker-containers: the server of the images for scikit-learn and XGBoost, a Flask application behind gunicorn and nginx.

Every failure of a handler is Flask's page with code 500, whatever it is; its traceback is in the log.
"""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..serving.messages import JSON, Request, Response, failure, page, routed, with_charset
from . import encoding
from .code import Function, Source, handlers
from .encoding import ANY, CONTAINERS, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_MODEL_FN = (
    "\nPlease provide a model_fn implementation.\nSee documentation for model_fn at https://github.com/aws/sagemaker-python-sdk\n"
)


class WorkerResponse:
    """`worker.Response` of sagemaker_containers.beta.framework, which scripts return from output_fn."""

    def __init__(
        self,
        response: Any = None,  # noqa: ANN401 - text, bytes, or several of them
        accept: str | None = None,  # noqa: ARG002 - it has been without effect since long
        status: int = 200,
        headers: Any = None,  # noqa: ANN401 - a mapping or pairs
        mimetype: str | None = None,
        **_: object,
    ) -> None:
        self.response = response
        self.status_code = int(status)
        self.headers: dict[str, str] = dict(headers or {})
        self.mimetype = mimetype or JSON

    def get_data(self) -> bytes:
        """The body."""
        parts = [self.response] if isinstance(self.response, (str, bytes, bytearray)) else self.response or []
        return b"".join(part.encode() if isinstance(part, str) else bytes(part) for part in parts)


class FlaskWorker:
    """Serves a script by its functions; those that it lacks are the framework's."""

    max_body: int | None = None

    def __init__(self, source: Source, defaults: Mapping[str, Function], *, tells_parameters: bool) -> None:
        """`defaults` are the framework's functions; `tells_parameters`: `/execution-parameters` is the script's."""
        self._source = source
        self._defaults = defaults
        self._tells_parameters = tells_parameters
        self._default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        self._functions: Mapping[str, Function] = {}
        self._parameters: Function | None = None
        self._model: Any = None

    def load(self) -> None:
        """Import the script and let it load the model."""
        if self._source.module is None:
            raise ValueError(
                "SAGEMAKER_PROGRAM names no script. This image serves a script that has a model_fn: give the model one (entry_point "
                "in the SDK)."
            )
        module = self._source.load()
        if module is None:
            raise ModuleNotFoundError(f"SAGEMAKER_PROGRAM names {self._source.module}.py, which is not in {self._source.folder}.")
        self._functions = {**self._defaults, **handlers(module)}
        self._parameters = getattr(module, "execution_parameters_fn", None) if self._tells_parameters else None
        self._model = self._functions["model_fn"](str(self._source.model))

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        allowed = {"/ping": "GET", "/invocations": "POST"} | ({"/execution-parameters": "GET"} if self._parameters else {})
        refused = routed(request, allowed)
        if refused is not None:
            return refused
        if request.path == "/ping":
            return Response(200, b"", JSON)
        try:
            if request.path == "/execution-parameters" and self._parameters:
                return _response(self._parameters())
            return _response(self._transform(request))
        except Exception as error:  # noqa: BLE001 - whatever a script raises
            self._log(f"Exception on {request.path} [{request.method}]\n{traceback.format_exc().rstrip()}")
            return page(500, failure(error))

    def _transform(self, request: Request) -> Any:  # noqa: ANN401 - whatever a script returns
        kind = request.headers.get("contenttype") or request.headers.get("content-type") or JSON
        accept = request.headers.get("accept")
        accept = self._default_accept if not accept or accept == ANY else accept
        content: Any = request.body.decode(errors="replace") if kind in TEXT else request.body
        functions = self._functions
        if "transform_fn" in functions:
            result = functions["transform_fn"](self._model, content, kind, accept)
        else:
            prediction = functions["predict_fn"](functions["input_fn"](content, kind), self._model)
            result = functions["output_fn"](prediction, accept)
        return WorkerResponse(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    def _log(self, text: str) -> None:
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]  # noqa: UP017 - Python 3.9 has no datetime.UTC
        sys.stderr.write(f"{moment} ERROR - {self._source.module} - {text}\n")
        sys.stderr.flush()


def _response(result: Any) -> Response:  # noqa: ANN401 - whatever a script returns
    """What Flask makes of what a view returns."""
    if isinstance(result, (str, bytes, bytearray)):
        body = result.encode() if isinstance(result, str) else bytes(result)
        return Response(200, body, "text/html; charset=utf-8")
    if isinstance(result, (dict, list)):
        return Response(200, encoding.array_to_json(result).encode() + b"\n", JSON)
    if hasattr(result, "get_data") and hasattr(result, "status_code"):  # ours, or Flask's own
        headers = {name: value for name, value in dict(result.headers).items() if name.lower() not in _OURS}
        return Response(result.status_code, result.get_data(), with_charset(result.mimetype or ""), headers)
    raise TypeError(
        "The view function did not return a valid response. The return type must be a string, dict, list, tuple with headers or "
        f"status, Response instance, or WSGI callable, but it was a {type(result).__name__}."
    )


_OURS = {"content-type", "content-length", "date", "connection"}


def no_model_fn(_: str) -> Any:  # noqa: ANN401 - never returns
    """Of a framework that loads no model by itself."""
    raise NotImplementedError(_NO_MODEL_FN)


def output(prediction: Any, accept: str) -> WorkerResponse:  # noqa: ANN401 - array-like
    """The default output_fn."""
    return WorkerResponse(CONTAINERS.encode(prediction, accept), mimetype=accept)
