"""A recorder of the AWS operations that clients in this process call."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call of an operation.

    Attributes:
        service: boto3's name of the service (`sagemaker`).
        operation: AWS's name of the operation (`CreateTrainingJob`).
        parameters: What the caller named.
        region: The client's.
        error: Code of the error that it was answered with, or name of the exception; None if it succeeded, or still goes on.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    error: str | None = None


class Requests(Sequence[Request]):
    """The calls of boto3's clients, whenever they were made, in order. Those of other processes are not among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Request] = []

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a number or a slice, as with any sequence
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return "\n".join(map(_said, self._all)) or "no requests"

    def of(self, operation: str) -> list[Request]:
        """Those of one operation, `CreateTrainingJob` for one."""
        return [request for request in list(self._all) if request.operation == operation]

    def assert_made(self, operation: str, times: int | None = None, **parameters: object) -> None:
        """Raise AssertionError unless an operation was called with at least these parameters.

        Args:
            operation: AWS's name of it.
            times: How often exactly; None for at least once.
            parameters: Members that its parameters had. A mapping is compared member by member, anything else whole.
        """
        calls = self.of(operation)
        count = sum(_includes(call.parameters, parameters) for call in calls)
        if count >= 1 if times is None else count == times:
            return
        wanted = f"{operation}({_text(parameters)})" if parameters else operation
        often = "" if times is None else f" {times} times, but {count}"
        said = "\n".join(f"  {_said(call)}" for call in calls or list(self._all)) or "  nothing"
        raise AssertionError(f"{wanted} was not called{often}; these were:\n{said}")

    def snapshot(self, *operations: str) -> list[dict[str, Any]]:
        """The calls as JSON's types, to be compared with those of an earlier run; of some operations only, if any are named."""
        chosen = [call for call in list(self._all) if not operations or call.operation in operations]
        return [{"service": call.service, "operation": call.operation, "parameters": _plain(call.parameters)} for call in chosen]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._all.clear()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Note what is called until the context ends; others may record at the same time, and end before or after it."""
        name = "_make_api_call"  # every call of an operation goes there
        with _guard:
            if not _recorders:
                _patches.enter_context(patch.object(BaseClient, name, _recorded(getattr(BaseClient, name))))
            _recorders.append(self)
        try:
            yield
        finally:
            with _guard:
                _recorders.remove(self)
                if not _recorders:
                    _patches.close()

    def _note(self, request: Request) -> Callable[[str], None]:
        """Note a call; returns what notes its error."""
        with self._lock:
            index = len(self._all)
            self._all.append(request)

        def failed(code: str) -> None:
            with self._lock:
                if self._all[index : index + 1] == [request]:  # they may have been cleared
                    self._all[index] = replace(request, error=code)

        return failed


_guard = threading.Lock()
_recorders: list[Requests] = []
_patches = ExitStack()


def _recorded(call: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        facts = {"service": client.meta.service_model.service_name, "region": client.meta.region_name}
        request = Request(operation=operation, parameters=dict(parameters), **facts)
        failed = [recorder._note(request) for recorder in list(_recorders)]  # noqa: SLF001 - of this module
        try:
            return call(client, operation, parameters)
        except Exception as error:
            answer = getattr(error, "response", None) or {}  # a lost connection has None
            code = answer.get("Error", {}).get("Code", type(error).__name__)
            for fail in failed:
                fail(code)
            raise

    return recorded


def _includes(value: object, wanted: object) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(name in value and _includes(value[name], part) for name, part in wanted.items())
    return value == wanted


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON's types
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return value if isinstance(value, str | int | float | bool | None) else f"<{type(value).__name__}>"


def _text(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(_plain(value))}" for name, value in parameters.items())


def _said(request: Request) -> str:
    return f"{request.operation}({_text(request.parameters)})" + (f" -> {request.error}" if request.error else "")
