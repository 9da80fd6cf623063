"""What a script is packed into."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from sm_tuning import Script
from sm_tuning.client import launch
from sm_tuning.errors import NotLaunched


def test_the_same_files_are_the_same_bytes(folder: Path) -> None:
    (folder / "train.py").chmod(0o755)
    packed = launch.pack(Script(str(folder / "train.py")))
    os.utime(folder / "train.py", (1, 1))
    assert launch.pack(Script(str(folder / "train.py"))) == packed
    assert gzip.decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {member.name: (member.mode, member.mtime, member.uid) for member in archive}
    assert members["train.py"] == (0o755, 0, 0)
    assert members["contract.py"] == (0o644, 0, 0)
    assert "unused.py" not in members


def test_a_source_folder_that_is_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_MOST_SOURCE", 10)
    with pytest.raises(NotLaunched, match=r"holds \d+ bytes; at most 10 are sent as code"):
        launch.pack(Script("train.py", source=str(folder)))
