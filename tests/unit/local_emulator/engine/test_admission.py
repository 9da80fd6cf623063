"""Hosts take the slots: nobody gets more than there are, nobody waits for ever."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.spec import InstanceGroup, ResourceConfig
from local_emulator.domain.training import TrainingJob
from local_emulator.engine.admission import admitted
from local_emulator.settings import Settings
from tests.made_jobs import training

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(name: str, hosts: int = 1, *, runs: bool = False, tuning: str | None = None) -> TrainingJob:
    """A job that waits, or one that runs."""
    made = training(name)
    group = InstanceGroup(instance_type="ml.m5.large", instance_count=hosts)
    return replace(
        made,
        run=name,
        spec=replace(made.spec, resources=ResourceConfig(groups=(group,))),
        status=Status.IN_PROGRESS,
        secondary=Secondary.TRAINING if runs else Secondary.STARTING,
        tuning_arn=Arn(tuning) if tuning else None,
    )


def started(jobs: list[TrainingJob], *, parallel: int = 4, gpus: tuple[str, ...] = ()) -> list[str]:
    """The names of the jobs that are started now."""
    return [given.name for given in admitted(jobs, (), Settings(parallel=parallel, gpus=gpus), NOW)]


@pytest.mark.parametrize(
    ("jobs", "names"),
    [
        ([job("a"), job("b"), job("c"), job("d"), job("e")], ["a", "b", "c", "d"]),
        ([job("a", 2), job("b", 2), job("c", 2)], ["a", "b"]),
        ([job("running", 3, runs=True), job("wide", 2), job("narrow")], []),  # nobody overtakes: the wide one's turn comes
        ([job("running", 3, runs=True), job("narrow"), job("wide", 2)], ["narrow"]),
        ([job("wider", 9)], ["wider"]),  # more hosts than slots: alone
        ([job("running", runs=True), job("wider", 9), job("narrow")], []),
        ([job("wider", 9, runs=True), job("narrow")], []),
        ([job("a", 2, tuning="t"), job("b", 2, tuning="t"), job("c", 2, tuning="u")], ["a", "c"]),
    ],
)
def test_each_host_takes_a_slot(jobs: list[TrainingJob], names: list[str]) -> None:
    assert started(jobs) == names


def test_whatever_waits_runs_in_the_end() -> None:
    waiting, ended = [job(f"{hosts}-{number}", hosts, tuning=f"{hosts}") for number in range(3) for hosts in (1, 2, 3, 9)], []
    running: list[TrainingJob] = []
    for _ in range(100):
        running = [*running[1:], *(now for now in waiting if now.name in started([*running[1:], *waiting]))]
        ended += [now.name for now in running]
        waiting = [now for now in waiting if now.name not in ended]
        running = [replace(now, secondary=Secondary.TRAINING) for now in running]
    assert (waiting, len(set(ended))) == ([], 12)


def test_each_host_gets_its_share_of_the_gpus() -> None:
    (wide,) = admitted([job("wide", 2)], (), Settings(parallel=2, gpus=("0", "1", "2", "3")), NOW)
    assert wide.gpus == ("0", "1", "2", "3")
    (short,) = admitted([job("short", 3)], (), Settings(parallel=4, gpus=("0",)), NOW)
    assert short.gpus == ("0",)
