"""What the servers of all of AWS's algorithms have in common."""

import json
import os
from abc import ABC, abstractmethod

from local_emulator.inference.serving.messages import JSON, Request, Response, routed

EMPTY = "text/html; charset=utf-8"
_MIB = 2**20
_MAX_PAYLOAD = 6  # MiB, of a server that reads bodies of any length
_ROUTES = {"/ping": "GET", "/execution-parameters": "GET", "/invocations": "POST"}


class AlgorithmServer(ABC):
    """Serves a model (`Application`)."""

    max_body: int | None = None

    @abstractmethod
    def load(self) -> None:
        """Load the model."""

    @abstractmethod
    def invoke(self, request: Request) -> Response:
        """Answer a request to `/invocations`."""

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        refused = routed(request, _ROUTES)
        if refused is not None:
            return refused
        if request.path == "/ping":
            return Response(200, b"", EMPTY)
        return self._execution_parameters() if request.path == "/execution-parameters" else self.invoke(request)

    def _execution_parameters(self) -> Response:
        """What a batch transform asks before it begins."""
        parameters = {
            "MaxConcurrentTransforms": os.cpu_count() or 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": _MAX_PAYLOAD if self.max_body is None else self.max_body // _MIB,
        }
        return Response(200, json.dumps(parameters).encode(), JSON)
