"""Databases that notice when they are damaged."""

from contextlib import closing
from pathlib import Path

import pytest

from local_emulator.database import checksum, connect, recover, verify
from local_emulator.domain.errors import Damaged

SCHEMA = (
    "CREATE TABLE fruit (name TEXT PRIMARY KEY, weight REAL, sum INTEGER GENERATED ALWAYS AS (checksum(name, weight)) STORED)"
)


def make(path: Path, count: int = 3) -> None:
    with closing(connect(path)) as db:
        db.execute(SCHEMA)
        db.executemany("INSERT INTO fruit (name, weight) VALUES (?, ?)", [(f"apple {n}", n / 2) for n in range(count)])


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with content that the rows of a database stand for."""
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "log").touch()
    return tmp_path / "runs"


def test_every_turned_bit_changes_a_checksum() -> None:
    text = "some text"
    sums = {checksum(text.replace("t", chr(ord("t") ^ 1 << bit))) for bit in range(7)}
    assert len(sums | {checksum(text)}) == 8
    assert checksum("1") != checksum(1.0) != checksum(b"1")
    assert checksum(None, "") != checksum("", None)


def test_what_was_written_is_whole(tmp_path: Path, beside: Path) -> None:
    path = tmp_path / "fruit.sqlite"
    make(path)
    verify(path, ["fruit"], beside)
    with closing(connect(path, read_only=True)) as db:
        assert db.execute("SELECT count(*) FROM fruit").fetchone() == (3,)


@pytest.mark.parametrize(("old", "new"), [(b"apple 1", b"apple 9"), (b"apple 2", b"appla 2")])
def test_a_changed_text_is_noticed_and_the_file_left(old: bytes, new: bytes, tmp_path: Path, beside: Path) -> None:
    path = tmp_path / "fruit.sqlite"
    make(path)
    damaged = path.read_bytes().replace(old, new)
    path.write_bytes(damaged)
    with pytest.raises(Damaged, match=r"is damaged .*it was left as it is\. .*python -m local_emulator recover"):
        verify(path, ["fruit"], beside)
    assert path.read_bytes() == damaged


def test_nothing_is_damaged_only_if_there_is_something_beside_it(tmp_path: Path, beside: Path) -> None:
    verify(tmp_path / "none.sqlite", ["fruit"], tmp_path / "empty")
    with pytest.raises(Damaged, match="empty, though its content is there"):
        verify(tmp_path / "none.sqlite", ["fruit"], beside)


def test_rows_that_are_whole_are_saved(tmp_path: Path) -> None:
    path, aside = tmp_path / "fruit.sqlite", tmp_path / "aside"
    make(path, 5)
    path.write_bytes(path.read_bytes().replace(b"apple 3", b"appla 3"))
    assert recover(path, aside, lambda: make(path, 0), ["fruit"]) == {"fruit": 4}
    with closing(connect(path)) as db:
        assert [name for (name,) in db.execute("SELECT name FROM fruit ORDER BY name")] == [f"apple {n}" for n in (0, 1, 2, 4)]
    assert (aside / "fruit.sqlite").exists()
