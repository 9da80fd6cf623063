"""SQLite files with checksums: how damage is found, and how the sound rows of a damaged file are saved.

Each table has a generated column `sum`, a checksum of its other columns: SQLite's own check sees a broken tree or index, but not a bit
that has turned inside a text or a number. A check only reads: a file that is refused stays as it is.
"""

import shutil
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from local_emulator.domain.errors import Damaged, StoreError

_WAL_HEADER, _FRAME_HEADER = 32, 24
_LEAST_LOG = 16  # pages
_OF_THE_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_OF_THE_FILE = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)  # also kinds of SQLITE_IOERR


def checksum(*values: float | str | bytes | None) -> int:
    """CRC-32 of a row's values: every single turned bit changes it."""
    return zlib.crc32(repr(values).encode("utf-8", "surrogatepass"))


class _Memory(sqlite3.Connection):
    """A database in memory; it need not be closed, as nothing of it stays: Python 3.13 warns of others that were not."""

    def __del__(self) -> None:
        self.close()


def connect(path: Path | None, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a database for several threads, each statement a transaction of its own unless BEGIN says otherwise."""
    where = ":memory:" if path is None else f"file:{quote(str(path))}{'?mode=ro' if read_only else ''}"
    factory = _Memory if path is None else sqlite3.Connection
    db = sqlite3.connect(where, uri=path is not None, check_same_thread=False, isolation_level=None, factory=factory)
    db.create_function("checksum", -1, checksum, deterministic=True)
    return db


def limit_log(db: sqlite3.Connection, path: Path | None, most: int) -> None:
    """Let the log of changes grow to at most a twentieth of the room that its disk has, and to so many pages of 4 KiB.

    A log grows to many times its database before it is written back: on a small disk it would take the room of everything else.
    """
    room = shutil.disk_usage(path.parent).free // 20 // 4096 if path is not None else most
    db.execute(f"PRAGMA wal_autocheckpoint = {max(_LEAST_LOG, min(most, room))}")


def verify(path: Path, tables: Sequence[str], beside: Path) -> None:
    """Raise Damaged unless a database is whole, or not there yet. One that is empty while `beside` holds something has lost its rows.

    Raises StoreError if its disk keeps it from being read. Call it before the database is opened to write, by the only process that
    uses it.
    """
    commits = _commits(_with(path, "-wal"))
    _with(path, "-shm").unlink(missing_ok=True)  # an index of the log without a checksum of its own; it is made anew
    try:
        problem = _problem(path, tables, commits) if path.exists() and path.stat().st_size else _EMPTY
    except (sqlite3.Error, UnicodeError) as error:  # of text that is none Python says so itself
        if _is_of_disk(error):
            raise unopened(path, error) from error
        problem = str(error)
    if problem is None or (problem is _EMPTY and not any(beside.glob("*/*"))):
        return
    state = _EMPTY if problem is _EMPTY else f"damaged or not a database of this program ({problem})"
    raise Damaged(
        f"{path} is {state}; it was left as it is. Put back a copy of yours, or let what can be read be saved: "
        f"python -m local_emulator recover --state {path.parent}"
    )


_EMPTY = "empty, though its content is there"


def unopened(path: Path | None, error: Exception) -> StoreError:
    """What to raise of a database that cannot be opened: its disk may be at fault, for to open it takes room, or what it is."""
    if _is_of_disk(error):
        return StoreError(f"{path} cannot be opened ({error}): is there room on the disk, and may it be written?")
    return StoreError(f"{path} is damaged or not a database of this program ({error}); it was left as it is")


def _is_of_disk(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in _OF_THE_DISK and code not in _OF_THE_FILE


def _problem(path: Path, tables: Sequence[str], commits: int) -> str | None:
    if not path.is_file():
        return "it is no file"
    with closing(connect(path, read_only=True)) as db:
        summed = _summed(db, tables)
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return _EMPTY
        if commits and struct.unpack("=I", _with(path, "-shm").read_bytes()[16:20])[0] < commits:
            return "its write-ahead log breaks off before its end"
        (first,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if first != "ok":
            return " ".join(str(first).split())
        for table, columns in summed.items():
            sql = f"SELECT count(*) FROM {table} WHERE sum <> checksum({', '.join(columns)})"  # noqa: S608 - our own names
            if wrong := db.execute(sql).fetchone()[0]:
                return f"{wrong} rows of {table} are not what was written"
    return None


def _summed(db: sqlite3.Connection, tables: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The columns before `sum` of those tables that have it; a database of an earlier version has none."""
    names = {table: [row[1] for row in db.execute(f"PRAGMA table_xinfo({table})")] for table in tables}
    return {table: columns[: columns.index("sum")] for table, columns in names.items() if "sum" in columns}


def _commits(log: Path) -> int:
    """Number of the last frame but one that ends a transaction in a write-ahead log; 0 if there is none.

    Of the last one a process may have died while it wrote it. Frames of an earlier round have another salt.
    """
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        head = file.read(_WAL_HEADER)
        if len(head) < _WAL_HEADER:
            return 0
        (size,) = struct.unpack(">I", head[8:12])
        ends, number = [0, 0], 0
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == head[16:24]:
            number += 1
            if frame[4:8] != b"\0\0\0\0":
                ends.append(number)
            file.seek(size, 1)
    return ends[-2]


def _with(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def recover(path: Path, aside: Path, fresh: Callable[[], None], tables: Sequence[str]) -> Mapping[str, int]:
    """Move a database into the folder `aside`, let `fresh` make a new one, and copy into it the rows whose checksum is right.

    Returns:
        How many rows of each table were saved.
    """
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    for ending in ("", "-wal"):
        with suppress(FileNotFoundError):
            _with(path, ending).rename(_with(aside / path.name, ending))
    _with(path, "-shm").unlink(missing_ok=True)
    fresh()
    saved = dict.fromkeys(tables, 0)
    with suppress(sqlite3.Error, UnicodeError), closing(connect(aside / path.name)) as old, closing(connect(path)) as new:
        for table, columns in _summed(old, tables).items():
            names = ", ".join(columns)
            sql = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names
            new.execute("BEGIN")
            saved[table] = sum(new.execute(sql, row).rowcount for row in _readable(old, table, columns))
            new.execute("COMMIT")
    return saved


def _readable(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """The rows of a damaged table that can be read from either end, and are what was written."""
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error, UnicodeError):
            sql = f"SELECT {', '.join(columns)}, sum FROM {table} ORDER BY {columns[0]} {order}"  # noqa: S608 - our own names
            for *row, written in db.execute(sql):
                if checksum(*row) == written:
                    yield tuple(row)
