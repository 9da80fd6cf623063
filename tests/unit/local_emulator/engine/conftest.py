"""An engine whose loop is the test."""

from pathlib import Path

import pytest

from local_emulator.engine import faults
from tests.unit.local_emulator.engine.lifecycle import Engine


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(faults, "_PAUSE", 0.0)
    return Engine(tmp_path)
