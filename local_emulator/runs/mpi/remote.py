"""Starts MPI's daemons on the other hosts of a run, as `ssh` and `sshd` do in AWS's images.

`remote.py ask HOST COMMAND…`, mpirun's agent, has the command run on a host and ends as it ends; `remote.py serve HOST` is the program
of such a host, which runs one command in its own environment. The hosts of a run have a network of their own by their addresses.
Standard library alone: the interpreter is the scripts'.
"""

import json
import socket
import subprocess
import sys
import time

_PORT = 7022
_AGAIN_AFTER = 0.05  # seconds


def ask(host: str, command: str) -> int:
    """Have a command run on a host, once it listens; its exit code."""
    while True:  # the run's limits end it
        try:
            connection = socket.create_connection((host, _PORT))
            break
        except ConnectionRefusedError:
            time.sleep(_AGAIN_AFTER)
    with connection:
        connection.sendall(json.dumps(command).encode() + b"\n")
        answer = connection.makefile().readline()
    return int(answer) if answer else 1


def serve(host: str) -> int:
    """Run the one command that is asked for; its exit code."""
    with socket.create_server((host, _PORT)) as server:
        connection, _ = server.accept()
    with connection:
        command = json.loads(connection.makefile().readline())
        code = subprocess.call(["/bin/sh", "-c", command])  # noqa: S603 - what mpirun wants to be run
        connection.sendall(b"%d\n" % code)
    return code


if __name__ == "__main__":
    sys.exit(ask(sys.argv[2], " ".join(sys.argv[3:])) if sys.argv[1] == "ask" else serve(sys.argv[2]))
