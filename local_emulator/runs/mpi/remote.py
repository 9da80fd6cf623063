"""Starts MPI's daemons on the other hosts of a run, as `ssh` and `sshd` do in AWS's images.

`remote.py ask HOST COMMAND…`, mpirun's agent, has the command run on a host and ends as it ends; `remote.py serve HOST FIRST` is the
program of such a host, which runs one command in its own environment, or none if the program of the first host ends before. The hosts
of a run have a network of their own by their addresses.
Standard library alone: the interpreter is the scripts'.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

_PORT = 7022
_AGAIN_AFTER = 0.05  # seconds
_LOOK_EVERY = 1.0  # seconds
_BEGINS_WITHIN = 30.0  # seconds
_RUN, _HOST = "SM_EMULATOR_RUN", "SM_CURRENT_HOST"  # variables of a run's processes


def ask(host: str, command: str) -> int:
    """Have a command run on a host, once it listens; its exit code."""
    while True:  # the run's limits end it
        try:
            connection = socket.create_connection((host, _PORT))
            break
        except ConnectionRefusedError:
            time.sleep(_AGAIN_AFTER)
    with connection:
        connection.sendall(json.dumps([os.environ.get(_RUN), command]).encode() + b"\n")
        answer = connection.makefile().readline()
    return int(answer) if answer else 1


def serve(host: str, first: str) -> int:
    """Run the one command that is asked for; its exit code. 0 if the first host's program ends without asking for any."""
    given_up_at = time.monotonic() + _BEGINS_WITHIN  # the first host need not be the first to be started
    with socket.create_server((host, _PORT)) as server:
        server.settimeout(_LOOK_EVERY)
        while True:
            lives = _lives(first)
            try:
                connection, _ = server.accept()
            except TimeoutError:
                if lives:
                    given_up_at = 0
                elif time.monotonic() > given_up_at:
                    print(f"mpirun has ended on {first} without a process on {host}.", flush=True)  # noqa: T201 - a log
                    return 0
                continue
            with connection:
                connection.settimeout(_LOOK_EVERY)
                if (command := _command(connection)) is not None:
                    code = subprocess.call(["/bin/sh", "-c", command])  # noqa: S603 - what mpirun wants to be run
                    connection.sendall(b"%d\n" % code)
                    return code


def _command(connection: socket.socket) -> str | None:
    """What is to be run; None if who asks is no process of the run: any user of this machine reaches the port."""
    try:
        run, command = json.loads(connection.makefile().readline())
    except (ValueError, TypeError, RecursionError, OSError):
        return None
    return str(command) if run == os.environ.get(_RUN) else None


def _lives(host: str) -> bool:
    """Whether a process of the same run is there on a host."""
    run, current = (f"{name}={value}".encode() for name, value in ((_RUN, os.environ.get(_RUN, "")), (_HOST, host)))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if run in variables and current in variables:
            return True
    return False


if __name__ == "__main__":
    sys.exit(ask(sys.argv[2], " ".join(sys.argv[3:])) if sys.argv[1] == "ask" else serve(*sys.argv[2:]))
