"""An invocation of the containers of a model: each is sent what the one before it has answered."""

import time
from collections.abc import Mapping, Sequence

from local_emulator.runs.hosting.backends import BackendAnswer, Backends, BackendTimeout

_TYPE, _ACCEPT = "content-type", "accept"
_OK = range(200, 300)


class OversizedAnswer(Exception):  # noqa: N818 - reads as a fact
    """What a container has answered is too long to be sent to the next; `status` is its answer's."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class ContainerSequence:
    """One invocation of containers, given by their names and ports.

    `container` is the one that was asked last: the one to blame for what is raised. `seconds` are those that each has taken so far.
    """

    def __init__(self, backends: Backends, containers: Sequence[tuple[str, int]]) -> None:
        self._backends = backends
        self._containers = containers
        self.container = containers[0][0]
        self.seconds: dict[str, float] = {}

    def ask(self, headers: Mapping[str, str], body: bytes, seconds: float, most: int) -> BackendAnswer:
        """The last container's answer, or the first that is no good one; its headers are there.

        Names of headers are in lower case. `Accept` is for the last container, and the Content-Type of an answer for the next. All
        together have so many seconds, and what is handed on has at most so many bytes. Raises OversizedAnswer, BackendTimeout,
        BackendGone.
        """
        deadline = time.monotonic() + seconds
        *before, last = self._containers
        for name, port in before:
            answer = self._ask(name, port, {name: value for name, value in headers.items() if name != _ACCEPT}, body, deadline)
            if answer.status not in _OK:
                return answer
            body = self.read(answer, most)
            headers = {name: value for name, value in headers.items() if name != _TYPE}
            if _TYPE in answer.headers:
                headers[_TYPE] = answer.headers[_TYPE]
        return self._ask(*last, headers, body, deadline)

    def _ask(self, name: str, port: int, headers: Mapping[str, str], body: bytes, deadline: float) -> BackendAnswer:
        self.container, asked = name, time.monotonic()
        if asked >= deadline:
            raise BackendTimeout
        try:
            return self._backends.request(port, "POST", "/invocations", headers, body, deadline - asked)
        finally:
            self.took(time.monotonic() - asked)

    def read(self, answer: BackendAnswer, most: int) -> bytes:
        """The body of an answer; raises OversizedAnswer, BackendTimeout, BackendGone."""
        asked = time.monotonic()
        try:
            body = answer.read(most)
        finally:
            self.took(time.monotonic() - asked)
        if body is None:
            raise OversizedAnswer(answer.status)
        return body

    def took(self, seconds: float) -> None:
        """Count seconds to the container that was asked last."""
        self.seconds[self.container] = self.seconds.get(self.container, 0.0) + seconds
