"""Durations are true whatever the machine's clock is set to."""

import json
import math
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.documents import parse
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.training import TrainingJob
from local_emulator.runs.clock import Clock, TestClock

DAY = 86_400.0


class Machine:
    """A machine whose clock jumps."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.steady = 1000.0
        self.boot = "first"

    def clock(self, path: Path | None) -> Clock:
        return Clock(path, wall=lambda: self.wall, steady=lambda: self.steady, boot=lambda: self.boot)

    def work(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


def job(started: datetime, **condition: int) -> TrainingJob:
    request = {"StoppingCondition": condition, "EnableManagedSpotTraining": True}
    return TrainingJob(
        name="job",
        arn="arn:aws:sagemaker:us-east-1:123456789012:training-job/job",  # type: ignore[arg-type] # any
        region="us-east-1",
        request=request,
        spec=parse.training(request),
        run="run",
        status=Status.IN_PROGRESS,
        secondary=Secondary.STARTING,
        created=started,
        modified=started,
    )


def test_a_hundred_jumps_change_no_duration(machine: Machine, tmp_path: Path) -> None:
    chance = random.Random(14)
    clock = machine.clock(tmp_path / "clock")
    clock.share()
    training = job(clock(), MaxRuntimeInSeconds=1000, MaxWaitTimeInSeconds=2000).moved(Secondary.TRAINING, clock())
    worked = 0.0
    for number in range(100):
        machine.wall += chance.choice([DAY, -DAY, 3600.0, -3600.0, 30 * DAY])
        if number % 3 == 0:  # another process: an emulator that was started again, or a supervisor
            clock = machine.clock(tmp_path / "clock")
        machine.work(5.0)
        worked += 5.0
        assert training.trained(clock()) == pytest.approx(worked, abs=1e-3)
        assert training.time_budget(clock()).wait == pytest.approx(2000 - worked, abs=1e-3)


def test_it_follows_the_machine_when_nothing_goes_on(machine: Machine, tmp_path: Path) -> None:
    clock = machine.clock(tmp_path / "clock")
    clock.share()
    machine.wall += DAY
    clock.follow()
    assert clock() == datetime.fromtimestamp(machine.wall, UTC)
    assert machine.clock(tmp_path / "clock").seconds() == machine.wall


def test_what_version_0_1_has_shared_is_read(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "clock").write_text(json.dumps({"boot": "first", "offset": 5.5, "still": None}))
    assert machine.clock(tmp_path / "clock").seconds() == machine.steady + 5.5


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"boot": "first", "offset": "x"}', '{"boot": "second", "offset": 1}'])
def test_without_a_shared_time_it_is_the_machines(content: str | None, machine: Machine, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "clock").write_text(content)
    assert machine.clock(tmp_path / "clock").seconds() == machine.wall


def test_another_boot_begins_anew(machine: Machine, tmp_path: Path) -> None:
    machine.clock(tmp_path / "clock").share()
    machine.boot, machine.steady = "second", 3.0
    machine.work(100.0)
    assert machine.clock(tmp_path / "clock").seconds() == machine.wall


def test_the_real_one_is_right() -> None:
    assert abs((Clock(None)() - datetime.now(UTC)).total_seconds()) < 1


# --- inside a test, whose clock may be stopped and moved ------------------------------------------------------------------


class Stopped:
    """The clock of a test that has stopped it, or let it go from another time on."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.time = 1_580_702_706.0

    def __call__(self) -> float:
        return self.time if self.since is None else self.time + time.monotonic() - self.since

    def go(self) -> None:
        self.since = time.monotonic()

    def stop(self) -> None:
        self.time, self.since = self(), None


def test_stopped_clock_is_shared_as_it_stands_and_where_it_is_moved_to(tmp_path: Path) -> None:
    wall = Stopped()
    clock = TestClock(tmp_path / "clock", wall=wall)
    supervisor = Clock(tmp_path / "clock")
    assert clock.seconds() == supervisor.seconds() == wall.time
    time.sleep(0.01)
    assert supervisor.seconds() == wall.time
    wall.time += 3600
    assert supervisor.seconds() == wall.time - 3600
    assert clock.seconds() == wall.time
    supervisor.reread()
    assert supervisor.seconds() == wall.time


def test_clock_that_goes_from_another_time_on_is_shared_as_it_goes(tmp_path: Path) -> None:
    wall = Stopped()
    clock = TestClock(tmp_path / "clock", wall=wall)
    wall.go()
    time.sleep(0.1)  # more than clocks may drift
    clock.follow()
    supervisor = Clock(tmp_path / "clock")
    first = supervisor.seconds()
    time.sleep(0.01)
    assert supervisor.seconds() > first
    assert abs(supervisor.seconds() - wall()) < 0.5


def test_clock_that_runs_faster_than_the_process(tmp_path: Path) -> None:
    wall = Stopped()
    wall.go()
    begun = time.monotonic()
    clock = TestClock(tmp_path / "clock", wall=wall, scale=3600)
    opened = time.monotonic()
    supervisor = Clock(tmp_path / "clock")
    time.sleep(0.1)
    least = (time.monotonic() - opened) * 3600
    assert clock.seconds() - 1_580_702_706 >= least >= 360
    assert supervisor.seconds() - 1_580_702_706 >= least
    assert clock.seconds() - 1_580_702_706 <= (time.monotonic() - begun) * 3600
    deadline = clock.seconds() + 36_000
    assert 9 < clock.until(deadline) <= 10
    assert clock.until(deadline - 40_000) == 0.0


def test_a_stopped_or_moved_clock_is_taken_as_it_is_and_runs_faster_from_there(tmp_path: Path) -> None:
    wall = Stopped()
    clock = TestClock(tmp_path / "clock", wall=wall, scale=3600)
    supervisor = Clock(tmp_path / "clock")
    time.sleep(0.01)
    assert clock.seconds() == supervisor.seconds() == wall.time
    assert clock.until(wall.time + 1) == math.inf
    wall.time += 60  # a tick is what it is, not 60 hours
    assert clock.seconds() == wall.time
    wall.go()
    time.sleep(0.1)
    assert 0 <= clock.seconds() - wall.time < 3600 * 60  # as it is shown now, and not yet faster
    first = clock.seconds()
    time.sleep(0.1)
    assert clock.seconds() - first >= 360
    wall.stop()
    time.sleep(0.01)  # more than clocks may drift
    assert clock.seconds() == wall.time


def test_a_look_at_two_clocks_that_takes_long_moves_nothing(tmp_path: Path) -> None:
    slow = False

    def wall() -> float:
        if slow:
            time.sleep(0.2)  # a thread that is held up, on a machine with much to do
        return time.time()

    clock = TestClock(tmp_path / "clock", wall=wall, scale=3600)
    before = clock.seconds()
    slow = True
    assert clock.seconds() - before >= 720
    slow = False
    assert clock.seconds() - before >= 720


def test_a_file_that_cannot_be_written_leaves_nothing_beside_it(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "clock").mkdir()
    with pytest.raises(IsADirectoryError):
        machine.clock(tmp_path / "clock").share()
    assert [path.name for path in tmp_path.iterdir()] == ["clock"]
