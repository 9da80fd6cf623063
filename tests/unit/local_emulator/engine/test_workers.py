"""Slow work that hangs holds up nobody."""

import threading
import time

import pytest

from local_emulator.engine.workers import Workers


def test_results_and_errors_arrive() -> None:
    workers = Workers(2)
    assert workers.submit(pow, 2, 10).result(10) == 1024
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 1, 0).result(10)


def test_so_many_at_a_time() -> None:
    workers, go, lock = Workers(2), threading.Event(), threading.Lock()
    at_work: list[int] = []

    def work(number: int) -> int:
        with lock:
            at_work.append(number)
        assert go.wait(30)
        return number

    futures = [workers.submit(work, number) for number in range(5)]
    deadline = time.monotonic() + 30
    while len(at_work) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert sorted(at_work) == [0, 1]
    go.set()
    assert [future.result(30) for future in futures] == list(range(5))


def test_what_is_given_up_takes_nobodys_place() -> None:
    workers, never = Workers(1), threading.Event()
    hanging = workers.submit(never.wait, 60)
    waiting = workers.submit(pow, 2, 2)
    workers.abandon(hanging)
    assert waiting.result(30) == 4
    third = workers.submit(pow, 2, 3)
    assert third.result(30) == 8
    never.set()
    assert hanging.result(30)
    assert workers.submit(pow, 2, 4).result(30) == 16
