"""Hosts of a script agree on who trains, as AWS's `rabit_run` lets them; xgboost's own part is replaced."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_emulator.inference.importable.sagemaker_xgboost_container import distributed
from tests.integration.local_emulator.tracker import Tracker, speak_as_a_stranger

HOSTS = ["127.0.0.1", "second", "third"]


@pytest.mark.parametrize(
    ("included", "masters", "workers"),
    [((True, True, True), "127.0.0.1", 3), ((False, True, True), "second", 2), ((False, False, True), "third", None)],
)
def test_who_has_data_trains_and_the_first_is_master(
    included: tuple[bool, ...], masters: str, workers: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, tuple[bool, int | None]] = {}
    joined: dict[str, int] = {}
    ended: set[str] = set()

    @contextmanager
    def communicator(*, workers: int, dmlc_task_id: str) -> Iterator[None]:
        joined[dmlc_task_id] = workers
        yield

    monkeypatch.setattr(distributed, "RabitTracker", Tracker)
    monkeypatch.setattr("xgboost.collective.CommunicatorContext", communicator)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def host(name: str, *, has_data: bool) -> None:
        def train(*, is_master: bool, rounds: int) -> None:
            seen[name] = (is_master, rounds)

        if name == "second":
            speak_as_a_stranger(port, "included")
        try:
            distributed.rabit_run(train, {"rounds": 5}, has_data, HOSTS, name, first_port=port, update_rabit_args=True)
        except SystemExit:
            ended.add(name)

    threads = [
        threading.Thread(target=host, args=(name,), kwargs={"has_data": has}) for name, has in zip(HOSTS, included, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    trained = [name for name, has in zip(HOSTS, included, strict=True) if has]
    assert seen == {name: (name == masters, 5) for name in trained}
    assert ended == set(HOSTS) - set(trained)
    assert joined == ({} if workers is None else {f"{number:04d}": workers for number in range(workers)})


def test_no_data_anywhere_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def train(**_: Any) -> None:
        raise AssertionError("nothing to train")

    with pytest.raises(RuntimeError, match="No hosts received training data"):
        distributed.rabit_run(train, {}, False, HOSTS[:1], HOSTS[0], first_port=port)
