"""Several hosts that train one XGBoost model: who takes part, and the tracker through which its workers find one another."""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from xgboost import collective
from xgboost.tracker import RabitTracker

from local_emulator.algorithms import connections, contract
from local_emulator.algorithms.contract import Floats

_PORT = 9099  # of the first host, whose address is the job's own


@dataclass(frozen=True)
class Membership:
    """The hosts that train together, those with data, in the order of their ranks; and whether this one is one of them."""

    hosts: Sequence[str]
    current: str

    @property
    def takes_part(self) -> bool:
        """Whether this host trains."""
        return self.current in self.hosts

    @property
    def leads(self) -> bool:
        """Whether this host tells of the rounds and saves the model."""
        return bool(self.hosts) and self.current == self.hosts[0]


@contextmanager
def joined(*, has_data: bool) -> Iterator[Membership]:
    """Wait for all hosts, and be a worker of those that have data while the context lasts."""
    names, current = contract.hosts()
    if len(names) == 1:
        yield Membership(names, current)
        return
    with ExitStack() as stack:
        if current == names[0]:
            members, arguments = _gather(names, stack, has_data=has_data)
        else:
            members, arguments = _ask(names[0], current, has_data=has_data)
        membership = Membership(members, current)
        if membership.takes_part:
            stack.enter_context(collective.CommunicatorContext(**arguments, dmlc_task_id=f"{members.index(current):04d}"))
        yield membership


def _gather(names: Sequence[str], stack: ExitStack, *, has_data: bool) -> tuple[Sequence[str], Mapping[str, Any]]:
    """On the first host: hear from the others whether they have data, start the tracker, tell them of it."""
    waiting: dict[str, socket.socket] = {}
    with socket.create_server((names[0], _PORT)) as server:
        data = {names[0]: has_data}
        while len(data) < len(names):
            connection, _, said = connections.accept(server)
            data[said["host"]], waiting[said["host"]] = said["data"], connection
    members = [name for name in names if data[name]]
    arguments: Mapping[str, Any] = {}
    if members:
        tracker = RabitTracker(len(members), socket.gethostbyname(names[0]), sortby="task")
        tracker.start()
        stack.callback(tracker.wait_for)
        arguments = tracker.worker_args()
    for connection in waiting.values():
        with connection:
            connection.sendall(json.dumps([members, arguments]).encode() + b"\n")
    return members, arguments


def _ask(first: str, current: str, *, has_data: bool) -> tuple[Sequence[str], Mapping[str, Any]]:
    """On every other host: tell the first whether there is data, and hear of the tracker."""
    with connections.connect(first, _PORT, {"host": current, "data": has_data}) as connection:
        members, arguments = json.loads(connection.makefile().readline())
    return members, arguments


def everybodys(array: Floats) -> Floats:
    """The arrays of all workers, one after the other in the order of their ranks."""
    rank, size = collective.get_rank(), collective.get_world_size()
    if size == 1:
        return array
    return np.concatenate([collective.broadcast(array if rank == root else None, root) for root in range(size)])
