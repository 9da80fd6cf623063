"""What forks of a server inherit, and how they notify it. In processes of their own: it changes the one that it is in."""

import os
import subprocess
import sys

import pytest

from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.forkserver.server.state import ROOM
from tests.conftest import ROOT

BEFORE = """
import gc, json, os, signal, sys
from types import SimpleNamespace
from local_emulator.runs.forkserver.server.state import ROOM, State, find_marker
def marker():
    with open("/proc/self/environ", "rb") as file:
        return next(line for line in file.read().split(b"\\0") if line.startswith(b"SM_EMULATOR_RUN="))
def forked(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child
state = State(find_marker(), SimpleNamespace())
"""

CASES = {
    "a fork shows its run's id, and no other process does": """
def show():
    state.set_run_marker("a" * 32)
    assert marker() == b"SM_EMULATOR_RUN=" + b"a" * 32, marker()
assert "SM_EMULATOR_RUN" not in os.environ
state.thaw()
assert os.waitpid(forked(show), 0)[1] == 0
assert marker() == b"SM_EMULATOR_RUN=" + ROOM.encode()
""",
    "forks that end need not be waited for, until it is thawed": """
forked(lambda: None)
try:
    os.waitpid(-1, 0)
    raise AssertionError("it was left")
except ChildProcessError:
    pass
state.thaw()
assert os.waitpid(forked(lambda: None), 0)[1] == 0
""",
    "what is imported later is not of the state, until it is frozen again": """
assert "wave" not in state.top_level and gc.get_freeze_count() > 0
import wave
assert "wave" not in state.modules
state.thaw()
state.freeze()
assert "wave" in state.modules and "wave" in state.top_level and "__main__" not in state.top_level
""",
    "a thread that imports meanwhile does not matter": """
import threading
sys.setswitchinterval(1e-6)
new = [f"new_{number}" for number in range(50)]
sys.modules.update(dict.fromkeys(new, sys))
def import_and_forget():
    while True:
        sys.modules["more"] = sys
        sum(range(9))
        del sys.modules["more"]
        sum(range(9))
threading.Thread(target=import_and_forget, daemon=True).start()
for _ in range(5000):
    assert [name for name in state.imported_since() if name in new] == new[::-1]
""",
    "a fork closes everything but the way to its server": """
extra = os.open("/etc/hostname", os.O_RDONLY)
def close():
    state.close_descriptors()
    open_now = {int(name) for name in os.listdir("/proc/self/fd")}
    assert extra not in open_now, open_now
    state.notify({"taken": 7})
forked(close)
assert json.loads(state.notices.recv(1000)) == {"taken": 7}
""",
    "a full queue or a server that is gone holds up nobody": """
for number in range(100_000):
    state.notify({"number": number})
assert json.loads(state.notices.recv(1000)) == {"number": 0}
state.notices.close()
state.notify({"number": 0})
""",
}


@pytest.mark.parametrize("case", CASES)
def test_state(case: str) -> None:
    environment = {**os.environ, MARKER: ROOM}
    command = [sys.executable, "-W", "ignore", "-c", BEFORE + CASES[case]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_marker_there_is_no_state() -> None:
    code = "from local_emulator.runs.forkserver.server.state import find_marker\nfind_marker()"
    environment = {name: value for name, value in os.environ.items() if name != MARKER}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert f"LookupError: {MARKER}" in done.stderr
