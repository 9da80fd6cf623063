"""What the options of `serve` come to, and whether they go together."""

import argparse
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_emulator import serving
from local_emulator.domain.jobs import Status
from local_emulator.options import make_parser
from local_emulator.settings import Settings
from local_emulator.state_folder import KEEP, PORTS
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import endpoint
from tests.made_jobs import processing, training, transform

Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The settings of a command line."""

    def settings(*words: str) -> Settings:
        return serving._settings(make_parser().parse_args(["serve", "--state", str(tmp_path / "state"), *words]))

    return settings


def test_without_options_settings_are_as_they_are(read: Read, tmp_path: Path) -> None:
    settings = read("--port", "0")
    assert settings == Settings(state=tmp_path / "state", port=0)


def test_options_are_settings(read: Read) -> None:
    settings = read("--parallel", "3", "--no-fork-server", "--idle-exit", "9", "--allow-host", "Box", "--region", "eu-west-1")
    assert (settings.parallel, settings.fork_server, settings.idle_exit) == (3, False, 9.0)
    assert (settings.allowed_hosts, settings.region) == (("box",), "eu-west-1")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--executor", "dask"), "--executor dask and --scheduler ADDRESS go together"),
        (("--scheduler", "tcp://h:1"), "--executor dask and --scheduler ADDRESS go together"),
        (("--advertise", "http://10.0.0.7:1"), "--advertise http://10.0.0.7:1: it must be this emulator's URL for a cluster"),
        (("--executor", "dask", "--scheduler", "tcp://h:1", "--advertise", "ftp://h"), "--advertise ftp://h: it must be"),
        (("--executor", "dask", "--scheduler", "tcp://h:1", "--advertise", "http:///x"), "it must be this emulator's URL"),
    ],
)
def test_options_of_a_cluster_go_together(read: Read, words: tuple[str, ...], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=text):
        read(*words)


@pytest.mark.parametrize(("words", "parallel"), [((), 12), (("--parallel", "2"), 2)])
def test_a_cluster_says_how_many_it_takes_and_may_ask_by_its_name(
    read: Read, words: tuple[str, ...], parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "slots", lambda _scheduler: 12)
    cluster = ("--executor", "dask", "--scheduler", "tcp://h:1", "--advertise", "http://10.0.0.7:4577", "--allow-host", "box")
    settings = read(*cluster, *words)
    assert (settings.parallel, settings.scheduler, settings.allowed_hosts) == (parallel, "tcp://h:1", ("box", "10.0.0.7"))


@pytest.mark.parametrize(
    ("host", "headers"),
    [("0.0.0.0", ()), ("::", ()), ("10.0.0.7", ("10.0.0.7",)), ("FD00::7", ("[fd00::7]",)), ("Box", ("box",)), ("", ())],
)
def test_where_it_listens_names_it(host: str, headers: tuple[str, ...]) -> None:
    assert tuple(serving._own_host(host)) == headers


@pytest.mark.parametrize(("content", "ports"), [(None, {}), ("no json", {}), ('{"api": 7}', {"api": 7})])
def test_the_last_ports_are_a_hint(content: str | None, ports: dict[str, int], tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / PORTS).write_text(content)
    assert serving._last_ports(tmp_path) == ports
    assert not serving._is_free("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("runs", "kept", "idle", "ends"),
    [
        (0, False, 10, True),
        (1, False, 10, False),
        (2, False, 10, False),
        (0, True, 10, False),
        (0, False, 9, False),
    ],
)
def test_it_ends_when_nobody_counts_on_it(
    runs: int, idle: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, kept: bool, ends: bool
) -> None:
    class Over(Exception):  # noqa: N818 - a fact
        """The test has seen enough."""

    def stop(*_: object) -> None:
        raise Over

    ended: list[Any] = []
    if kept:
        (tmp_path / KEEP).touch()
    monkeypatch.setattr(serving, "time", SimpleNamespace(monotonic=lambda: float(idle), sleep=stop))
    monkeypatch.setattr(os, "kill", lambda *words: ended.append(words))
    emulator: Any = SimpleNamespace(
        is_idle=lambda: not runs % 2, active_endpoints=lambda: runs // 2, settings=Settings(state=tmp_path)
    )
    activity: Any = SimpleNamespace(last=0.0)
    with suppress(Over):
        serving._watch(emulator, activity, 10.0)
    assert bool(ended) is ends


def test_a_request_is_activity(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1.0]
    monkeypatch.setattr(serving, "time", SimpleNamespace(monotonic=lambda: now[0]))
    activity = serving._Activity(lambda _environ, _start: [b"answer"])
    now[0] = 5.0
    assert activity({}, None) == [b"answer"]  # type: ignore[arg-type] # of which nothing is asked
    assert activity.last == 5.0


def test_what_goes_on_is_called_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    store = SqliteStore(None)
    for job in (training("a"), training("b"), training("c", status=Status.COMPLETED)):
        store.trainings.add(job)
    store.processings.add(processing("d"))
    store.transforms.add(transform("e"))
    store.endpoints.add(endpoint())
    serving._say_what_goes_on(store)
    store.close()
    what = [line.partition(" go on by themselves;")[0] for line in capsys.readouterr().out.splitlines()]
    assert what == ["1 endpoints", "2 training jobs", "1 processing jobs", "1 transform jobs"]
