"""The wakeup is put back by whoever waits for it."""

from pathlib import Path

import pytest

from local_emulator.engine.wakeup import Wakeup


@pytest.mark.parametrize("instead", ["nothing", "a file"])
def test_a_bell_that_was_removed_can_be_rung_again(tmp_path: Path, instead: str) -> None:
    path = tmp_path / "wakeup"
    with Wakeup(path) as wakeup:
        path.unlink()
        if instead == "a file":
            path.touch()
        assert not wakeup.wait(0)
        assert path.is_fifo()
        with path.open("wb", buffering=0) as other:
            other.write(b"run\n")
        assert wakeup.wait(5)
        wakeup.notify()
        assert wakeup.wait(5)


def test_waiting_goes_on_without_a_folder_for_the_bell(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with Wakeup(folder / "wakeup") as wakeup:
        (folder / "wakeup").unlink()
        folder.rmdir()
        assert not wakeup.wait(0)
        wakeup.notify()
        assert wakeup.wait(5)
