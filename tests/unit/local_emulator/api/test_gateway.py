"""What the front door says where moto cannot answer."""

import io
from typing import Any

import pytest

from local_emulator.api.faults import Faults
from local_emulator.api.gateway import Gateway
from local_emulator.settings import Settings


def test_a_service_whose_packages_are_missing_names_the_extra() -> None:
    def moto(_environ: object, _start: object) -> list[bytes]:
        raise ModuleNotFoundError("No module named 'openapi_spec_validator'")

    api: Any = None
    gateway = Gateway(api=api, rest=moto, settings=Settings(), health=dict, before=lambda _service, _body: None, faults=Faults())
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_HOST": "127.0.0.1:4577",
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }
    said: list[str] = []
    body = b"".join(gateway(environ, lambda status, _headers: said.append(status)))  # type: ignore[arg-type] # only what Gateway uses
    assert said == ["400 Bad Request"]
    assert b"pip install &#x27;sm-tuning[cloudformation]&#x27;" in body


def test_an_invented_answer_is_marked_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    class Nothing:
        @staticmethod
        def owns(_operation: str, _body: bytes) -> bool:
            return False

    def moto(_environ: object, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
        return [b"{}"]

    def ask(*, pretend: bool) -> tuple[str, dict[str, str]]:
        parts: Any = {"api": Nothing, "rest": moto, "health": dict, "before": lambda _service, _body: None, "faults": Faults()}
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "HTTP_X_AMZ_TARGET": "SageMaker.CreateEndpoint",
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
    assert capsys.readouterr().err == "SageMaker.CreateEndpoint: moto's answer is invented; nothing runs (--pretend)\n"
