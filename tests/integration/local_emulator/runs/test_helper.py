"""Children of a supervisor: they do their work or say by their exit code that they did not, and hold nothing of the supervisor's."""

import errno
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_emulator.runs import helper
from tests.conftest import until

WITHIN = 60.0  # seconds


def over(started: helper.Helper) -> int:
    """The exit code of a helper that has ended by itself."""
    assert select.select([started.process], [], [], WITHIN)[0], "it does not end"
    return started.reap()


def answer(started: helper.Helper) -> bytes:
    assert select.select([started.answers], [], [], WITHIN)[0], "it does not answer"
    return os.read(started.answers, 65536)


def endless(_asking: int, answering: int) -> None:
    os.write(answering, b"begun")
    while True:
        signal.pause()


def test_work_is_done_between_two_pipes() -> None:
    def work(asking: int, answering: int) -> None:
        os.write(answering, os.read(asking, 99).upper())

    started = helper.start(work)
    os.write(started.to, b"abc")
    assert answer(started) == b"ABC"
    assert over(started) == 0


def test_work_that_raises_ends_with_code_1_even_if_nobody_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_asking: int, _answering: int) -> None:
        raise ZeroDivisionError

    class Full:
        def write(self, _text: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys, "stderr", Full())
    try:
        started = helper.start(fail)
    except OSError:
        os._exit(7)  # the child, which goes on as if it were this process
    assert over(started) == 1


def test_it_ends_by_sigkill_alone() -> None:
    started = helper.start(endless)
    assert answer(started) == b"begun"
    signal.pidfd_send_signal(started.process, signal.SIGTERM)
    only = helper.only_kill(started.kill)
    only(signal.SIGTERM)
    assert not select.select([started.process], [], [], 0.05)[0]
    only(signal.SIGKILL)
    assert over(started) == -signal.SIGKILL


def test_reaping_ends_what_has_not_ended() -> None:
    assert helper.start(endless).reap() == -signal.SIGKILL


def test_it_holds_nothing_of_the_supervisors(tmp_path: Path) -> None:
    def tell(_asking: int, answering: int) -> None:
        held = [os.path.realpath(f"/proc/self/fd/{number}") for number in range(256)]
        os.write(answering, "\n".join(held).encode())

    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        started = helper.start(tell)
        held = answer(started).decode()
    assert over(started) == 0
    assert held.count("pipe:") >= 2
    assert str(tmp_path) not in held


@pytest.mark.parametrize(("memory", "code"), [(None, 0), (64 << 20, 1)])
def test_it_takes_so_much_memory(memory: int | None, code: int) -> None:
    def work(_asking: int, _answering: int) -> None:
        bytearray(256 << 20)

    assert over(helper.start(work, memory)) == code


def test_its_processor_time_is_counted() -> None:
    def work(_asking: int, _answering: int) -> None:
        while True:
            pass

    started = helper.start(work)
    until(lambda: started.seconds >= 0.05)
    started.reap()


def test_a_group_that_has_ended_needs_no_signal() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as leader:
        helper.kill_group(leader.pid, signal.SIGTERM)
        assert leader.wait(WITHIN) == -signal.SIGTERM
    helper.kill_group(leader.pid, signal.SIGTERM)


# In a process of its own: it kills whatever is below it.
KILLS = """
import subprocess, sys
from local_emulator.runs import helper
kept, first, second = (subprocess.Popen(["sleep", "600"]) for _ in range(3))
assert set(helper.descendants()) == {kept.pid, first.pid, second.pid}
helper.kill_descendants(but=kept.pid, within=60)
assert set(helper.descendants()) == {kept.pid}
helper.kill_descendants(but=None, within=0)
assert kept.poll() is None, "its time is over"
helper.kill_descendants(but=None, within=60)
assert set(helper.descendants()) == set()
"""


def test_descendants_are_killed_and_collected_but_for_one() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", KILLS], check=True, timeout=WITHIN * 2)


def test_it_dies_with_the_supervisor() -> None:
    code = (
        "import os, signal, sys\nfrom local_emulator.runs import helper\n"
        "started = helper.start(lambda *_: signal.pause())\nprint(started.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=WITHIN)
    assert done.returncode == -signal.SIGKILL
    until(lambda: not (Path(f"/proc/{int(done.stdout)}").exists()))
