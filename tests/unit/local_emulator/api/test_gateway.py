"""What the front door says where moto cannot answer."""

import errno
import io
from typing import Any

import pytest

from local_emulator.api.faults import Faults
from local_emulator.api.gateway import Gateway
from local_emulator.settings import Settings


def refused(fault: Exception, service: str) -> tuple[str, bytes]:
    """Status and body of the answer to a request over which moto fails."""

    def moto(_environ: object, _start: object) -> list[bytes]:
        raise fault

    none: Any = None
    gateway = Gateway(
        api=none, runtime=none, rest=moto, settings=Settings(), health=dict, before=lambda _service, _body: None, faults=Faults()
    )
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_HOST": "127.0.0.1:4577",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "wsgi.input": io.BytesIO(),
    }
    said: list[str] = []
    body = b"".join(gateway(environ, lambda status, _headers: said.append(status)))  # type: ignore[arg-type] # only what Gateway uses
    return said[0], body


def test_a_service_whose_packages_are_missing_names_the_extra() -> None:
    status, body = refused(ModuleNotFoundError("No module named 'openapi_spec_validator'"), "cloudformation")
    assert status == "400 Bad Request"
    assert b"pip install &#x27;sm-tuning[cloudformation]&#x27;" in body


def test_clients_ask_again_when_this_machine_is_short_of_something() -> None:
    status, body = refused(OSError(errno.EMFILE, "Too many open files"), "s3")
    assert status == "503 Service Unavailable"
    assert b"<Code>SlowDown</Code><Message>Reduce your request rate. (Too many open files)</Message>" in body
    status, body = refused(FileNotFoundError(errno.ENOENT, "No such file"), "s3")
    assert (status, b"UnknownOperationException" in body) == ("400 Bad Request", True)


def test_an_invented_answer_is_marked_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    class Nothing:
        @staticmethod
        def owns(_operation: str, _body: bytes) -> bool:
            return False

    def moto(_environ: object, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
        return [b"{}"]

    def ask(*, pretend: bool) -> tuple[str, dict[str, str]]:
        parts: Any = {
            "api": Nothing,
            "runtime": None,
            "rest": moto,
            "health": dict,
            "before": lambda _service, _body: None,
            "faults": Faults(),
        }
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "HTTP_X_AMZ_TARGET": "SageMaker.CreateDomain",
            "CONTENT_LENGTH": "2",
            "wsgi.input": io.BytesIO(b"{}"),
        }
        said: list[Any] = []
        Gateway(**parts, settings=Settings(pretend=pretend))(environ, lambda *answer: said.extend(answer))  # type: ignore[arg-type] # see above
        return said[0], dict(said[1])

    status, headers = ask(pretend=False)
    assert (status, headers["x-amzn-errortype"]) == ("400 Bad Request", "UnknownOperationException")
    status, headers = ask(pretend=True)
    assert (status, headers["x-sm-emulator-pretended"]) == ("200 OK", "moto")
    assert capsys.readouterr().err == "SageMaker.CreateDomain: moto's answer is invented; nothing runs (--pretend)\n"


def test_invocations_take_post_alone() -> None:
    none: Any = None
    gateway = Gateway(
        api=none, runtime=none, rest=none, settings=Settings(), health=dict, before=lambda _service, _body: None, faults=Faults()
    )
    environ: Any = {"REQUEST_METHOD": "GET", "PATH_INFO": "/endpoints/e/invocations", "CONTENT_TYPE": "application/json"}
    said: list[str] = []
    answer: Any = lambda status, _headers: said.append(status)  # noqa: E731 - WSGI's type is another
    assert b"SageMaker Runtime takes POST, not GET." in b"".join(gateway(environ, answer))
    assert said == ["404 Not Found"]
