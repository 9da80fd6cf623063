"""An emulator is made of its parts whole or not at all, and its parts end with it."""

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_emulator import assembly
from local_emulator.assembly import Emulator, end_runs
from local_emulator.dask import cluster
from local_emulator.domain.errors import EmulatorError, RunError
from local_emulator.runs.folder import RunFolder, folders_below
from local_emulator.settings import Settings
from local_emulator.state_folder import StateLock
from tests.made_endpoints import endpoint
from tests.made_jobs import training


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(Settings(state=tmp_path / "state", parallel=2), in_memory=True) as emulator:
        yield emulator


def test_its_folder_is_this_users_alone(emulator: Emulator, tmp_path: Path) -> None:
    for path in (tmp_path / "state" / "runs", tmp_path / "state" / "cache", tmp_path / "state" / "wakeup"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_its_state_is_its_own_until_it_ends(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state")
    with Emulator(settings, in_memory=True), pytest.raises(EmulatorError):
        Emulator(settings, in_memory=True)
    with StateLock(tmp_path / "state"):
        pass


def test_what_fails_on_the_way_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(assembly, "Api", fail)
    with pytest.raises(ZeroDivisionError):
        Emulator(Settings(state=tmp_path / "state"), in_memory=True)
    with StateLock(tmp_path / "state"):
        pass


def test_what_cannot_begin_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = Emulator(Settings(state=tmp_path / "state"), in_memory=True)

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            emulator.__enter__()
    with StateLock(tmp_path / "state"):
        pass


def test_in_memory_nothing_of_its_jobs_is_on_disk(emulator: Emulator, tmp_path: Path) -> None:
    emulator.store.trainings.add(training("a"))
    assert not list((tmp_path / "state").glob("*.sqlite*"))


def test_a_reset_forgets_all_jobs(emulator: Emulator) -> None:
    with emulator._loop.paused():
        emulator.store.trainings.add(training("a"))
    assert emulator.active_runs() == 1
    emulator.reset()
    assert emulator.active_runs() == 0


def test_a_reset_leaves_nothing_of_what_is_being_prepared(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, cleared = threading.Event(), threading.Event()
    clear = emulator.store.clear

    def clearing() -> None:
        clear()
        cleared.set()

    def prepare(_request: object, folder: Path) -> None:
        RunFolder(folder).make()
        begun.set()
        assert cleared.wait(60)
        deadline = time.monotonic() + 0.2
        while folder.exists() and time.monotonic() < deadline:
            time.sleep(0.002)
        RunFolder(folder).make()  # as one that is still downloading
        raise RunError("too late")

    monkeypatch.setattr(emulator._serving, "prepare", prepare)
    monkeypatch.setattr(emulator.store, "clear", clearing)
    with emulator._loop.paused():
        emulator.store.endpoints.add(endpoint())
    assert begun.wait(60)
    emulator.reset()
    assert folders_below(emulator.settings.state / "runs") == []


def test_its_health_says_what_it_is(emulator: Emulator, tmp_path: Path) -> None:
    health = emulator.health()
    assert (health["status"], health["parallel"], health["activeTrainingJobs"]) == ("ok", 2, 0)
    assert health["state"] == str(tmp_path / "state")
    assert {"version", "moto", "botocore", "privateOptMl", "scheduler"} <= set(health)


@pytest.mark.parametrize(("in_memory", "scheduler"), [(False, None), (True, "tcp://127.0.0.1:1")])
def test_time_runs_otherwise_only_inside_tests_of_this_machine(tmp_path: Path, scheduler: str | None, *, in_memory: bool) -> None:
    settings = Settings(state=tmp_path / "state", time_scale=60, scheduler=scheduler)
    with pytest.raises(EmulatorError, match="time_scale=60: time may run faster or slower"):
        Emulator(settings, in_memory=in_memory)


def test_runs_that_nobody_holds_are_counted_as_they_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def kill_all(*words: Any) -> int:
        asked.append(words)
        return 5

    monkeypatch.setattr(cluster, "kill_all", kill_all)
    assert end_runs(tmp_path) == 0
    (tmp_path / "runs" / "abc").mkdir(parents=True)
    (tmp_path / "scheduler").write_text("tcp://127.0.0.1:1")
    assert end_runs(tmp_path) == 5
    assert asked == [("tcp://127.0.0.1:1", ["abc"])]


def test_functions_stand_in_only_inside_tests(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="'image' is mapped to a function"):
        Emulator(Settings(state=tmp_path, images={"image": lambda _: {}}))
