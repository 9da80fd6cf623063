"""The emulator as a server: where it listens, what it greets with, how it ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from unittest.mock import patch

import pytest

from local_emulator.state_folder import PORTS, read_owner
from tests.conftest import ROOT, Server, until
from tests.integration.local_emulator.jobs import train


def test_it_is_ready_soon_and_greets_with_the_exports(server: Server) -> None:
    text = "".join(server.log)
    assert f"SageMaker emulator at {server.url}" in text
    with urllib.request.urlopen(f"{server.url}/_health", timeout=10) as answer:
        assert json.load(answer)["status"] == "ok"


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.2"])
def test_where_it_listens_it_answers(tmp_path: Path, host: str, request: pytest.FixtureRequest) -> None:
    server = Server(state=tmp_path / "state", arguments=("--host", host))
    request.addfinalizer(server.end)
    server.launch()
    assert server.process is not None
    while "url" not in (seen := read_owner(server.state) or {}):
        assert server.process.poll() is None
        time.sleep(0.02)
    url = str(seen["url"])
    assert url.startswith("http://127.0.0.1:" if host == "0.0.0.0" else f"http://{host}:")
    with urllib.request.urlopen(f"{url}/_health", timeout=10) as answer:
        assert json.load(answer)["status"] == "ok"


def test_when_idle_it_ends(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server = Server(state=tmp_path / "state", arguments=("--idle-exit", "1"))
    request.addfinalizer(server.end)
    server.launch()
    assert server.process is not None
    assert server.process.wait(timeout=60) == 0


def test_it_listens_where_it_has_listened_unless_that_is_taken(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    state = tmp_path / "state"
    server = Server(state)
    request.addfinalizer(server.end)
    server.start()
    first = server.port
    ports = state / PORTS
    assert json.loads(ports.read_text())["api"] == first
    assert stat.S_IMODE(ports.stat().st_mode) == 0o600
    server.end()
    server.port = 0
    assert server.start().port == first
    server.end()
    server.port = 0
    with socket.create_server(("127.0.0.1", first)):
        assert server.start().port != first
        server.end()


def test_a_signal_ends_it_in_order_and_says_what_goes_on(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server = Server(tmp_path / "state", ("--image", "*=sh -c 'sleep 600'"))
    request.addfinalizer(server.remove)
    server.start()
    with patch.dict(os.environ, server.environment):
        train("sleeps")
    assert server.process is not None
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=60) == 0
    server.end()
    left = "1 training jobs go on by themselves; the next start picks them up (`reset` ends them).\n"
    until(lambda: left in server.log)
    assert not [line for line in server.log if "Traceback" in line]


def test_without_what_it_needs_it_names_that(tmp_path: Path) -> None:
    code = (
        "import importlib.util as util, sys\nfind = util.find_spec\n"
        "import local_emulator.serving as serving\nserving.find_spec = lambda name: None if name == 'flask_cors' else find(name)\n"
        "from local_emulator.command import main\nsys.exit(main())"
    )
    words = ["serve", "--port", "0", "--state", str(tmp_path / "state")]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode != 0
    assert "flask_cors" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists(), "nothing was begun"
