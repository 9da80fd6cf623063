"""The store on SQLite: one connection, guarded by one lock."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from local_emulator.domain.errors import AlreadyExists, Conflict, NotFound, StoreError
from local_emulator.domain.history import History, Observation, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.base import Page, Query, Sort
from local_emulator.store.records import from_json, microseconds, to_json

J = TypeVar("J", TuningJob, TrainingJob)

_VERSION = 1
_SCHEMA = Path(__file__).with_name("schema.sql")
_COLUMNS = {Sort.NAME: "key", Sort.CREATED: "created", Sort.STATUS: "status", Sort.OBJECTIVE: "objective"}


class SqliteStore:
    """Jobs and observations in a file, or in memory if `path` is None. Safe to use from several threads.

    `heard` is told of every job that is added or changed.
    """

    def __init__(self, path: Path | None, heard: Callable[[TuningJob | TrainingJob], None] = lambda _: None) -> None:
        self._heard = heard
        self._lock = threading.RLock()
        self._depth = 0
        self._histories: dict[str, dict[str, Trial]] = {}
        self._parents: dict[str, Sequence[Trial]] = {}
        try:
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be opened: {error}") from error
        try:
            self._open(path)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"{path} is damaged or not a database of this program ({error}); it was left as it is") from error
        except StoreError:
            self._db.close()
            raise
        self.tunings: _Table[TuningJob] = _Table(self, "tunings", TuningJob)
        self.trainings: _Table[TrainingJob] = _Table(self, "trainings", TrainingJob)

    def _open(self, path: Path | None) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StoreError(f"{path} was written by a newer version of this program (schema {version}, ours is {_VERSION})")
        if version == 0:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA.read_text()} PRAGMA user_version = {_VERSION}; COMMIT;")
        elif self._db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise StoreError(f"{path} is damaged; it was left as it is")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; only the outermost commits."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._histories.clear()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> int:
        """Number of rows that a statement changed."""
        with self.transaction():
            return self._db.execute(sql, values).rowcount

    # --- observations ---------------------------------------------------------------------------------------------------

    def record(self, training: str, seen: Sequence[Observation], offset: int) -> None:
        """Append observations and the offset that they reach."""
        key = training.casefold()
        with self.transaction():
            self._db.executemany(
                "INSERT INTO observations VALUES (?, ?, ?, ?, ?)",
                [(key, one.seq, one.metric, one.value, microseconds(one.time) // 1000) for one in seen],
            )
            self._db.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?)", (key, offset))
            for trials in self._histories.values():
                if key in trials:
                    metric = self.trainings.get(training).objective
                    values = (*trials[key].values, *(one.value for one in seen if one.metric == metric))
                    trials[key] = replace(trials[key], values=values)

    def offset(self, training: str) -> int:
        """The offset that the observations reach."""
        found = self.rows("SELECT offset FROM offsets WHERE training = ?", training.casefold())
        return int(found[0][0]) if found else 0

    def observations(self, training: str) -> Sequence[Observation]:
        """Every observation of a training job, in order."""
        found = self.rows("SELECT seq, metric, value, ms FROM observations WHERE training = ? ORDER BY seq", training.casefold())
        return [
            Observation(seq=seq, metric=metric, value=value, time=datetime.fromtimestamp(ms / 1000, UTC))
            for seq, metric, value, ms in found
        ]

    # --- history --------------------------------------------------------------------------------------------------------

    def history(self, tuning: TuningJob) -> History:
        """What has happened; kept in memory and only ever extended."""
        key = tuning.name.casefold()
        with self._lock:
            if key not in self._histories:
                jobs = self.trainings.find(Query(tuning=tuning.name)).items
                self._histories[key] = {job.name.casefold(): self._trial(job) for job in jobs}
            trials = sorted(self._histories[key].values(), key=lambda trial: trial.index)
            if tuning.plan.parents and key not in self._parents:
                self._parents[key] = self._trials_of_parents(tuning)
            parents = self._parents.get(key, ())
        return History(
            goal=tuning.plan.definitions[0].objective.goal,
            trials=trials,
            parents=parents,
            transfer=tuning.plan.transfer,
            ranked=tuning.plan.ranked,
        )

    def _trials_of_parents(self, tuning: TuningJob) -> Sequence[Trial]:
        """Ended training jobs of the parents, which outlive their tuning job's record; a later job of the same name is no parent."""
        jobs = [job for name in tuning.plan.parents for job in self.trainings.find(Query(tuning=name)).items]
        return [
            replace(_trial(job, ()), point=job.request.get("HyperParameters", {}))
            for job in jobs
            if job.created <= tuning.created and job.status.terminal
        ]

    def _trial(self, job: TrainingJob) -> Trial:
        found = self.rows(
            "SELECT value FROM observations WHERE training = ? AND metric = ? ORDER BY seq", job.name.casefold(), job.objective
        )
        return _trial(job, tuple(row[0] for row in found))

    def changed(self, job: TuningJob | TrainingJob, *, gone: bool = False) -> None:
        """Keep the histories in memory true, and tell whoever listens."""
        if not gone:
            self._heard(job)
        if isinstance(job, TuningJob):
            if gone:
                self._histories.pop(job.name.casefold(), None)
                self._parents.pop(job.name.casefold(), None)
        elif job.tuning is not None and (trials := self._histories.get(job.tuning.casefold())) is not None:
            key = job.name.casefold()
            if gone:
                trials.pop(key, None)
            else:
                trials[key] = _trial(job, trials[key].values if key in trials else ())


def _trial(job: TrainingJob, values: tuple[float, ...]) -> Trial:
    return Trial(
        name=job.name,
        index=job.index,
        point=job.tuned,
        status=job.status,
        values=values,
        final=job.final_objective,
        retryable=job.retryable,
        definition=job.definition,
        ended=job.ended,
    )


class _Table(Generic[J]):
    """Jobs of one kind."""

    def __init__(self, store: SqliteStore, name: str, kind: type[J]) -> None:
        self._store = store
        self._name = name
        self._kind: type[J] = kind

    def add(self, job: J) -> None:
        """Keep a new job."""
        columns = "key, name, status, created, modified, version, body"
        values = [job.name.casefold(), *self._values(job), job.version, to_json(job)]
        if isinstance(job, TrainingJob):
            columns += ", tuning, objective"
            values += [job.tuning.casefold() if job.tuning else None, job.final_objective]
        marks = ", ".join("?" * len(values))
        try:
            with self._store.transaction():
                self._store.change(f"INSERT INTO {self._name} ({columns}) VALUES ({marks})", *values)  # noqa: S608 - our own names
                self._store.changed(job)
        except sqlite3.IntegrityError as error:
            raise AlreadyExists(job.name) from error

    def get(self, name: str) -> J:
        """The job of that name."""
        found = self._store.rows(f"SELECT body, version FROM {self._name} WHERE key = ?", name.casefold())  # noqa: S608 - our own name
        if not found:
            raise NotFound(name)
        return self._job(found[0])

    def put(self, job: J) -> J:
        """Keep a changed job."""
        newer: J = replace(job, version=job.version + 1)
        sets = "name = ?, status = ?, created = ?, modified = ?, version = ?, body = ?"
        values: list[object] = [*self._values(newer), newer.version, to_json(newer)]
        if isinstance(newer, TrainingJob):
            sets += ", objective = ?"
            values.append(newer.final_objective)
        with self._store.transaction():
            sql = f"UPDATE {self._name} SET {sets} WHERE key = ? AND version = ?"  # noqa: S608 - our own names
            if not self._store.change(sql, *values, job.name.casefold(), job.version):
                self.get(job.name)  # raises NotFound
                raise Conflict(job.name)
            self._store.changed(newer)
        return newer

    def delete(self, name: str) -> None:
        """Forget a job and all that was observed of it."""
        with self._store.transaction():
            job = self.get(name)
            self._store.change(f"DELETE FROM {self._name} WHERE key = ?", name.casefold())  # noqa: S608 - our own name
            if isinstance(job, TrainingJob):
                self._store.change("DELETE FROM observations WHERE training = ?", name.casefold())
                self._store.change("DELETE FROM offsets WHERE training = ?", name.casefold())
            self._store.changed(job, gone=True)

    def find(self, query: Query) -> Page[J]:
        """A page of jobs."""
        column = _COLUMNS[query.sort]
        wheres, values = self._wheres(query)
        direction, beyond = ("DESC", "<") if query.descending else ("ASC", ">")
        if query.sort is Sort.OBJECTIVE:
            wheres.append("objective IS NOT NULL")
        if query.after is not None:
            value, number = _cursor(query.after)
            wheres.append(f"({column}, id) {beyond} (?, ?)")
            values += [value, number]
        where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
        limit = -1 if query.limit is None else query.limit + 1
        sql = (
            f"SELECT body, version, id, {column} FROM {self._name} {where} ORDER BY {column} {direction}, id {direction} LIMIT ?"  # noqa: S608 - our own names
        )
        found = self._store.rows(sql, *values, limit)
        rest = None
        if query.limit is not None and len(found) > query.limit:
            found = found[: query.limit]
            rest = json.dumps([found[-1][3], found[-1][2]])
        return Page(items=tuple(self._job(row) for row in found), next=rest)

    def _wheres(self, query: Query) -> tuple[list[str], list[object]]:
        wheres: list[str] = []
        values: list[object] = []
        if query.statuses:
            wheres.append(f"status IN ({', '.join('?' * len(query.statuses))})")
            values += [Status(status).value for status in query.statuses]
        times = {
            "created > ?": query.created_after,
            "created < ?": query.created_before,
            "modified > ?": query.modified_after,
            "modified < ?": query.modified_before,
        }
        for condition, value in {
            "tuning = ?": query.tuning.casefold() if query.tuning else None,
            "instr(key, ?) > 0": query.name_contains.casefold() if query.name_contains else None,
            **{condition: microseconds(time) for condition, time in times.items() if time is not None},
        }.items():
            if value is not None:
                wheres.append(condition)
                values.append(value)
        return wheres, values

    def _values(self, job: J) -> list[object]:
        return [job.name, job.status.value, microseconds(job.created), microseconds(job.modified)]

    def _job(self, row: tuple[Any, ...]) -> J:
        job: J = replace(from_json(self._kind, row[0]), version=row[1])
        return job


def _cursor(after: str) -> tuple[object, int]:
    try:
        value, number = json.loads(after)
    except (ValueError, TypeError) as error:
        raise ValueError("no token of this query") from error
    if not isinstance(value, str | int | float) or not isinstance(number, int):
        raise ValueError("no token of this query")  # noqa: TRY004 - the caller's text is wrong, not its type
    return value, number
