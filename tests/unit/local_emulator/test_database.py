"""Databases that notice when they are damaged, and take no more room than the disk has."""

import gc
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from local_emulator.database import checksum, connect, limit_log, recover, verify
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


@pytest.mark.parametrize(
    ("free", "pages"), [(100 * 2**30, 4000), (4000 * 4096 * 20, 4000), (2**30, 4000), (8 * 2**20, 102), (2**20, 16), (0, 16)]
)
def test_log_is_limited_by_the_room_on_the_disk(free: int, pages: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(free, 0, free))
    path = tmp_path / "fruit.sqlite"
    with closing(connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        limit_log(db, path, 4000)
        assert db.execute("PRAGMA wal_autocheckpoint").fetchone() == (pages,)
        db.execute(SCHEMA)
        for number in range(300):  # a page or two each
            db.execute("INSERT INTO fruit (name, weight) VALUES (?, ?)", (f"apple {number}", number / 2))
        log = path.with_name("fruit.sqlite-wal").stat().st_size
        assert log <= (pages + 8) * (4096 + 24)


def test_a_database_in_memory_need_not_be_closed() -> None:
    """Python 3.13 warns of a connection that nobody has closed, and a warning is an error here."""
    assert connect(None).execute("SELECT checksum(1)").fetchone() == (checksum(1),)
    gc.collect()


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
