"""Requests of the AWS clients of this process, answered or refused before a socket is opened.

Every botocore client sends through its HTTP session's `send`, whenever and however it was made; so that is what is replaced, for as
long as a context is open. moto's own hook would miss the clients that were made before moto was imported.
"""

import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.httpsession
from botocore.configprovider import ConfiguredEndpointProvider

from local_emulator.api import refusals, wire
from local_emulator.api.invocations import is_invocation
from local_emulator.api.pruning import pruned
from local_emulator.api.trial_components import METRICS
from local_emulator.cloud.moto_modules import moto
from local_emulator.cloud.moto_patches import operations, tagging
from local_emulator.domain.errors import UnknownOperationException
from local_emulator.domain.names import AwsScope
from local_emulator.testing import asynchronous
from local_emulator.testing.addresses import RequestRefused, is_aws, is_loopback
from local_emulator.testing.waiting import without_delays

if TYPE_CHECKING:
    from local_emulator.assembly import Emulator

Answer = tuple[int, Mapping[str, str], str | bytes]
"""HTTP status, headers and body."""


class Answerer:
    """Answers requests for one emulator: its own operations itself, the others by moto."""

    def __init__(self, emulator: "Emulator") -> None:
        self.emulator = emulator
        self._stubber = moto("core.models").botocore_stubber
        self._process = os.getpid()

    def answer(self, request: Any) -> Answer | None:  # noqa: ANN401 - botocore's own type
        """The answer to a prepared request; None if it is for a server on this machine.

        Raises:
            RequestRefused: Neither AWS nor this machine, moto is not active, or this is a forked child.
        """
        url = str(request.url)
        if is_loopback(url) and not _stands_for_s3(url):
            return None
        if os.getpid() != self._process:
            raise RequestRefused(
                f"{request.method} {_shown(url)}: the emulator belongs to process {self._process} and this is a forked child of it; "
                "open emulated_sagemaker() here too, or take the address of the fixture emulated_sagemaker_server"
            )
        if not self._stubber.enabled:
            raise RequestRefused(f"{request.method} {_shown(url)}: moto's mock_aws was stopped before emulated_sagemaker() ended")
        answer = self._answer(request, url)
        if answer is None:
            raise RequestRefused(
                f"{request.method} {_shown(url)}: inside emulated_sagemaker() requests go to AWS's addresses, which are answered in "
                "this process, or to a server on a loopback address"
            )
        return answer

    def _answer(self, request: Any, url: str) -> Answer | None:  # noqa: ANN401 - botocore's own type
        emulator = self.emulator
        emulator.follow_clock()  # a test may have moved it
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        access_key, region, service = wire.scope(headers.get("authorization", "")) or ("", emulator.settings.region, "")
        target = headers.get("x-amz-target", "")
        of_sagemaker = target.startswith("SageMaker.") and is_aws(url)
        body = _bytes(request.body) if of_sagemaker or refusals.needs_body(service, target) else b""
        operation = target.removeprefix("SageMaker.")
        account = emulator.cloud.account_of(access_key)
        if is_invocation(service, urlsplit(url).path) and is_aws(url):
            return self._invoke(urlsplit(url).path, headers, _bytes(request.body), AwsScope(region=region, account=account))
        if service == "sagemaker" and urlsplit(url).path == METRICS and is_aws(url):
            return emulator.api.put_metrics(_bytes(request.body), region, account)
        if of_sagemaker and emulator.api.owns(operation, body):
            return emulator.api.answer(operation, body, region, account)
        refusal = refusals.refusal(service, target, urlsplit(url).path, body)
        if refusal is not None and is_aws(url) and not emulator.settings.pretend:
            return wire.failure(refusal)
        answer = self._of_moto(request, service, region, operation if of_sagemaker else "")
        if refusal is None or answer is None or answer[0] >= HTTPStatus.MULTIPLE_CHOICES:
            return answer
        return answer[0], dict([*answer[1].items(), refusals.PRETENDED]), answer[2]

    def _invoke(self, path: str, headers: Mapping[str, str], body: bytes, scope: AwsScope) -> Answer:
        status, answered, content = self.emulator.hosting.runtime.answer(path, headers, body, scope)
        return status, answered, content if isinstance(content, bytes) else b"".join(content)

    def _of_moto(self, request: Any, service: str, region: str, operation: str) -> Answer | None:  # noqa: ANN401 - botocore's own type
        """Answer by moto; `operation` is SageMaker's, empty for other services."""
        emulator = self.emulator
        if operation:
            try:
                # moto does not know the addresses of FIPS and of VPC endpoints.
                with emulator.cloud.lock, _usual_address(request, region):
                    answer = self._moto(request)
            except NotImplementedError:
                return wire.failure(UnknownOperationException(f"{operation} is not emulated: moto does not know it."))
            if answer is not None and answer[0] == HTTPStatus.OK:
                content = answer[2].encode() if isinstance(answer[2], str) else answer[2]
                return answer[0], answer[1], pruned(operation, content)
            return answer
        emulator.sync_cloudwatch(service)
        emulator.cloud.ensure_role(service)
        if service in operations.SERVICES:
            extend_moto()
        elif service == "cloudformation":
            _extend("stacks", lambda last: last.cloud.stacks())
        elif service == tagging.SERVICE:
            _extend("tags", lambda last: last.cloud.tags())
        with emulator.cloud.lock:
            if service == "s3":
                emulator.cloud.stock(request.url.partition("?")[0].partition("//")[2])
            return self._moto(request)

    def _moto(self, request: Any) -> Answer | None:  # noqa: ANN401 - botocore's own type
        answer: Answer | None = type(self._stubber).process_request(self._stubber, request)
        return answer


@contextmanager
def _usual_address(request: Any, region: str) -> Iterator[None]:  # noqa: ANN401 - botocore's own type
    url = request.url
    request.url = f"https://api.sagemaker.{region}.amazonaws.com/"
    try:
        yield
    finally:
        request.url = url


def _stands_for_s3(url: str) -> bool:
    """Whether moto takes an address for S3's (MOTO_S3_CUSTOM_ENDPOINTS)."""
    return bool(moto("core.utils").get_equivalent_url_in_aws_domain(url)[1])


def _shown(url: str) -> str:
    return url.partition("?")[0]  # what follows may be a signature


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


# --- the contexts that are open -------------------------------------------------------------------------------------------

_lock = threading.RLock()
_open: list[Answerer] = []  # the last answers
_patches = ExitStack()
_additions = ExitStack()
_extended: set[str] = set()  # what is among them


@contextmanager
def answering(emulator: "Emulator") -> Iterator[None]:
    """Let an emulator answer the AWS clients of this process. Contexts may overlap: the one opened last answers."""
    answerer = Answerer(emulator)
    with _lock:
        if not _open:
            _replace_sends()
            _patches.enter_context(without_delays())
        _open.append(answerer)
        _additions.close()
    try:
        yield
    finally:
        with _lock:
            _open.remove(answerer)
            _additions.close()
            if not _open:
                _patches.close()


def extend_moto() -> None:
    """Put our additions to moto as the last emulator wants them, if they are not there: only now, as they take a fifth of a start."""
    _extend("operations", lambda emulator: operations.applied(emulator.settings.quotas))


def _extend(what: str, addition: Callable[["Emulator"], AbstractContextManager[None]]) -> None:
    with _lock:
        if _open and what not in _extended:
            _additions.enter_context(addition(_open[-1].emulator))
            _extended.add(what)
            _additions.callback(_extended.discard, what)


def _replace_sends() -> None:
    botocore_stubber = moto("core.models").botocore_stubber
    session: Any = botocore.httpsession.URLLib3Session
    _patches.enter_context(patch.object(session, "send", _sender(session.send)))
    for async_session in asynchronous.sessions():
        _patches.enter_context(patch.object(async_session, "send", asynchronous.sender(async_session.send, _ask)))
    # The endpoints of the user's configuration file. A variable that says so would go on to children that are given an endpoint.
    _patches.enter_context(patch.object(ConfiguredEndpointProvider, "provide", lambda _provider: None))
    # moto's hook in the clients that have it would answer before; of the library `requests` it goes on answering.
    _patches.enter_context(patch.object(type(botocore_stubber), "__call__", _leave_alone))
    _patches.enter_context(patch.object(botocore_stubber, "process_request", _ask))


def _leave_alone(_stubber: object, **_event: object) -> None:
    return None


def _ask(request: Any) -> Answer | None:  # noqa: ANN401 - botocore's own type
    answerers = _open[-1:]
    if not answerers:  # it was under way when the last context ended
        raise RequestRefused(f"{request.method} {_shown(str(request.url))}: emulated_sagemaker() has ended")
    return answerers[0].answer(request)


def _sender(real: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def send(session: Any, request: Any) -> Any:  # noqa: ANN401 - botocore's own types
        answer = _ask(request)
        if answer is None:
            return real(session, request)
        status, headers, body = answer
        raw = _Raw(body.encode() if isinstance(body, str) else body)
        return botocore.awsrequest.AWSResponse(request.url, status, dict(headers), raw)  # type: ignore[arg-type] # as moto does

    return send


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, amount: int = 2**16, **_options: object) -> Iterator[bytes]:
        """The body in pieces."""
        while piece := self.read(amount):
            yield piece
