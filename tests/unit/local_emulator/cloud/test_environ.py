"""Requests to moto: which service, bucket and setting they are about, and answers read whole."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_emulator.cloud.environ import bucket_and_key, call, is_by_host, put_of_setting, service, sub_resource

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"

OF_AWS = [
    "s3.amazonaws.com",
    "s3.eu-west-1.amazonaws.com",
    "s3-eu-west-1.amazonaws.com",
    "s3.dualstack.us-east-1.amazonaws.com",
    "s3.cn-north-1.amazonaws.com.cn",
]


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"HTTP_AUTHORIZATION": SIGNED.format("iam")}, "iam"),
        ({"HTTP_X_AMZ_TARGET": "Logs.X"}, ""),
        ({}, "s3"),
        ({"HTTP_AUTHORIZATION": "Credential=x"}, ""),
    ],
)
def test_the_service_of_a_request(environ: dict[str, Any], name: str) -> None:
    assert service(environ) == name


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("localhost:4577", "/bucket/a/key", ("bucket", "a/key")),
        ("bucket.localhost:4577", "/a/key", ("bucket", "a/key")),
        ("bucket.s3.localhost", "/key", ("bucket", "key")),
        ("127.0.0.1", "/", ("", "")),
        ("localhost", "/b/\u00c3\u00a9", ("b", "é")),
        ("localhost", "/bucket//a//key", ("bucket", "/a//key")),
        ("bucket.localhost", "//a/key", ("bucket", "/a/key")),
        *((f"bucket.{host}", "//key", ("bucket", "/key")) for host in OF_AWS),
        *((host, "/bucket//key", ("bucket", "/key")) for host in OF_AWS),
        ("a.bucket.s3.amazonaws.com:443", "/key", ("a.bucket", "key")),
    ],
)
def test_bucket_and_key_by_path_or_by_host(host: str, path: str, expected: tuple[str, str]) -> None:
    assert bucket_and_key({"PATH_INFO": path, "HTTP_HOST": host}) == expected


def test_a_host_that_may_name_a_bucket() -> None:
    assert all(is_by_host({"HTTP_HOST": host}) for host in (*OF_AWS, "b.s3.amazonaws.com:443", "bucket.localhost:4577"))
    assert not any(is_by_host({"HTTP_HOST": host}) for host in ("localhost:4577", "127.0.0.1", "[::1]:80", "emulator.lan:80", ""))


@pytest.mark.parametrize(
    ("sent", "key"),
    [("//a%20b%C3%A9?x-id=/", "/a bé"), ("/a%2520b", "a%20b"), ("/a%0Ab", "a\nb"), ("http://bucket.localhost/c", "c")],
)
def test_a_key_is_what_was_sent(sent: str, key: str) -> None:
    assert bucket_and_key({"REQUEST_URI": sent, "PATH_INFO": "/c", "HTTP_HOST": "bucket.localhost"}) == ("bucket", key)


@pytest.mark.parametrize(
    ("query", "name"),
    [("policy", "policy"), ("inventory&id=1", "inventory 1"), ("delete=", ""), ("list-type=2", ""), ("", "")],
)
def test_the_setting_of_a_bucket(query: str, name: str) -> None:
    assert sub_resource({"QUERY_STRING": query}) == name
    assert sub_resource(put_of_setting("b", query, {}, b"", "us-east-1")) == name


def test_an_answer_is_read_whole_and_closed() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield from (b"a", b"b")

        def close(self) -> None:
            closed.append(True)

    def application(environ: Any, start: Any) -> Body:
        start("200 OK", [("x", environ["wsgi.input"].read().decode())])
        return Body()

    assert call(application, put_of_setting("b", "policy", {}, b"body", "us-east-1")) == ("200 OK", [("x", "body")], b"ab")
    assert closed == [True]
