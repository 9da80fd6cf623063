"""Endpoints without a loop, whose executor, preparation and programs do what a test wants."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from local_emulator.domain.endpoint import Endpoint, EndpointStatus, Instance, RetiredRun
from local_emulator.domain.errors import NotFound, RunError
from local_emulator.engine import endpoints as engine
from local_emulator.engine.endpoint_health import HealthWatch
from local_emulator.engine.endpoints import EndpointLifecycle
from local_emulator.engine.faults import FaultLog
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.hosting.preparation import ServingRequest
from local_emulator.runs.run import Command, Contract, Run, RunState
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import until
from tests.made_endpoints import deployment, endpoint, variant
from tests.made_jobs import NOW

PING = (
    "The primary container for production variant {} did not pass the ping health check. Please check CloudWatch logs for this "
    "endpoint."
)
S = EndpointStatus


class World:
    """Programs that run, by their runs, and everything around them. `sick` never answer; `unprepared` cannot be prepared."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.states: dict[str, RunState] = {}
        self.started: list[str] = []
        self.ended: list[str] = []
        self.flushed: list[str] = []
        self.sick: set[str] = set()
        self.unprepared: dict[str, Exception] = {}
        self.now = NOW
        self.store = SqliteStore(None)
        self.faults: list[str] = []
        self.tokens = count(1)
        self.lifecycle = self.begin()

    def begin(self) -> EndpointLifecycle:
        """An engine that has just started."""
        return EndpointLifecycle(
            store=self.store,
            executor=self,
            preparation=self,
            runs=self.runs,
            now=lambda: self.now,
            notify=lambda: None,
            token=lambda: f"token-{next(self.tokens)}",
            flush=lambda _endpoint, retired: self.flushed.append(retired.run),
            log=FaultLog(self.faults.append),
        )

    # --- preparation and executor ---------------------------------------------------------------------------------------

    def prepare(self, request: ServingRequest, folder: Path) -> Run:
        if request.run in self.unprepared:
            raise self.unprepared[request.run]
        RunFolder(folder).make()
        return Run(id=request.run, folder=folder, program=Command(argv=("serve",)), contract=Contract.SERVING, stop_grace=0.0)

    def start(self, run: Run) -> None:
        assert run.id not in self.started
        self.started.append(run.id)
        RunFolder(run.folder).save_run(run)
        RunFolder(run.folder).claim.touch()
        RunFolder(run.folder).port.write_text("4711")
        self.states[run.id] = RunState.RUNNING

    def state(self, folder: Path) -> RunState:
        return self.states.get(folder.name, RunState.NEW)

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        assert not interrupt
        self.ended.append(folder.name)
        self.states[folder.name] = RunState.EXITED

    def kill(self, folder: Path) -> bool:
        return self.states.pop(folder.name, None) is RunState.RUNNING

    def close(self) -> None:
        raise AssertionError

    # --- what a test does -----------------------------------------------------------------------------------------------

    def add(self, made: Endpoint) -> Endpoint:
        self.store.endpoints.add(made)
        return made

    def get(self) -> Endpoint:
        return self.store.endpoints.get(endpoint().arn)

    def until(self, so: Callable[[Endpoint], object]) -> Endpoint:
        """Take steps until something is so of the endpoint."""

        def look() -> Endpoint:
            self.lifecycle.step()
            return self.get()

        made: Endpoint = until(look, so=so, pause=0.002)
        return made

    def serve(self, *runs: str) -> Endpoint:
        """An endpoint in service."""
        self.add(endpoint(pending=deployment(variant("v", *(Instance(run=run) for run in runs or ("a",))))))
        return self.until(lambda made: made.status is S.IN_SERVICE)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path / "runs")
    monkeypatch.setattr(engine, "wait_until_healthy", lambda *arguments: answers(made, *arguments))
    yield made
    made.lifecycle.close()
    made.store.close()


def answers(world: World, _backends: object, port: int, seconds: float, goes_on: Callable[[], bool]) -> bool:
    assert port == 4711
    assert 0 <= seconds <= 480
    return goes_on() and not world.sick


def test_an_endpoint_comes_up_and_goes(world: World) -> None:
    made = world.serve("a", "b")
    assert made.serving is not None
    assert made.pending is None
    assert [(instance.run, instance.ports, instance.healthy) for _, instance in made.serving.instances] == [
        ("a", (4711,), True),
        ("b", (4711,), True),
    ]
    assert world.lifecycle.step() is not None
    world.store.endpoints.put(replace(made, status=S.DELETING))
    with pytest.raises(NotFound):
        world.until(lambda _: False)
    assert sorted(world.ended) == sorted(world.flushed) == ["a", "b"]
    assert not list(world.runs.iterdir())
    assert world.lifecycle.step() is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [(RunError("Failed to download model data"), "Failed to download model data"), (None, PING.format("v"))],
)
def test_an_endpoint_that_does_not_come_up_fails_and_leaves_nothing_running(
    world: World, error: Exception | None, reason: str
) -> None:
    if error is None:
        world.sick.add("b")
    else:
        world.unprepared["b"] = error
    world.add(endpoint(pending=deployment(variant("v", Instance(run="a"), Instance(run="b")))))
    failed = world.until(lambda made: made.status is S.FAILED)
    assert failed.failure_reason == reason
    assert (failed.serving, failed.pending, failed.retiring) == (None, None, ())
    assert sorted(retired.run for retired in failed.past) == ["a", "b"]  # for their logs
    assert RunState.RUNNING not in world.states.values()


def test_a_program_that_ends_before_it_answers(world: World) -> None:
    world.sick.add("a")
    world.add(endpoint(pending=deployment(variant("v", Instance(run="a")))))
    world.until(lambda _: world.started)
    world.states["a"] = RunState.EXITED
    assert world.until(lambda made: made.status is S.FAILED).failure_reason == PING.format("v")


def test_an_update_serves_by_the_old_until_the_new_is_up(world: World) -> None:
    before = world.serve("old")
    world.sick.add("new")
    pending = deployment(variant("v", Instance(run="new")), EndpointConfigName="next")
    world.store.endpoints.put(replace(before, status=S.UPDATING, pending=pending))
    world.until(lambda _: "new" in world.started)
    assert world.get().serving == before.serving
    world.sick.clear()
    world.lifecycle = world.begin()  # also across a restart
    after = world.until(lambda made: made.status is S.IN_SERVICE and not made.retiring)
    assert after.serving is not None
    assert (after.serving.config["EndpointConfigName"], after.pending, world.ended) == ("next", None, ["old"])
    assert after.past == (RetiredRun(run="old", variant="v"),)


def test_an_update_that_does_not_come_up_is_rolled_back(world: World) -> None:
    before = world.serve("old")
    world.unprepared["new"] = RunError("no model")
    world.store.endpoints.put(replace(before, status=S.UPDATING, pending=deployment(variant("v", Instance(run="new")))))
    after = world.until(lambda made: made.status is S.IN_SERVICE)
    assert (after.serving, after.failure_reason, after.retiring) == (before.serving, "no model", ())
    assert world.states["old"] is RunState.RUNNING


def test_instances_that_stay_go_on_when_others_come(world: World) -> None:
    before = world.serve("a")
    assert before.serving is not None
    kept = before.serving.variants[0].instances
    pending = deployment(variant("v", *kept, Instance(run="b")))
    world.store.endpoints.put(replace(before, status=S.UPDATING, pending=pending))
    world.until(lambda made: made.status is S.IN_SERVICE)
    assert (world.started, world.ended) == (["a", "b"], [])


def is_another(run: str, made: Endpoint) -> bool:
    return made.runs[-1] != run


def test_a_program_that_ends_while_it_serves_is_begun_again_ever_later(world: World) -> None:
    world.serve("a")
    begun = []
    for pause in (0, 3, 7):
        run = world.get().runs[-1]
        world.states[run] = RunState.LOST if pause == 3 else RunState.EXITED
        another = world.until(partial(is_another, run))
        assert another.status is S.IN_SERVICE
        assert another.serving is not None
        instance = another.serving.variants[0].instances[0]
        assert (instance.not_before or NOW) - world.now == timedelta(seconds=pause)
        world.now += timedelta(seconds=pause)
        world.until(lambda made: made.serving is not None and made.serving.variants[0].instances[0].healthy)
        begun.append(instance.restarts)
    assert begun == [1, 2, 3]
    world.now += timedelta(minutes=2)  # one that has run for long is begun at once
    world.states[world.get().runs[-1]] = RunState.EXITED
    again = world.until(lambda made: made.serving is not None and made.serving.variants[0].instances[0].restarts == 0)
    assert len(set(world.started)) == len(world.started)
    assert again.status is S.IN_SERVICE


def test_an_engine_that_starts_anew_finds_everything(world: World) -> None:
    """At each step of an endpoint's life another engine goes on, and no run is begun twice."""
    world.add(endpoint(pending=deployment(variant("v", Instance(run="a"), Instance(run="b")))))

    def comes_up(made: Endpoint) -> bool:
        if world.states.keys() == {"a", "b"}:
            world.lifecycle.close()
            world.lifecycle = world.begin()
            world.lifecycle.step()
        return made.status is S.IN_SERVICE

    assert world.until(comes_up).runs == ("a", "b")
    assert sorted(world.started) == ["a", "b"]


def test_an_engine_that_ends_ends_what_is_to_go_and_nothing_else(world: World) -> None:
    made = world.serve("a", "b")
    world.lifecycle.close()
    assert world.ended == []
    world.lifecycle = world.begin()
    world.store.endpoints.put(replace(made, status=S.DELETING))
    world.lifecycle.close()  # before it has taken a step
    assert sorted(world.ended) == ["a", "b"]
    world.lifecycle = world.begin()


def test_a_run_that_was_not_claimed_is_begun_again_by_the_next_engine(world: World) -> None:
    pending = deployment(variant("v", Instance(run="a", started=NOW)))  # killed between the record and the start
    RunFolder(world.runs / "a").make()
    world.add(endpoint(pending=pending))
    world.until(lambda made: made.status is S.IN_SERVICE)
    assert world.started == ["a"]


def test_logs_of_the_last_runs_are_kept(world: World) -> None:
    past = tuple(RetiredRun(run=f"past-{number}", variant="v") for number in range(9))
    for retired in past:
        RunFolder(world.runs / retired.run).make()
    world.serve("a")
    world.store.endpoints.put(replace(world.get(), past=past[:8], retiring=past[8:]))
    assert world.until(lambda made: not made.retiring).past == past[1:]
    world.until(lambda _: not (world.runs / "past-0").exists())
    assert world.flushed == ["past-0"]
    assert (world.runs / "past-1").exists()


def test_what_was_to_end_before_its_endpoint_was_deleted_is_removed_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(RunFolder, "withdraw", lambda folder: folder.path.name == "old" and goes_on.wait(120))
    RunFolder(world.runs / "old").make()
    world.serve("a")
    world.store.endpoints.put(replace(world.get(), retiring=(RetiredRun(run="old", variant="v"),)))
    world.lifecycle.step()  # it begins to end
    world.store.endpoints.put(replace(world.get(), status=S.DELETING))
    world.lifecycle.step()
    goes_on.set()
    with pytest.raises(NotFound):
        world.until(lambda _: False)
    assert sorted(world.flushed) == ["a", "old"]
    assert not (world.runs / "old").exists()


def test_an_endpoint_that_cannot_be_moved_fails_without_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.engine.faults._PAUSE", 0.0)
    world.unprepared["a"] = ValueError("broken")
    world.add(endpoint("other", pending=deployment(variant("v", Instance(run="b")))))
    world.add(endpoint(pending=deployment(variant("v", Instance(run="a")))))
    failed = world.until(lambda made: made.status is S.FAILED)
    assert failed.failure_reason == "InternalServerError: We encountered an internal error. Please try again."
    assert any("ValueError" in line for line in world.faults)
    assert world.store.endpoints.get(endpoint("other").arn).status is S.IN_SERVICE


def test_a_reset_forgets(world: World) -> None:
    world.serve("a")
    world.store.clear()
    world.lifecycle.reset()
    assert world.lifecycle.step() is None
    assert not world.lifecycle.unsettled
    assert isinstance(world.now, datetime)


def test_a_program_that_hangs_is_ended_and_begun_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.serve("a", "b")
    monkeypatch.setattr(HealthWatch, "is_hung", lambda _, run, ports, after: run == "a" and ports == (4711,) and after == 90.0)

    def replaced(made: Endpoint) -> bool:
        up = made.serving is not None and all(instance.healthy for _, instance in made.serving.instances)
        return up and "a" in world.ended

    made = world.until(replaced)
    assert made.serving is not None
    assert [instance.run for _, instance in made.serving.instances] == ["token-1", "b"]
    assert "a program has not answered /ping for 90 seconds" in world.faults[0]
