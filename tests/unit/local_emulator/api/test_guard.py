"""Who may come in, as a matrix; and what a real browser or a rebinding attacker would send."""

from itertools import product
from typing import Any

import pytest

from local_emulator.api.guard import refusal

SIGNED = {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request"}
GOOD: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1:4577"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:4577",
        "localhost",
        "LOCALHOST:1",
        "[::1]",
        "[::1]:4577",
        "bucket.localhost:4577",
        "emulator.test:80",
    ],
)
def test_hosts_that_are_ours(host: str) -> None:
    assert refusal({**GOOD, "HTTP_HOST": host}, ("emulator.test",)) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "evil.test:4577", "127.0.0.1:x", "127.0.0.1,evil.test", "0.0.0.0",
     "localhost:4577@evil.test", "[::1].evil.test", "[::2]", "2130706433", "127.0.0.1:123456"],
)  # fmt: skip
def test_hosts_that_are_not(host: str) -> None:
    refused = refusal({**GOOD, "HTTP_HOST": host})
    assert refused is not None
    assert refused.status.startswith("421")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"HTTP_ORIGIN": "http://evil.test"}, "403"),
        ({"HTTP_ORIGIN": "null"}, "403"),
        ({"HTTP_ORIGIN": "http://127.0.0.1:4577"}, "403"),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, "403"),
        ({"HTTP_SEC_FETCH_MODE": "no-cors"}, "403"),
        ({"REQUEST_METHOD": "OPTIONS"}, "403"),
        ({"REQUEST_METHOD": "TRACE"}, "403"),
        ({"REQUEST_METHOD": "CONNECT"}, "403"),
        ({"PATH_INFO": "http://evil.test/"}, "400"),
        ({"PATH_INFO": "/moto-api/reset", "HTTP_ORIGIN": "http://evil.test"}, "403"),
        ({"PATH_INFO": "/moto-api/recorder/start-recording"}, "403"),
        ({"HTTP_X_AMZ_TARGET": "SageMaker.ListTrainingJobs"}, "403"),
        ({"HTTP_X_AMZ_TARGET": "SageMaker.ListTrainingJobs", "HTTP_AUTHORIZATION": "Basic x"}, "403"),
    ],
)
def test_what_may_not_come_in(change: dict[str, str], status: str) -> None:
    refused = refusal({**GOOD, **change})
    assert refused is not None
    assert refused.status.startswith(status)
    assert refused.reason


def test_what_may() -> None:
    assert refusal({**GOOD, "PATH_INFO": "/moto-apix"}) is None
    assert refusal({**GOOD, **SIGNED, "HTTP_X_AMZ_TARGET": "SageMaker.ListTrainingJobs"}) is None


HOSTS = {
    **dict.fromkeys(("127.0.0.1", "127.0.0.1:4577", "localhost", "[::1]:4577", "b.localhost:4577"), True),
    **dict.fromkeys(
        ("", "evil.test", "127.0.0.1.evil.test", "localhost:4577@evil.test", "127.0.0.1, evil.test", "0.0.0.0", "[::2]"), False
    ),
}
ORIGINS = (None, "null", "http://evil.test", "http://localhost:4577", "https://127.0.0.1", "file://", "", "chrome-extension://x")
FETCHES = (None, "cross-site", "same-origin", "none")
METHODS = {"GET": True, "POST": True, "OPTIONS": False, "TRACE": False, "CONNECT": False}
TYPES = (
    "",
    "text/plain",
    "application/json",
    "application/x-amz-json-1.1",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
)
ROUTES: tuple[tuple[dict[str, str], bool], ...] = (
    ({"PATH_INFO": "/_health"}, True),
    ({"PATH_INFO": "/bucket/key"}, True),
    ({"PATH_INFO": "/", **SIGNED, "HTTP_X_AMZ_TARGET": "SageMaker.ListTrainingJobs"}, True),
    ({"PATH_INFO": "/", "HTTP_X_AMZ_TARGET": "SageMaker.CreateTrainingJob"}, False),
    ({"PATH_INFO": "/moto-api/reset"}, True),
    ({"PATH_INFO": "http://127.0.0.1/"}, False),
)


def test_every_combination_of_what_a_browser_could_send() -> None:
    """69,120: what must not come in does not, what may does."""
    wrong = []
    for host, origin, fetch, method, kind, (route, open_) in product(HOSTS, ORIGINS, FETCHES, METHODS, TYPES, ROUTES):
        environ = {"HTTP_HOST": host, "REQUEST_METHOD": method, "CONTENT_TYPE": kind, **route}
        environ |= {} if origin is None else {"HTTP_ORIGIN": origin}
        environ |= {} if fetch is None else {"HTTP_SEC_FETCH_SITE": fetch}
        may = HOSTS[host] and origin is None and fetch is None and METHODS[method] and open_
        if (refusal(environ) is None) is not may:
            wrong.append(environ)
    assert wrong == []
