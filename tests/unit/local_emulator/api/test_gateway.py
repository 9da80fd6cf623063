"""What the front door says where moto cannot answer."""

from typing import Any

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
