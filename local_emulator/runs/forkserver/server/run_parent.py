"""The parent of one forked program: what the supervisor is to a program that it executes itself.

It is the subreaper of all that the program starts, and has forked the child that becomes the script before any run was there. A
supervisor connects and sends its run; the run parent ends when its program is over and the supervisor has seen that, or is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from typing import TYPE_CHECKING

from .imports import children
from .messages import receive, send
from .mounting import outside
from .script import Script
from .state import ROOM

if TYPE_CHECKING:
    from .state import State

_PR_SET_CHILD_SUBREAPER = 36
_REAP_WITHIN = 10.0  # seconds

_libc = ctypes.CDLL(None, use_errno=True)


def serve_one_run(state: State, listener: socket.socket, dismissed: int) -> None:
    """Wait for a run and be the parent of its program; without a run, end when `dismissed` can be read."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    script, other = socket.socketpair()
    run_parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            script.close()
            os.close(dismissed)
            Script(state, run_parent, other).become()
        finally:
            os._exit(127)
    other.close()
    supervisor = _accept(listener, dismissed)
    if supervisor is None:
        return  # the child ends with its connection
    request, descriptors = receive(supervisor, 1)
    if request is None or not descriptors or len(request["id"]) >= len(ROOM):
        return
    state.set_run_marker(request["id"])
    send(script, request, descriptors)
    os.close(descriptors[0])
    if state.packages.changed:
        state.notify({"packages": "changed"})
        send(supervisor, {"refused": "a package has changed"})
        return
    ready, _ = receive(script)
    if ready is None or "refused" in ready:
        os.waitpid(child, 0)
        send(supervisor, ready or {"refused": "the child died"})
        return
    send(supervisor, {"pid": child, "parent": run_parent})
    if receive(supervisor)[0] is not None:
        send(script, {"go": True})
        state.notify({"taken": run_parent})  # only now: a fork of the server would delay this run
        if request["opt_ml"]:
            state.notify({"sources": {ready["entry"]: outside(ready["entry"], request["ml"])}})
        receive(supervisor)  # the supervisor has seen the end, or is gone
    status, peak = _reap(child)
    send(supervisor, {"status": status, "memory": peak})


def _accept(listener: socket.socket, dismissed: int) -> socket.socket | None:
    """The next connection; None when dismissed."""
    listener.setblocking(False)  # two run parents may wait for a moment, and one of them comes too late
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(dismissed, select.POLLIN)
    while dismissed not in {descriptor for descriptor, _ in poll.poll()}:
        with contextlib.suppress(BlockingIOError):
            connection, _ = listener.accept()
            connection.setblocking(True)
            listener.close()
            return connection
    return None


def _reap(leader: int) -> tuple[int, int]:
    """Kill what is left of a run; its program's wait status, and the most memory that one of its processes has had, in bytes."""
    os.killpg(leader, signal.SIGKILL)  # the program has ended and is there to be waited for, or nobody wants it any more
    _, status, used = os.wait4(leader, 0)
    deadline = time.monotonic() + _REAP_WITHIN
    while (left := children()) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            except (ProcessLookupError, ChildProcessError):
                continue
    return status, used.ru_maxrss * 1024
