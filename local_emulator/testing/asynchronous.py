"""Answers for aiobotocore's clients, where it is installed."""

import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SESSIONS = (("aiobotocore.httpsession", "AIOHTTPSession"), ("aiobotocore.httpxsession", "HttpxSession"))
_WAITERS = (("aiobotocore.waiter", "AIOWaiter"),)


def sessions() -> list[type[Any]]:
    """The HTTP sessions of aiobotocore; none where it is not installed."""
    return _classes(_SESSIONS)


def waiters() -> list[type[Any]]:
    """The waiters of aiobotocore, also of clients that are made later; none where it is not installed."""
    return _classes(_WAITERS)


def _classes(names: Sequence[tuple[str, str]]) -> list[type[Any]]:
    if importlib.util.find_spec("aiobotocore") is None:
        return []
    classes = []
    for module, name in names:
        try:
            classes.append(getattr(importlib.import_module(module), name))
        except (ImportError, AttributeError):  # a version or an installation without it
            continue
    return classes


def sender(
    real: Callable[[Any, Any], Any], ask: Callable[[Any], tuple[int, Mapping[str, str], str | bytes] | None]
) -> Callable[[Any, Any], Any]:
    """What stands in for a session's `send`."""

    async def send(session: Any, request: Any) -> Any:  # noqa: ANN401 - aiobotocore's own types
        answer = ask(request)
        if answer is None:
            return await real(session, request)
        from aiobotocore.awsrequest import AioAWSResponse  # noqa: PLC0415 - optional

        status, headers, body = answer
        raw = _Raw(request.url, body.encode() if isinstance(body, str) else body)
        return AioAWSResponse(request.url, status, {name.lower(): value for name, value in headers.items()}, raw)

    return send


class _Content:
    """A body as aiohttp's StreamReader gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)
        self._size = len(body)

    async def read(self, amount: int = -1) -> bytes:
        """Up to `amount` bytes; all that is left without one."""
        return self._body.read(-1 if amount is None else amount)

    def at_eof(self) -> bool:
        """Whether all has been read."""
        return self._body.tell() == self._size


class _Raw:
    """A response as aiobotocore reads aiohttp's and httpx's."""

    def __init__(self, url: str, body: bytes) -> None:
        self.url = url
        self.content = _Content(body)

    async def read(self) -> bytes:
        """The whole body."""
        return await self.content.read()

    aread = read

    def close(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""
