"""The handler of benchmarks/endpoint.py as a WSGI application: `gunicorn with_gunicorn:application`, in the folder of this file.

It loads the very code that the emulator's program runs, so that the servers alone differ.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIEnvironment

sys.path[:0] = [str(Path(__file__).parents[2]), os.environ["CODE"]]

from local_emulator.inference.serving.messages import Request  # noqa: E402 - the path comes first
from local_emulator.inference.toolkits import code, scikit_learn  # noqa: E402 - see above

_worker = scikit_learn.make(code.find())
_worker.load()


def application(environ: WSGIEnvironment, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request as the emulator's program does."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = {"content-type": environ.get("CONTENT_TYPE", ""), "accept": environ.get("HTTP_ACCEPT", "")}
    response = _worker.answer(Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], body, headers))
    content_type = response.content_type or "text/plain"
    start_response(f"{response.status} -", [("Content-Type", content_type), ("Content-Length", str(len(response.body)))])
    return [response.body]
