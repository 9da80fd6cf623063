"""Requests to moto as WSGI environments: their service, bucket, key and sub-resource; and how to make one."""

import io
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sm_tuning.rules.s3_uri import bucket_of_host

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_SETTINGS = frozenset(
    {
        *("accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering", "inventory", "lifecycle", "logging"),
        *("metrics", "notification", "object-lock", "ownershipControls", "policy", "publicAccessBlock", "replication"),
        *("requestPayment", "tagging", "versioning", "website"),
    }
)

_LOOPBACK = re.compile(r"(.+?)(?:\.s3)?\.localhost")


def call(application: Callable[..., Iterable[bytes]], environ: "WSGIEnvironment") -> tuple[str, list[tuple[str, str]], bytes]:
    """One request to a WSGI application, its answer read whole."""
    answer: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        answer[:] = [status, headers]
        return lambda _content: None

    body = application(environ, start)
    try:
        content = b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return answer[0], answer[1], content


def service(environ: "WSGIEnvironment") -> str:
    """Signing name of a request; `s3` for one that is not signed in a header (presigned URLs are)."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if "Credential=" in authorization:
        parts = authorization.split("Credential=")[1].split(",")[0].split("/")
        return parts[-2] if len(parts) > 1 else ""
    return "" if environ.get("HTTP_X_AMZ_TARGET") else "s3"


def bucket_and_key(environ: "WSGIEnvironment") -> tuple[str, str]:
    """The bucket and key that a request to S3 is about; empty where it names none."""
    sent = environ.get("REQUEST_URI", "").partition("?")[0]  # in PATH_INFO the server has folded the slashes that begin it
    path = (
        urllib.parse.unquote(sent) if sent.startswith("/") else environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    )
    path = path.removeprefix("/")
    if named := _bucket_of(_host(environ)):
        return named, path
    bucket, _, key = path.partition("/")
    return bucket, key


def is_by_host(environ: "WSGIEnvironment") -> bool:
    """Whether a request's host names a bucket, or is AWS's, which may."""
    host = _host(environ)
    return "amazonaws.com" in host or _bucket_of(host) is not None


def _host(environ: "WSGIEnvironment") -> str:
    return str(environ.get("HTTP_HOST", "")).rsplit(":", 1)[0]


def _bucket_of(host: str) -> str | None:
    """The bucket that a host names: loopback's, or AWS's, as clients of the proxy have it."""
    match = _LOOPBACK.fullmatch(host)
    return match[1] if match else bucket_of_host(host)


def sub_resource(environ: "WSGIEnvironment") -> str:
    """The sub-resource of a bucket that a request is about (`policy`, `inventory ID`, …); empty for none."""
    names = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    name = next(filter(_SETTINGS.__contains__, names), "")
    return f"{name} {names['id'][0]}" if name and "id" in names else name


def put_of_setting(bucket: str, query: str, headers: Mapping[str, str], body: bytes, region: str) -> "WSGIEnvironment":
    """A request that sets a sub-resource of a bucket."""
    scope = f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"
    return {
        "REQUEST_METHOD": "PUT",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/{bucket}",
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": scope,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }
