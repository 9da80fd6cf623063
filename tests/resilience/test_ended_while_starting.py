"""An emulator that is ended while it starts, at one moment after another: it leaves what any start and end leave."""

import os
import signal
from itertools import chain
from pathlib import Path

import pytest

from tests.conftest import Server, until

pytestmark = [pytest.mark.processes, pytest.mark.really_starts, pytest.mark.slow(20)]

# What an emulator without jobs leaves when it ends.
BELONGS = {
    *("blobs", "ca-and-others.pem", "ca-key.pem", "ca.pem", "cache", "cache/channels", "clock", "emulator.lock", "jobs.sqlite"),
    *("ports.json", "run-key", "runs", "s3.sqlite"),
}
MOMENTS = ["emulator.lock", "s3.sqlite", "jobs.sqlite", "wakeup", "cache/channels/.trial-*", "ca.pem", "ports.json"]


def left(state: Path) -> set[str]:
    """All that there is; what goes away meanwhile may be among it."""
    return {str((Path(folder) / name).relative_to(state)) for folder, *names in os.walk(state) for name in chain(*names)}


def ended_at(state: Path, moment: str, how: signal.Signals) -> Server:
    """An emulator that was ended as soon as there was a file, or had begun to serve before that was seen."""
    server = Server(state)
    server.launch()
    process = server.process
    assert process is not None
    until(lambda: next(state.glob(moment), None) is not None or (state / "ports.json").exists())
    server.end(how)
    return server


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_is_ended_while_it_starts_leaves_nothing_behind(moment: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    ended_at(state, moment, signal.SIGTERM)
    until(lambda: left(state) <= BELONGS)


def test_what_is_killed_while_it_starts_leaves_nothing_behind_once_another_has_started(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for moment in MOMENTS:
        ended_at(state, moment, signal.SIGKILL)
    (state / "cache" / "channels" / ".trial-of-one-that-was-killed" / "layers").mkdir(parents=True)
    server = Server(state).start()
    server.end()
    until(lambda: left(state) <= BELONGS)
