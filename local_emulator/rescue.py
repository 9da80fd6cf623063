"""`recover`: keeps the damaged files of a state folder aside, and saves what can be read of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from local_emulator import database
from local_emulator.cloud import persistence
from local_emulator.domain.errors import Damaged
from local_emulator.runs.folder import folders_below
from local_emulator.runs.process import ProcessExecutor
from local_emulator.store import sqlite
from local_emulator.store.kinds import KINDS


def recover(state: Path) -> Iterator[str]:
    """Save what can be read of a state folder that no emulator holds; yields a sentence for each thing that was done."""
    aside = state / f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    jobs, index = state / "jobs.sqlite", state / "s3.sqlite"
    (state / "blobs").mkdir(exist_ok=True, mode=0o700)
    if _damaged(jobs, sqlite.TABLES, state / "runs"):
        saved = database.recover(jobs, aside, lambda: sqlite.SqliteStore(jobs, check=False).close(), sqlite.TABLES)
        yield f"jobs.sqlite: saved {', '.join(f'{saved[kind.table]} {kind.noun}' for kind in KINDS)}"
        yield from _set_aside_runs(state, aside)
    if _damaged(index, persistence.TABLES, state / "blobs"):
        saved = database.recover(index, aside, lambda: persistence.create(index), persistence.TABLES)
        yield f"s3.sqlite: saved {saved['buckets']} buckets, {saved['objects']} objects"
    if index.exists():
        yield from (f"left out for want of its content: {uri}" for uri in persistence.set_aside_missing(state, aside))
    yield f"what was damaged, and what belongs to nothing any more, is in {aside}" if aside.exists() else "nothing is damaged"


def _damaged(path: Path, tables: tuple[str, ...], beside: Path) -> bool:
    try:
        database.verify(path, tables, beside)
    except Damaged:
        return True
    return False


def _set_aside_runs(state: Path, aside: Path) -> Iterator[str]:
    """End the runs whose records were not saved, and move their folders aside: a start would remove them."""
    store = sqlite.SqliteStore(state / "jobs.sqlite")
    known = store.runs()
    store.close()
    lost = [folder for folder in folders_below(state / "runs") if folder.path.name not in known]
    executor = ProcessExecutor(wakeup=None)
    try:
        for folder in lost:
            executor.kill(folder.path)
            for part in {folder.path, folder.work}:
                (aside / part.parent.name).mkdir(parents=True, exist_ok=True, mode=0o700)
                if part.exists():
                    part.rename(aside / part.parent.name / part.name)
    finally:
        executor.close()
    if lost:
        yield f"{len(lost)} runs without a record were ended and put aside"
