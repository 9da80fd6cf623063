"""Requests of AWS clients in this process, answered without a socket."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local_emulator.api import wire
from local_emulator.api.pruning import pruned

if TYPE_CHECKING:
    from local_emulator.assembly import Emulator

Answer = tuple[int, Mapping[str, str], str | bytes]
"""HTTP status, headers and body."""


def answerer(emulator: "Emulator", moto_answers: Callable[[Any], Answer | None]) -> Callable[[Any], Answer | None]:
    """What stands in for moto's answer to a request of botocore's: the emulator's where the operation is its own, else moto's."""

    def answer(request: Any) -> Answer | None:  # noqa: ANN401 - botocore's own type
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        access_key, region, service = wire.scope(headers.get("authorization", "")) or ("", emulator.settings.region, "")
        target = headers.get("x-amz-target", "")
        operation = target.removeprefix("SageMaker.")
        if target.startswith("SageMaker.") and operation in emulator.api.operations:
            body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
            if emulator.api.owns(operation, body):
                return emulator.api.answer(operation, body, region, emulator.cloud.account_of(access_key))
        emulator.publisher.sync(service)
        with emulator.cloud.lock:
            result = moto_answers(request)
        if result is not None and target.startswith("SageMaker.") and result[0] == HTTPStatus.OK:
            content = result[2].encode() if isinstance(result[2], str) else result[2]
            return result[0], result[1], pruned(operation, content)
        return result

    return answer


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
