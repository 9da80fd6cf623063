"""A fault is told once a minute, tried again after growing pauses, then given up."""

import pytest

from local_emulator.domain.errors import StoreUnavailable
from local_emulator.engine import faults
from local_emulator.engine.faults import FaultLog, Retries


def test_a_store_that_is_away_gives_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_PAUSE", 0.0)
    given_up: list[Exception] = []

    def work() -> None:
        raise StoreUnavailable("full")

    retries = Retries(FaultLog(lambda _: None), "moving a job", lambda: None)
    for _ in range(20):
        retries.guard("a", work, given_up.append)
    assert given_up == []


def test_pauses_grow_and_faults_are_forgotten() -> None:
    clock, tries = [0.0], list[float]()
    given_up: list[Exception] = []

    def work() -> None:
        tries.append(clock[0])
        raise ValueError

    retries = Retries(FaultLog(lambda _: None), "moving a job", lambda: None, clock=lambda: clock[0])
    for second in range(400):
        clock[0] = second / 10
        retries.guard("a", work, given_up.append)
    assert tries[:4] == [0.0, 0.5, 2.5, 10.5]
    assert len(given_up) == len(tries) - 3
    clock[0] = 1000.0
    count = len(given_up)
    retries.guard("a", work, given_up.append)
    assert len(given_up) == count


def test_each_kind_is_told_once_a_minute() -> None:
    lines: list[str] = []
    clock = [0.0]
    log = FaultLog(lines.append, lambda: clock[0])
    for job in range(100):
        log.report(f"moving a job: {job}", OSError(28, "No space\x1b[2J left"))
        log.report("moving a job: x", ValueError(job))
    assert lines == [
        "local_emulator: moving a job: 0: OSError: [Errno 28] No space [2J left [unknown]",
        "local_emulator: moving a job: x: ValueError: 0 [unknown]",
    ]
    clock[0] = 61.0
    log.report("moving a job: x", ValueError(1))
    assert len(lines) == 3
