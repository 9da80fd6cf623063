"""`python -m local_emulator.runs.transforming PLAN`: start the server, send it every file, keep its answers."""

import gzip
import json
import os
import signal
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from local_emulator.domain.errors import is_passing
from local_emulator.runs.folder import RunFolder, read_facts, write_whole
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.hosting.backends import BackendGone, Backends, BackendTimeout
from local_emulator.runs.hosting.health import wait_until_healthy
from local_emulator.runs.hosting.port import BIND_TO_PORT, free_ports
from local_emulator.runs.hosting.sequence import ContainerSequence, OversizedAnswer
from local_emulator.runs.program import Program, StartError, start
from local_emulator.runs.transforming.association import Association
from local_emulator.runs.transforming.plan import TransformPlan
from local_emulator.runs.transforming.records import PayloadError, batches, split

_PING_SECONDS = 480.0
_LARGEST_ANSWER = 2**30  # bytes
_OK = 200
_STDOUT = 1  # the log of the run
_CLIENT_ERRORS = range(400, 500)
_RETRIED = {429, 500, 502, 503, 504}
_CLIENT_ERROR = "ClientError: See job logs for more information"
_ALGORITHM_ERROR = "AlgorithmError: See job logs for more information"


class _FileError(Exception):
    """A file cannot be transformed: what its data log says, and the job's FailureReason."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class _StartError(Exception):
    """There is no server; the text says why."""


@dataclass
class _Server:
    """The program of a container, which has been started, and its port."""

    port: int
    program: Program
    folder: HostFolder
    ended: bool = False

    def runs(self) -> bool:
        """Whether it has not ended."""
        try:
            self.ended = self.ended or os.waitpid(self.program.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:  # another thread has asked just now
            self.ended = True
        return not self.ended

    def end(self) -> None:
        """End it; what it has started ends with this process's supervisor."""
        if self.runs():
            os.killpg(self.program.pid, signal.SIGKILL)
            self.program.reap()
            self.ended = True


class _Transform:
    def __init__(self, plan: TransformPlan, servers: Sequence[_Server]) -> None:
        self.plan = plan
        self._servers = servers
        self._containers = [(name, server.port) for name, server in zip(plan.containers, servers, strict=True)]
        self._backends = Backends()
        self._logging = threading.Lock()

    def run(self) -> str | None:
        """Transform all files; the FailureReason, None if there is none."""
        deadline = time.monotonic() + _PING_SECONDS
        for name, port in self._containers:
            if not wait_until_healthy(self._backends, port, deadline - time.monotonic(), self._all_run):
                self._log(self._trouble or f"The {name} container did not pass the ping health check.")
                return self._trouble or _ALGORITHM_ERROR
        self._ask_for_parameters()
        plan = self.plan
        strategy = "MULTI_RECORD" if plan.several else "SINGLE_RECORD"
        self._log(f"MaxConcurrentTransforms={plan.concurrent}, MaxPayloadInMB={plan.limit >> 20}, BatchStrategy={strategy}")
        files = sorted(path for path in Path(plan.input).rglob("*") if path.is_file())
        reasons = []
        with ThreadPoolExecutor(plan.concurrent) as pool:
            for path in files:
                try:
                    self._transform(path, pool)
                except _FileError as error:
                    self._log(f"{self._key(path)}: {error}")
                    reasons.append(error.reason)
        return reasons[0] if reasons else None

    def _all_run(self) -> bool:
        return all(server.runs() for server in self._servers)

    @property
    def _trouble(self) -> str | None:
        """Why a container could not do its work: a FailureReason; None if that is not so."""
        errors = [read_facts(server.folder.container_error) for server in self._servers]
        return next((str(error["message"]) for error in errors if error is not None), None)

    def _key(self, path: Path) -> str:
        """A file as AWS's data log names it."""
        return f"{self.plan.location.rstrip('/')}/{path.relative_to(self.plan.input)}"

    def _log(self, line: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        with self._logging, Path(self.plan.log).open("a") as file:
            file.write(f"{json.dumps([int(time.time() * 1000), f'{stamp}:[sagemaker logs]: {line}'])}\n")

    def _ask_for_parameters(self) -> None:
        try:
            answer = self._backends.request(self._servers[0].port, "GET", "/execution-parameters", {}, None, 10.0)
            body = answer.read(2**20)
            if answer.status == _OK and body:
                self.plan = self.plan.with_answer(json.loads(body))
        except (BackendGone, BackendTimeout):
            return  # it need not know any
        except (ValueError, RecursionError) as error:
            self._log(f"The answer to /execution-parameters is left out: {error}")

    def _transform(self, path: Path, pool: ThreadPoolExecutor) -> None:
        """Send the records of a file, and keep the answers beside one another once all are there."""
        plan = self.plan
        target = Path(plan.output) / f"{path.relative_to(plan.input)}.out"
        unfinished = Path(f"{plan.output}.unfinished")
        try:
            with unfinished.open("wb") as file:
                for answer in self._answers(path, pool):
                    file.write(answer)
                    if plan.assemble == "Line" and not answer.endswith(b"\n"):
                        file.write(b"\n")
        except PayloadError as error:
            raise _FileError(str(error), f"ClientError: {error}"[:1024]) from error
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(target)
        except OSError as error:  # its name is too long with .out, or another's answer lies there
            if is_passing(error):
                raise
            raise _FileError(f"its answer cannot be kept: {error.strerror}", _ALGORITHM_ERROR) from error

    def _answers(self, path: Path, pool: ThreadPoolExecutor) -> Iterator[bytes]:
        """The answers to the requests of a file, in their order; of these not many more are made than are sent at a time."""
        plan = self.plan
        association = Association(plan.input_filter, plan.output_filter, plan.join)
        waiting = deque[Future[bytes]]()
        try:
            for batch in self._batches(path):
                waiting.append(pool.submit(self._answer, batch, association))
                if len(waiting) > plan.concurrent:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _batches(self, path: Path) -> Iterator[list[bytes]]:
        plan = self.plan
        try:
            with gzip.open(path) if plan.gzip else path.open("rb") as file:
                yield from batches(split(file, plan.split, plan.limit), plan.limit, several=plan.several)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _FileError(f"cannot be decompressed: {error}", _CLIENT_ERROR) from error

    def _answer(self, records: Sequence[bytes], association: Association) -> bytes:
        """What is kept of the server's answer to some records."""
        plan = self.plan
        content_type, accept = plan.content_type or "", plan.accept or plan.content_type or ""
        body = b"".join(association.sent(records, content_type))
        answer = self._invoke(body)
        return association.kept(records, content_type, answer, accept)

    def _invoke(self, body: bytes) -> bytes:
        plan = self.plan
        # Without a ContentType there is no header: AWS's XGBoost then reads libsvm, as one of AWS's examples has it.
        named = {"content-type": plan.content_type, "accept": plan.accept}
        headers = {name: value for name, value in named.items() if value}
        for tries_left in reversed(range(plan.retries + 1)):
            sequence = ContainerSequence(self._backends, self._containers)
            try:
                answer = sequence.ask(headers, body, plan.timeout, _LARGEST_ANSWER)
                content = sequence.read(answer, _LARGEST_ANSWER)
            except OversizedAnswer as error:
                message = f"The model server's answer has more than {_LARGEST_ANSWER:,} bytes"
                raise _FileError(message, _ALGORITHM_ERROR) from error
            except BackendTimeout as error:
                if not tries_left:
                    raise _FileError("Model server did not respond to /invocations request in time", _ALGORITHM_ERROR) from error
                continue
            except BackendGone as error:
                if not tries_left or not self._all_run():
                    message = self._trouble or "The model server has closed the connection"
                    raise _FileError(message, self._trouble or _ALGORITHM_ERROR) from error
                continue
            if answer.status == _OK:
                return content
            if answer.status not in _RETRIED or not tries_left:
                reason = _CLIENT_ERROR if answer.status in _CLIENT_ERRORS else _ALGORITHM_ERROR
                shown = content[:500].decode("utf-8", "replace").strip()
                whose = "algorithm" if len(self._containers) == 1 else sequence.container
                raise _FileError(f"Bad HTTP status received from {whose}: {answer.status}\n{shown}".strip(), reason)
        raise AssertionError(plan.retries)


@contextmanager
def _serving(plan: TransformPlan) -> Iterator[Sequence[_Server]]:
    """The servers, each on a port of its own. Raises _StartError."""
    folder = RunFolder(Path(plan.folder))
    parts = folder.load_run().on_servers
    servers: list[_Server] = []
    try:
        for part, port in zip(parts, free_ports(len(parts)), strict=True):
            host = folder.host(part.host)
            write_whole(host.port, str(port).encode())
            with_port = replace(part, env={**part.env, BIND_TO_PORT: str(port)})
            try:
                started = start(with_port, folder, _STDOUT, -1)
            except StartError as error:
                raise _StartError(f"the server cannot be started: {error}") from error
            if started is None:
                raise _StartError("the job is being stopped")
            servers.append(_Server(port, started, host))
        yield servers
    finally:
        for server in servers:
            server.end()


def main(path: Path) -> int:
    """Carry a plan out; the exit code."""
    plan = TransformPlan.read(path)
    try:
        with _serving(plan) as servers:
            reason = _Transform(plan, servers).run()
    except (_StartError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the job's log
        reason = _ALGORITHM_ERROR
    if reason is not None:
        Path(plan.reason).write_text(reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(code)  # threads that wait for the server's answer need not be waited for
