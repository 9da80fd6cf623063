"""The processes that serve: readiness, concurrent requests, bodies, crashes, failures to load, and the end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import until
from tests.integration.local_emulator.inference.containers import START, Serving, script, serving, start

HANDLERS = """
import os, pathlib, sys, time
here = pathlib.Path(__file__).parent
def model_fn(folder):
    print("x" * 1000 + "\\n", end="")
    return 1
def transform_fn(model, content, kind, accept):
    if content == "slow":
        (here / f"begun-{time.monotonic_ns()}").touch()
        while not (here / "go").exists():
            time.sleep(0.01)
    if content == "die":
        os._exit(9)
    if content == "leave":
        sys.exit(1)
    if kind == "application/octet-stream":
        return str(len(content)), "text/plain"
    return str(os.getpid()), "text/plain"
"""
TOOLKIT = (str(START), "scikit-learn")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    base = tmp_path_factory.mktemp("serving")
    with serving(TOOLKIT, base, script(base, HANDLERS)) as served:
        yield served


def test_answers_and_the_access_log(model: Serving) -> None:
    assert model.invoke(b"1").status == 200
    assert model.ask("GET", "/ping").body == b""
    until(lambda: '] "POST /invocations HTTP/1.1" 200 ' in model.log.read_text())
    line = next(line for line in model.log.read_text().splitlines() if "/ping" in line)
    assert line.startswith("127.0.0.1 - - [")
    assert line.endswith('] "GET /ping HTTP/1.1" 200 0 "-" "-"')


def test_large_bodies_and_chunks(model: Serving) -> None:
    body = os.urandom(1 << 20) * 24
    assert model.invoke(body, "application/octet-stream").body == str(len(body)).encode()
    with socket.create_connection(("127.0.0.1", model.port), 60) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
            b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b"\r\n\r\n7HTTP/1.1" in answers


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /invocations HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400 Bad Request"),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"400 Bad Request"),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"501 Not Implemented"),
    ],
)
def test_what_is_no_request(model: Serving, request_: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", model.port), 60) as connection:
        connection.sendall(request_)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_slow_requests_hold_up_none(model: Serving) -> None:
    code = model.log.parent / "model" / "code"
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(model.invoke, b"slow") for _ in range(4)]
        until(lambda: len(list(code.glob("begun-*"))) == 4)
        assert model.ask("GET", "/ping").status == 200
        assert not any(future.done() for future in slow)
        (code / "go").touch()
        assert {future.result().status for future in slow} == {200}


def test_a_handler_that_leaves_costs_its_own_request(model: Serving) -> None:
    worker = model.invoke(b"1").body
    assert model.invoke(b"leave").status == 500
    assert model.invoke(b"1").body == worker


def test_a_worker_that_dies_is_replaced(model: Serving) -> None:
    worker = model.invoke(b"1").body
    with pytest.raises(OSError, match=r"without response|reset"):
        model.invoke(b"die")

    def replaced() -> bool:
        try:
            return model.invoke(b"1").body != worker
        except OSError:  # the new one does not listen yet
            return False

    until(replaced)
    assert f"Worker (pid:{worker.decode()}) exited with code 9." in model.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another user")
def test_another_user_of_this_machine_is_not_answered(model: Serving) -> None:
    asking = (
        "import socket, sys\n"
        f"connection = socket.create_connection(('127.0.0.1', {model.port}), 60)\n"
        "connection.sendall(b'GET /ping HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "try: print(connection.recv(100)[:15])\n"
        "except ConnectionResetError: print(b'')\n"
    )
    answers = [
        subprocess.run(["/usr/bin/python3", "-c", asking], user=user, capture_output=True, text=True, check=True, cwd="/").stdout
        for user in (0, 65534)
    ]
    assert answers == ["b'HTTP/1.1 200 OK'\n", "b''\n"]


def test_the_end(model: Serving) -> None:
    """The last test of this file that has the model: it ends it."""
    (worker,) = model.children()
    start_ = time.monotonic()
    assert model.end() == 0
    assert time.monotonic() - start_ < 60
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_its_port_is_its_own_while_it_loads_and_free_when_it_has_ended(tmp_path: Path) -> None:
    loads = (
        "import pathlib, time\n"
        "here = pathlib.Path(__file__).parent\n"
        "def model_fn(folder):\n"
        "    (here / 'begun').touch()\n"
        "    while not (here / 'go').exists():\n"
        "        time.sleep(0.01)\n"
    )
    served = start(TOOLKIT, tmp_path, script(tmp_path, loads))
    try:
        code = tmp_path / "model" / "code"
        until((code / "begun").exists)
        with pytest.raises(OSError, match="in use"), socket.create_server(("127.0.0.1", served.port)):
            pass
        (code / "go").touch()
        until(lambda: pinged(served.port))
        assert served.end() == 0
        with socket.create_server(("127.0.0.1", served.port)):
            pass
    finally:
        served.process.kill()
        served.process.wait()


def pinged(port: int) -> bytes:
    """The answer to a ping, after which the server is the one that closes the connection; nothing if it does not listen."""
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(1000), b""))
    except ConnectionRefusedError:
        return b""


def test_workers_and_their_end_with_the_master(tmp_path: Path) -> None:
    with serving(TOOLKIT, tmp_path, {**script(tmp_path, HANDLERS), "SAGEMAKER_MODEL_SERVER_WORKERS": "2"}) as served:
        until(lambda: served.log.read_text().count("x" * 1000) == 2)
        workers = served.children()
        assert len(workers) == 2
        assert int(served.invoke(b"1").body) in workers
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()

        def gone() -> bool:
            return not any(Path(f"/proc/{worker}/exe").exists() for worker in workers)

        until(gone)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def model_fn(folder): raise OSError('no model in ' + folder)\n", "OSError: no model in "),
        ("import sys\ndef model_fn(folder): sys.exit('bye')\n", "SystemExit: bye"),
        ("import nothing_such\n", "ModuleNotFoundError: No module named 'nothing_such'"),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_the_program(tmp_path: Path, text: str, words: str) -> None:
    served = start(TOOLKIT, tmp_path, script(tmp_path, text))
    assert served.process.wait(120) == 3
    assert words in served.log.read_text()


def test_what_cannot_be_started(tmp_path: Path) -> None:
    for words, environment, sentence in (
        ((str(START), "tensorflow"), {}, "The toolkit must be one of scikit-learn, xgboost"),
        (
            TOOLKIT,
            {"SAGEMAKER_MODEL_SERVER_WORKERS": "many"},
            "SAGEMAKER_MODEL_SERVER_WORKERS is 'many'; it must be a number above 0",
        ),
        (("-m", "local_emulator.inference.stand_ins", "my-image"), {}, "The argument must be an image of an algorithm of AWS's"),
    ):
        served = start(words, tmp_path, {"PYTHONPATH": str(START.parents[2]), **environment})
        assert served.process.wait(120) == 1
        assert sentence in served.log.read_text()
