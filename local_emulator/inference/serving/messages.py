"""Requests and responses, and the pages that Flask answers with."""

from __future__ import annotations

import http
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
FAILURE = "X-Sm-Emulator-Failure"
"""A header of failures whose body, as AWS's, does not say what was wrong; the emulator tells it whoever has asked."""
_MOST = 500  # characters
_WITH_CHARSET = ("text/", "application/javascript", "application/sql", "application/xml")
_SENTENCES = {
    404: "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.",
    405: "The method is not allowed for the requested URL.",
    413: "The data value transmitted exceeds the capacity limit.",
    500: "The server encountered an internal error and was unable to complete your request. Either the server is overloaded or there "
    "is an error in the application.",
}


@dataclass(frozen=True)
class Request:
    """A request: names of headers are in lower case, the path is without its query."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """A response; `content_type` None sends no such header."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Application(Protocol):
    """What answers the requests of a server."""

    max_body: int | None
    """Bytes of the longest body that is read; None: any."""

    def load(self) -> None:
        """Make ready to answer, in the process that will; any exception ends that process."""

    def answer(self, request: Request) -> Response:
        """Answer a request to `/ping`, `/invocations` or anything else."""


def with_charset(mimetype: str) -> str:
    """The content type that Flask sends for a mimetype."""
    textual = mimetype.startswith(_WITH_CHARSET) or mimetype.endswith("+xml")
    return f"{mimetype}; charset=utf-8" if textual and "charset" not in mimetype else mimetype


def page(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Flask's page for an error."""
    phrase = http.HTTPStatus(status).phrase
    text = (
        f"<!doctype html>\n<html lang=en>\n<title>{status} {phrase}</title>\n<h1>{phrase}</h1>\n"
        f"<p>{_SENTENCES.get(status, http.HTTPStatus(status).description)}</p>\n"
    )
    return Response(status, text.encode(), "text/html; charset=utf-8", headers or {})


def failure(error: BaseException) -> Mapping[str, str]:
    """The header that says what an error was, in a traceback's words on one line of ASCII."""
    text = " ".join("".join(traceback.format_exception_only(type(error), error)).split())[:_MOST]
    return {FAILURE: text.encode("unicode_escape").decode("ascii")}


def routed(request: Request, allowed: Mapping[str, str]) -> Response | None:
    """Flask's page for a path that is not among `allowed`, or not with this method; None for one that is.

    `allowed` is the method of each path; GET allows HEAD too.
    """
    method = allowed.get(request.path)
    if method is None:
        return page(404)
    if request.method != method and (request.method, method) != ("HEAD", "GET"):
        return page(405, {"Allow": "POST, OPTIONS" if method == "POST" else "HEAD, OPTIONS, GET"})
    return None
