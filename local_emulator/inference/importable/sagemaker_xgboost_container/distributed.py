"""Several hosts that train one model: those with data find one another by a tracker of xgboost's on the first host."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from xgboost import collective
from xgboost.tracker import RabitTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PORT = 9099  # of the first host, whose address is the job's own
_RUN = "SM_EMULATOR_RUN"  # known to the processes of a run alone; any user of this machine reaches the port
_AGAIN_AFTER = 0.05  # seconds
_SPEAKS_WITHIN = 30.0  # seconds


def wait_hostname_resolution(_hosts: Sequence[str]) -> None:
    """Hosts of a job have their names before its programs begin."""


def rabit_run(
    exec_fun: Callable[..., object],
    args: dict[str, Any],
    include_in_training: bool,  # noqa: FBT001 - AWS's signature
    hosts: Sequence[str],
    current_host: str,
    first_port: int | None = None,
    second_port: int | None = None,  # noqa: ARG001 - the tracker takes a free one
    max_connect_attempts: int | None = None,  # noqa: ARG001 - the job's limits end it
    connect_retry_timeout: int = 10,  # noqa: ARG001 - see above
    update_rabit_args: bool = False,  # noqa: FBT001, FBT002 - AWS's signature
) -> None:
    """Call `exec_fun(**args)` on each host that is included, with `is_master` if asked for; the others end. All hosts call this."""
    port = first_port or _PORT
    tracker = None
    if current_host == hosts[0]:
        members, worker, tracker = _gather(hosts, port, included=include_in_training)
    else:
        members, worker = _ask(hosts[0], current_host, port, included=include_in_training)
    if not members:
        raise RuntimeError("No hosts received training data.")
    if include_in_training:
        if update_rabit_args:
            args.update(is_master=current_host == members[0])
        if len(members) == 1:
            exec_fun(**args)
        else:
            with collective.CommunicatorContext(**worker, dmlc_task_id=f"{members.index(current_host):04d}"):
                exec_fun(**args)
    if tracker is not None:
        tracker.wait_for()
    if not include_in_training:
        logging.getLogger().warning("Host %s not being used for distributed training.", current_host)
        sys.exit(0)


def _gather(hosts: Sequence[str], port: int, *, included: bool) -> tuple[list[str], Mapping[str, Any], RabitTracker | None]:
    """On the first host: hear from the others whether they take part, start the tracker, tell them of it."""
    waiting: dict[str, socket.socket] = {}
    taking_part = {hosts[0]: included}
    with socket.create_server((hosts[0], port)) as server:
        while len(taking_part) < len(hosts):
            connection, _ = server.accept()
            message = _message(connection)
            if message is None:
                connection.close()
            else:
                taking_part[message["host"]], waiting[message["host"]] = message["included"], connection
    members = [host for host in hosts if taking_part[host]]
    worker: Mapping[str, Any] = {}
    tracker = None
    if len(members) > 1:
        tracker = RabitTracker(len(members), socket.gethostbyname(hosts[0]), sortby="task")
        tracker.start()
        worker = tracker.worker_args()
    for connection in waiting.values():
        with connection:
            connection.sendall(json.dumps([members, worker]).encode() + b"\n")
    return members, worker, tracker


def _message(connection: socket.socket) -> Mapping[str, Any] | None:
    """What a host says; None if it is none of this run."""
    connection.settimeout(_SPEAKS_WITHIN)
    try:
        message = json.loads(connection.makefile().readline())
    except (ValueError, RecursionError, OSError):
        return None
    connection.settimeout(None)
    return message if isinstance(message, dict) and message.get("run") == os.environ.get(_RUN) else None


def _ask(first: str, current: str, port: int, *, included: bool) -> tuple[list[str], Mapping[str, Any]]:
    """On every other host: tell the first whether this takes part, and hear of the tracker."""
    while True:  # the job's limits end it
        try:
            connection = socket.create_connection((first, port))
            break
        except ConnectionRefusedError:
            time.sleep(_AGAIN_AFTER)
    with connection:
        said = {"run": os.environ.get(_RUN), "host": current, "included": included}
        connection.sendall(json.dumps(said).encode() + b"\n")
        members, worker = json.loads(connection.makefile().readline())
    return members, worker
