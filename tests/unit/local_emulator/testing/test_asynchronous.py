"""What stands in for a session of aiobotocore, which need not be installed."""

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local_emulator.testing import asynchronous

Answer = tuple[int, Mapping[str, str], str | bytes]
REQUEST = SimpleNamespace(url="https://api.sagemaker.us-east-1.amazonaws.com/")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install an aiobotocore with these classes."""

    def install(**classes: type[Any]) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
        modules = {
            "AIOHTTPSession": "aiobotocore.httpsession",
            "HttpxSession": "aiobotocore.httpxsession",
            "AIOWaiter": "aiobotocore.waiter",
            "AioAWSResponse": "aiobotocore.awsrequest",
        }
        monkeypatch.setitem(sys.modules, "aiobotocore", ModuleType("aiobotocore"))
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, module, ModuleType(module))
            if name in classes:
                setattr(sys.modules[module], name, classes[name])

    return install


def test_without_aiobotocore_there_is_nothing_to_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert (asynchronous.sessions(), asynchronous.waiters()) == ([], [])


def test_a_version_without_one_of_them_has_the_others(installed: Callable[..., None]) -> None:
    session = type("AIOHTTPSession", (), {})
    installed(AIOHTTPSession=session)  # before version 2.25 there is no httpx
    assert (asynchronous.sessions(), asynchronous.waiters()) == ([session], [])


def send(answer: Answer | None, real: Callable[[Any, Any], Any]) -> Any:
    return asyncio.run(asynchronous.sender(real, lambda _request: answer)(None, REQUEST))


def test_what_is_for_a_server_of_this_machine_goes_there() -> None:
    async def real(_session: Any, request: Any) -> str:
        await asyncio.sleep(0)
        return f"sent {request.url}"

    assert send(None, real) == f"sent {REQUEST.url}"


@pytest.mark.parametrize("body", ["text ü", "text ü".encode()])
def test_an_answer_is_read_as_a_responses_body_is(installed: Callable[..., None], body: str | bytes) -> None:
    installed(AioAWSResponse=lambda url, status, headers, raw: SimpleNamespace(url=url, status=status, headers=headers, raw=raw))

    async def real(*_: Any) -> None:
        raise AssertionError

    response = send((404, {"Content-Type": "x", "x-amz-A": "1"}, body), real)
    assert (response.url, response.status) == (REQUEST.url, 404)
    assert response.headers == {"content-type": "x", "x-amz-a": "1"}, "aiobotocore looks for small letters"
    content = response.raw.content

    async def read() -> list[object]:
        return [content.at_eof(), await content.read(4), await content.read(), content.at_eof(), await response.raw.read()]

    assert asyncio.run(read()) == [False, b"text", " ü".encode(), True, b""]
    asyncio.run(response.raw.aclose())
