"""S3's content on disk: damage is noticed before anything is removed, and what nothing refers to is removed."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_emulator.cloud.persistence import Mirror
from local_emulator.domain.errors import Damaged
from tests.conftest import ROOT
from tests.unit.local_emulator.cloud.test_persistence import COUNT, content

WRITER = """
import os, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from tests.unit.local_emulator.cloud.test_persistence import *
state = Path(sys.argv[1])
fill(state)
mirror = Mirror(state)
for number in range(8):
    put(mirror, f"later/{number}", b"later %d" % number)
os._exit(0)  # as a kill would, with its log
"""


def test_a_log_that_breaks_off_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    subprocess.run([sys.executable, "-c", WRITER, str(state), str(ROOT)], cwd=ROOT, check=True)
    log = state / "s3.sqlite-wal"
    whole = log.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    log.write_bytes(damaged)
    with pytest.raises(Damaged, match="write-ahead log breaks off"):
        Mirror(state)
    assert log.read_bytes() == damaged
    log.write_bytes(whole)
    assert len(content(state)[2]) == COUNT + 8  # type: ignore[arg-type]
