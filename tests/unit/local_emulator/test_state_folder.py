"""The check of the state folder, while somebody writes there."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from local_emulator.state_folder import StateLock, read_owner


def test_a_file_that_vanishes_meanwhile_is_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, look = tmp_path / "state", os.scandir
    passing = state / "jobs.sqlite-shm"

    def list_and_remove(path: Path) -> AbstractContextManager[list[Any]]:
        with look(path) as entries:
            listed = list(entries)
        passing.unlink(missing_ok=True)
        return nullcontext(listed)

    with StateLock(state) as held:
        held.publish(url="here")
        passing.touch(mode=0o644)
        monkeypatch.setattr(os, "scandir", list_and_remove)
        assert read_owner(state) is not None
        assert not passing.exists()
