"""Programs that serve models, started as the engine starts them."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

START = ROOT / "local_emulator" / "inference" / "start.py"
_WITHIN = 120.0  # seconds, on a loaded machine


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str | None


@dataclass
class Serving:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WITHIN)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.getheader("Content-Type"))
        finally:
            connection.close()

    def invoke(self, body: bytes, kind: str = "text/csv", accept: str = "*/*") -> Answer:
        return self.ask("POST", "/invocations", body, {"Content-Type": kind, "Accept": accept})

    def children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(_WITHIN)


def start(
    words: Sequence[str], base: Path, environment: Mapping[str, str] | None = None, python: str = sys.executable
) -> Serving:
    """`python WORDS…` with the environment of a serving run; it may not listen yet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    log = base / "log"
    own = {"PATH": os.environ["PATH"], "HOME": str(base), "OMP_NUM_THREADS": "1", "SAGEMAKER_BASE_DIR": str(base)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, *words],
            env={**own, "SAGEMAKER_BIND_TO_PORT": str(port), **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=base,
            start_new_session=True,
        )
    return Serving(process, port, log)


@contextmanager
def serving(
    words: Sequence[str], base: Path, environment: Mapping[str, str] | None = None, python: str = sys.executable
) -> Iterator[Serving]:
    """A program that answers /ping."""
    served = start(words, base, environment, python)
    try:
        deadline = time.monotonic() + _WITHIN
        while True:
            try:
                if served.ask("GET", "/ping").status == 200:
                    break
            except OSError:
                assert served.process.poll() is None, served.log.read_text()
                assert time.monotonic() < deadline, served.log.read_text()
            time.sleep(0.02)
        yield served
    finally:
        served.process.kill()
        served.process.wait()


def script(base: Path, text: str, name: str = "inference.py") -> Mapping[str, str]:
    """A model with a script; the environment that names it."""
    code = base / "model" / "code"
    code.mkdir(parents=True, exist_ok=True)
    (code / name).write_text(text)
    return {"SAGEMAKER_PROGRAM": name, "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
