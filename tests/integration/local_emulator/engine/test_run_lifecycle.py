"""Training jobs wait while the store cannot be written."""

import subprocess
from pathlib import Path

import pytest

from local_emulator.domain.jobs import Status
from local_emulator.engine import faults
from tests.unit.local_emulator.engine.lifecycle import Engine


def test_a_full_disk_of_the_store_holds_jobs_until_there_is_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    monkeypatch.setattr(faults, "_PAUSE", 0.0)
    monkeypatch.setattr("local_emulator.database._LEAST_LOG", 4000)  # the log of changes finds no room either
    try:
        engine = Engine(tmp_path, disk / "jobs.sqlite")
        arn = engine.add("job")
        with pytest.raises(OSError, match="No space left"):
            (disk / "filling").write_bytes(b"x" * 2**20)
        for _ in range(20):
            engine.lifecycle.step()
        assert engine.job(arn).status is Status.IN_PROGRESS
        assert ["database or disk is full" in line for line in engine.lines] == [True]
        (disk / "filling").unlink()
        assert engine.ended(arn) == [Status.COMPLETED]
        engine.lifecycle.close()
        engine.store.close()
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
