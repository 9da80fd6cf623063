"""Answers invocations of asynchronous endpoints: reads their input, asks a program, writes what it answers to S3."""

import base64
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from local_emulator.documents import hosting
from local_emulator.domain.endpoint import Endpoint, EndpointStatus, Instance, Variant
from local_emulator.domain.errors import INTERNAL_ERROR, NotFound, Unreadable
from local_emulator.domain.invocation import QueuedInvocation
from local_emulator.domain.names import ENDPOINT, Arn
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, Objects, ObjectsUnavailable, parse_s3
from local_emulator.engine.faults import FaultLog, Retries, result_of
from local_emulator.engine.mover import Mover, look_again
from local_emulator.engine.workers import Workers
from local_emulator.runs.hosting.backends import BackendGone, Backends, BackendTimeout
from local_emulator.runs.hosting.sequence import ContainerSequence, OversizedAnswer
from local_emulator.store.base import Store

if TYPE_CHECKING:
    from concurrent.futures import Future

_AT_ONCE = 32  # of all endpoints together
_AT_ONCE_FOR_INSTANCE = 4  # if the endpoint does not say
_MOST_OUTPUT = 2**30  # bytes
_OK = range(200, 300)
_CLOSES_WITHIN = 5.0  # seconds


class AsyncInvocationMover(Mover):
    """Answers what is queued, in the order of its arrival; after a kill again what was not answered yet."""

    moves: ClassVar[str] = "asynchronous invocations"

    def __init__(
        self,
        *,
        store: Store,
        objects: Objects,
        folder: Path,
        now: Callable[[], datetime],
        notify: Callable[[], None],
        log: FaultLog,
        scale: float = 1.0,
    ) -> None:
        self._store = store
        self._objects = objects
        self._folder = folder
        self._now = now
        self._notify = notify
        self._scale = scale
        self._threads = Workers(_AT_ONCE)
        self._backends = Backends()
        self._answering: dict[Arn, Future[bool]] = {}
        self._busy: dict[Arn, str] = {}  # the runs that answer
        self._retries = Retries(log, "answering an asynchronous invocation", notify)

    def step(self) -> float | None:
        """Begin what can be begun, and forget what is answered."""
        arns = self._store.invocations.active()
        for arn in arns:
            self._retries.guard(arn, partial(self._move, arn), partial(self._give_up, arn))
        return look_again(self._scale) if arns else None

    def reset(self) -> None:
        """Forget everything; what waits for a thread is never answered."""
        self._threads.abandon(*self._answering.values())
        self._answering.clear()
        self._busy.clear()

    def close(self) -> None:
        """End; what is not answered yet is answered by the next emulator."""
        self._threads.close(_CLOSES_WITHIN)
        self._backends.close()

    def _move(self, arn: Arn) -> None:
        answering = self._answering.get(arn)
        if answering is None:
            queued = self._store.invocations.get(arn)
            endpoint = self._endpoint(queued)
            free = None if endpoint is None else self._free_instance(endpoint)
            expired = endpoint is None or (self._now() - queued.created).total_seconds() > queued.ttl
            if free is not None or expired:
                work = self._threads.submit(self._answer, queued, free)
                work.add_done_callback(lambda _: self._notify())
                self._answering[arn] = work
                if free is not None:
                    self._busy[arn] = free[1].run
        elif answering.done():
            del self._answering[arn]
            self._busy.pop(arn, None)
            if result_of(answering):
                self._forget(arn)

    def _give_up(self, arn: Arn, error: Exception) -> None:
        """Forget an invocation that cannot be answered; the server's log has the details."""
        if isinstance(error, Unreadable):
            self._store.mark_failed(arn, INTERNAL_ERROR, self._now())
        else:
            self._forget(arn)

    def _forget(self, arn: Arn) -> None:
        self._store.invocations.delete(arn)
        self._retries.forget(arn)

    def _endpoint(self, queued: QueuedInvocation) -> Endpoint | None:
        try:
            return self._store.endpoints.get(queued.scope.arn(ENDPOINT, queued.endpoint))
        except NotFound:
            return None

    def _free_instance(self, endpoint: Endpoint) -> tuple[Variant, Instance] | None:
        """The least busy instance that is up, and its variant; None while none has room."""
        if endpoint.serving is None or endpoint.status is EndpointStatus.DELETING:
            return None
        most = hosting.concurrent_invocations(endpoint.serving.config) or _AT_ONCE_FOR_INSTANCE
        busy = Counter(self._busy.values())
        up = [pair for pair in endpoint.serving.instances if pair[0].weight > 0 and pair[1].healthy and busy[pair[1].run] < most]
        return min(up, key=lambda pair: busy[pair[1].run], default=None)

    def _answer(self, queued: QueuedInvocation, free: tuple[Variant, Instance] | None) -> bool:
        """Write output or failure; False if it is to be tried again. In a thread."""
        if free is None:
            return self._write(queued.failure, b"The request has expired, or its endpoint was deleted.")
        try:
            body = self._input(queued)
        except (ValueError, NoSuchBucket, NoSuchKey, ObjectsUnavailable) as error:
            return self._write(queued.failure, f"Failed to read the input {queued.location}: {error}".encode())
        variant, instance = free
        sequence = ContainerSequence(
            self._backends, list(zip(hosting.container_names(variant.model), instance.ports, strict=False))
        )
        try:
            answer = sequence.ask(dict(queued.headers), body, queued.seconds, _MOST_OUTPUT)
            content = sequence.read(answer, _MOST_OUTPUT)
        except BackendTimeout:
            late = f"Your invocation timed out while waiting for a response from container {sequence.container}."
            return self._write(queued.failure, late.encode())
        except BackendGone as gone:
            return gone.sent and self._write(queued.failure, b"The container ended before it had answered.")
        except OversizedAnswer:
            return self._write(queued.failure, f"The response has more than {_MOST_OUTPUT} bytes.".encode())
        return self._write(queued.output if answer.status in _OK else queued.failure, content)

    def _input(self, queued: QueuedInvocation) -> bytes:
        if queued.location is None:
            return base64.b64decode(queued.body or "")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "input"
            self._objects.download(*parse_s3(queued.location), path)
            return path.read_bytes()

    def _write(self, uri: str | None, content: bytes) -> bool:
        """Write to S3, unless there is nowhere to write to; the invocation is answered then."""
        if uri is not None:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                path = Path(folder) / "output"
                path.write_bytes(content)
                self._objects.upload(*parse_s3(uri), path)
        return True
