"""Hosts agree on who trains: those that have data. How they train together: `engine/test_hosts.py`."""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_emulator.algorithms import cluster, contract
from local_emulator.algorithms.cluster import Membership
from tests.integration.local_emulator.tracker import Tracker, speak_as_a_stranger


def test_the_only_host_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "ROOT", tmp_path)
    with cluster.joined(has_data=True) as membership:
        assert membership.leads
        assert membership.takes_part
    assert cluster.everybodys(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("data", "members"), [((True, True), 2), ((False, True), 1), ((False, False), 0)])
def test_who_has_data_takes_part(data: tuple[bool, bool], members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setattr(cluster, "_PORT", free.getsockname()[1])
    names = ["127.0.0.1", "second"]
    replies: list[Any] = []

    def ask() -> None:
        speak_as_a_stranger(cluster._PORT, "data")
        replies.append(cluster._ask("127.0.0.1", "second", has_data=data[1]))

    asking = threading.Thread(target=ask)
    asking.start()
    with monkeypatch.context() as patches, ExitStack() as stack:
        patches.setattr(cluster, "RabitTracker", Tracker)  # the real one would wait for its workers
        gathered = cluster._gather(names, stack, has_data=data[0])
    asking.join(60)
    assert replies == [(list(gathered[0]), gathered[1])]
    hosts = [name for name, has in zip(names, data, strict=True) if has]
    assert (gathered[0], gathered[1]) == (hosts, {"workers": members} if members else {})
    assert [Membership(hosts, name).takes_part for name in names] == list(data)
