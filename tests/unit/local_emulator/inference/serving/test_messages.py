"""Content types, Flask's pages and access logs."""

import re

import pytest

from local_emulator.inference.serving.access_log import nginx
from local_emulator.inference.serving.messages import FAILURE, Request, Response, failure, page, routed, with_charset


@pytest.mark.parametrize(
    ("mimetype", "sent"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv; charset=latin-1", "text/csv; charset=latin-1"),
        ("application/xml", "application/xml; charset=utf-8"),
        ("application/atom+xml", "application/atom+xml; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/x-npy", "application/x-npy"),
    ],
)
def test_charsets_are_flasks(mimetype: str, sent: str) -> None:
    assert with_charset(mimetype) == sent


def test_a_failure_is_one_line_of_ascii() -> None:
    assert failure(ValueError("one\ndimension: \x00 ä")) == {FAILURE: r"ValueError: one dimension: \x00 \xe4"}
    assert len(failure(ValueError("x" * 10_000))[FAILURE]) == 500


def test_pages_are_flasks() -> None:
    assert page(405).body == (
        b"<!doctype html>\n<html lang=en>\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n"
        b"<p>The method is not allowed for the requested URL.</p>\n"
    )
    assert (len(page(404).body), len(page(500).body)) == (207, 265)  # as counted of Flask's


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/ping", None), ("HEAD", "/ping", None), ("POST", "/ping", 405), ("GET", "/invocations", 405), ("GET", "/x", 404)],
)
def test_routes(method: str, path: str, status: int | None) -> None:
    refused = routed(Request(method, path), {"/ping": "GET", "/invocations": "POST"})
    assert (refused and refused.status) == status
    assert refused is None or status != 405 or refused.headers["Allow"].startswith("POST" if path == "/invocations" else "HEAD")


def test_the_access_log_is_nginxs() -> None:
    line = nginx(Request("POST", "/invocations", headers={"user-agent": "AHC/2.0"}), Response(200, b"abc"), ("10.32.0.2", 1), 0.1)
    assert re.fullmatch(
        r'10\.32\.0\.2 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "POST /invocations HTTP/1\.1" 200 3 "-" "AHC/2\.0"',
        line,
    )
