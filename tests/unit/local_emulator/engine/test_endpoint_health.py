"""Programs that serve and may hang: asked now and then, given up when they have been silent for long."""

from collections.abc import Callable
from concurrent.futures import Future

from local_emulator.engine.endpoint_health import HealthWatch
from local_emulator.runs.hosting.backends import BackendGone


class Programs:
    """Those that are asked answer when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[tuple[Future[bool], Callable[[], bool]]] = []
        self.silent: set[int] = set()
        self.watch = HealthWatch(lambda port: port not in self.silent, self.slow, lambda: self.now)

    def slow(self, work: Callable[[], bool]) -> Future[bool]:
        future: Future[bool] = Future()
        self.asked.append((future, work))
        return future

    def hung(self, seconds: float) -> bool:
        self.now += seconds
        return self.watch.is_hung("run", (1, 2), 90.0)

    def answer(self) -> None:
        future, work = self.asked.pop()
        future.set_result(work())


def test_a_program_that_answers_is_never_given_up() -> None:
    programs = Programs()
    assert not programs.hung(0.0)
    for _ in range(30):
        assert not programs.hung(10.0)
        assert not programs.hung(1.0)
        assert len(programs.asked) == 1, "it is not asked again before it has answered"
        programs.answer()


def test_one_of_whose_containers_one_is_silent_is() -> None:
    programs = Programs()
    programs.silent = {2}
    programs.hung(0.0)
    for _ in range(8):
        assert not programs.hung(10.0)
        programs.answer()
    assert programs.hung(10.0)
    programs.watch.forget("run")
    assert not programs.hung(0.0)


def test_an_answer_that_comes_late_counts() -> None:
    programs = Programs()
    programs.hung(0.0)
    assert not programs.hung(80.0)
    programs.answer()
    assert not programs.hung(8.0)
    assert not programs.hung(80.0)
    programs.watch.reset()
    assert not programs.hung(80.0)


def test_one_that_cannot_be_asked_is_not_to_blame() -> None:
    """For want of a descriptor or a thread here."""
    programs = Programs()
    programs.hung(0.0)
    for _ in range(12):
        assert not programs.hung(10.0)
        future, _work = programs.asked.pop()
        future.set_exception(BackendGone(sent=False, short="Too many open files"))
