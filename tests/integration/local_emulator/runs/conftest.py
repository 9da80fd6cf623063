"""A folder that many runs read."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a,b:c" / "shared"  # characters that mean something in mount options
    (folder / "deep").mkdir(parents=True)
    (folder / "file").write_text("good")
    (folder / "deep" / "other").write_text("other")
    before = content(folder)
    yield folder
    assert content(folder) == before


def content(folder: Path) -> dict[str, tuple[int, float]]:
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime) for path in folder.rglob("*")}
