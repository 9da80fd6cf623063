"""The loop outlives any fault of a mover, ends between two steps, and settles when nothing more is to be done."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_emulator.engine import loop as module
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.loop import Loop
from local_emulator.engine.mover import Mover, look_again
from local_emulator.engine.wakeup import Wakeup

WITHIN = 60.0  # seconds


class Parts:
    """What the movers do in a step, as a test has put it there; it is counted."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.training: Callable[[], float | None] = lambda: None
        self.tuning: Callable[[], float | None] = lambda: None
        self.news: Callable[[], bool] = lambda: False
        self.stepped: Callable[[], None] = lambda: None
        self.tidied: Callable[[], None] = lambda: None
        self.unsettled = False
        self.closed = False

    def idle(self) -> None:
        self.steps.append("idle")

    def step(self) -> bool:
        """Of the events."""
        self.steps.append("events")
        self.stepped()
        return self.news()


class _Training(Mover):
    moves = "training"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def unsettled(self) -> bool:
        return self._parts.unsettled

    def begin(self) -> None:
        self._parts.steps.append("begin")

    def step(self) -> float | None:
        self._parts.steps.append("training")
        return self._parts.training()

    def tidy(self) -> None:
        self._parts.tidied()

    def close(self) -> None:
        self._parts.closed = True


class _Tuning(Mover):
    moves = "tuning"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def step(self) -> float | None:
        self._parts.steps.append("tuning")
        return self._parts.tuning()


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def loop(parts: Parts, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    monkeypatch.setattr(module, "_AFTER_A_FAULT", 0.0)
    with Wakeup(tmp_path / "wakeup") as wakeup:
        yield Loop(
            wakeup=wakeup,
            movers=[_Training(parts), _Tuning(parts)],
            events=parts,  # type: ignore[arg-type] # stands for them
            log=FaultLog(lines.append),
            idle=parts.idle,
        )


def test_a_step_moves_training_jobs_before_tuning_jobs_and_looks_at_the_clock_when_idle(loop: Loop, parts: Parts) -> None:
    assert loop._step() == (False, None)
    assert parts.steps == ["training", "tuning", "events", "idle"]
    parts.steps.clear()
    parts.training = lambda: 1.0
    parts.tuning = lambda: 0.25
    parts.news = lambda: True
    assert loop._step() == (True, 0.25)
    assert parts.steps == ["training", "tuning", "events"]
    parts.tuning = lambda: None
    assert loop._step().timeout == 1.0


@pytest.mark.parametrize("part", ["training", "tuning", "news"])
def test_a_part_that_raises_stops_no_other_and_is_tried_again(loop: Loop, parts: Parts, lines: list[str], part: str) -> None:
    def fail() -> bool:
        raise ZeroDivisionError(part)

    setattr(parts, part, fail)
    step = loop._step()
    assert [name for name in parts.steps if name != "idle"] == ["training", "tuning", "events"]
    assert len(lines) == 1
    assert part in lines[0]
    if part != "news":  # whether anything runs is not known
        assert step.timeout == look_again(1.0)
        assert "idle" not in parts.steps


def test_a_notification_wakes_it_and_close_ends_it(loop: Loop, parts: Parts) -> None:
    stepped = threading.Semaphore(0)
    parts.stepped = stepped.release
    loop.start()
    assert stepped.acquire(timeout=WITHIN)
    assert not stepped.acquire(timeout=0.05), "there is nothing to do: it sleeps"
    loop._wakeup.notify()
    assert stepped.acquire(timeout=WITHIN)
    loop.close()
    assert parts.closed
    assert parts.steps[0] == "begin"
    count = len(parts.steps)
    loop._step()
    assert len(parts.steps) == count, "nothing is moved after its end"


def test_it_outlives_what_fails_while_it_waits(
    loop: Loop, parts: Parts, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped, waits = threading.Semaphore(0), iter((MemoryError, MemoryError))
    parts.stepped = stepped.release
    wait = Wakeup.wait

    def short(wakeup: Wakeup, timeout: float | None) -> bool:
        if fault := next(waits, None):
            raise fault
        return wait(wakeup, timeout)

    monkeypatch.setattr(Wakeup, "wait", short)
    loop.start()
    assert stepped.acquire(timeout=WITHIN)
    assert stepped.acquire(timeout=WITHIN), "a wait that failed is one that is over"
    loop._wakeup.notify()
    assert stepped.acquire(timeout=WITHIN)
    loop.close()
    assert len(lines) == 1, "the same fault is told once"
    assert "waiting: MemoryError" in lines[0]


def test_it_tidies_up_only_when_it_has_nothing_to_do(loop: Loop, parts: Parts) -> None:
    notices = iter([True, True, False])
    tidied: list[int] = []
    done = threading.Event()

    def step() -> None:
        if next(notices, False):
            loop._wakeup.notify()  # there is more to do at once

    def tidy() -> None:
        tidied.append(parts.steps.count("training"))
        done.set()
        raise OSError("a folder that cannot be looked at")

    parts.stepped, parts.tidied = step, tidy
    loop.start()
    assert done.wait(WITHIN)
    loop.close()
    assert tidied[0] == 3, "after the steps that follow one another"


def test_while_it_is_paused_nothing_is_moved(loop: Loop, parts: Parts) -> None:
    stepped = threading.Semaphore(0)
    parts.stepped = stepped.release
    with loop.paused():
        loop.start()
        assert not stepped.acquire(timeout=0.05)
    assert stepped.acquire(timeout=WITHIN)
    loop.close()


def test_who_waits_is_asked_after_every_step(loop: Loop, parts: Parts) -> None:
    parts.training = lambda: 1.0
    loop.start()
    assert loop.wait(lambda: parts.steps.count("training") >= 1, WITHIN)
    assert not loop.wait(lambda: False, 0.0)
    loop.close()


def test_it_settles_after_the_last_news_and_the_slow_work(loop: Loop, parts: Parts) -> None:
    news = iter([True, False])
    parts.news = lambda: next(news)
    loop.settle()
    assert parts.steps.count("training") == 2, "one step with news, one without"
    parts.steps.clear()
    parts.unsettled, parts.news = True, lambda: False
    settling = threading.Thread(target=loop.settle)
    settling.start()
    settling.join(0.05)
    assert settling.is_alive(), "slow work is going on"
    parts.unsettled = False
    with loop._stepped:
        loop._stepped.notify_all()
    settling.join(WITHIN)
    assert not settling.is_alive()
