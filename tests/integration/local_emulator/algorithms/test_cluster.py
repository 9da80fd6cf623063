"""Hosts agree on who trains: those that have data. How they train together: `engine/test_hosts.py`."""

import json
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_emulator.algorithms import cluster, contract
from local_emulator.algorithms.cluster import Membership


def test_without_a_configuration_there_is_one_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "ROOT", tmp_path)
    assert cluster.hosts() == (["algo-1"], "algo-1")
    (tmp_path / "input" / "config").mkdir(parents=True)
    config = {"hosts": ["algo-1", "algo-2"], "current_host": "algo-2"}
    (tmp_path / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
    assert cluster.hosts() == (["algo-1", "algo-2"], "algo-2")


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
    told: list[Any] = []
    asking = threading.Thread(target=lambda: told.append(cluster._ask("127.0.0.1", "second", has_data=data[1])))
    asking.start()
    with monkeypatch.context() as patches, ExitStack() as stack:
        patches.setattr(cluster, "RabitTracker", Tracker)  # the real one would wait for its workers
        gathered = cluster._gather(names, stack, has_data=data[0])
    asking.join(60)
    assert told == [(list(gathered[0]), gathered[1])]
    hosts = [name for name, has in zip(names, data, strict=True) if has]
    assert (gathered[0], gathered[1]) == (hosts, {"workers": members} if members else {})
    assert [Membership(hosts, name).takes_part for name in names] == list(data)


class Tracker:
    """Stands in for xgboost's."""

    def __init__(self, workers: int, _address: str, *, sortby: str) -> None:
        assert sortby == "task"
        self._workers = workers

    def start(self) -> None:
        """Begin to listen."""

    def wait_for(self) -> None:
        """Wait for the workers."""

    def worker_args(self) -> dict[str, int]:
        """What a worker is started with."""
        return {"workers": self._workers}
