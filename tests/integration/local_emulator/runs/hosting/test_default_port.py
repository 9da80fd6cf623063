"""A program that serves on another port than the one it was told."""

import os
import subprocess
import sys

import pytest

from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.hosting import default_port
from local_emulator.runs.hosting.backends import BackendGone, Backends
from local_emulator.runs.hosting.default_port import Startup
from local_emulator.runs.hosting.port import BIND_TO_PORT, free_ports
from tests.conftest import until


def test_a_program_that_ignores_its_port_is_found_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setattr(default_port, "DEFAULT_PORT", port)
    monkeypatch.setattr(default_port, "_LOOK_EVERY", 0.0)
    serve = (
        "from http.server import *\n"
        "class Handler(BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200 if self.path == '/ping' else 404); self.end_headers()\n"
        f"ThreadingHTTPServer(('127.0.0.1', {port}), Handler).serve_forever()"
    )
    backends = Backends()
    with subprocess.Popen(
        [sys.executable, "-c", serve], env={**os.environ, MARKER: "the-run", BIND_TO_PORT: "7"}, stderr=subprocess.DEVNULL
    ) as program:
        try:
            programs = ("the-run", 7), ("another", 7), ("the-run", 77)
            ignoring, another, beside = (Startup(backends, run, number, lambda: True) for run, number in programs)
            until(lambda: not ignoring.goes_on())
            assert ignoring.ignores_port
            assert another.goes_on()
            assert beside.goes_on(), "it is another container of the run"
        finally:
            program.kill()
    backends.close()
    assert Startup(backends, "the-run", 7, lambda: True).goes_on()


@pytest.mark.parametrize("shortage", [BackendGone(sent=False, short="Too many open files"), OSError(24, "Too many open files")])
def test_who_cannot_look_waits_on(shortage: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def serves_there(*_: object) -> bool:
        raise shortage

    monkeypatch.setattr(default_port, "serves_there", serves_there)
    monkeypatch.setattr(default_port, "_LOOK_EVERY", 0.0)
    startup = Startup(Backends(), "the-run", 7, lambda: True)
    assert startup.goes_on()
    assert not startup.ignores_port
