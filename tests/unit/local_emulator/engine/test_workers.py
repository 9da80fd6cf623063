"""Slow work that hangs holds up nobody."""

import threading
from typing import TYPE_CHECKING, Any

import pytest

from local_emulator.engine.workers import Workers
from tests.conftest import until

if TYPE_CHECKING:
    from concurrent.futures import Future


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
    until(lambda: len(at_work) >= 2)
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


def test_of_what_is_given_up_together_nothing_begins_any_more() -> None:
    workers, never, begun = Workers(1), threading.Event(), list[int]()
    futures: list[Future[Any]] = [
        workers.submit(never.wait, 60),
        workers.submit(begun.append, 1),
        workers.submit(begun.append, 2),
    ]
    workers.abandon(*futures)
    assert workers.submit(pow, 2, 2).result(30) == 4
    assert begun == []
    assert [future.cancelled() for future in futures] == [False, True, True]
    never.set()


def test_work_that_gets_no_thread_says_so_and_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = Workers(1)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        refused = [workers.submit(pow, 2, 10) for _ in range(2)]
    for future in refused:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            future.result(60)
    assert workers.submit(pow, 2, 10).result(60) == 1024
