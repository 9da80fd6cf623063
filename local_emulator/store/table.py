"""Records of one kind: a table of SQLite, and in memory, as objects, those that were used last."""

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Generic, Protocol

from local_emulator.domain.errors import AlreadyExists, Conflict, ImpossibleTransition, NotFound, Unreadable
from local_emulator.domain.jobs import Record, may_precede
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.store import queries
from local_emulator.store.base import J, Page, Query, Sort
from local_emulator.store.kinds import Kind
from local_emulator.store.records import from_json, to_json

_KEPT = 2048  # jobs as objects, less than ten kilobytes each; more than can be active under AWS's quotas


class Database(Protocol):
    """The interface of a database to its tables."""

    lock: threading.RLock

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is written inside."""

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def change(self, sql: str, *values: object) -> int:
        """Number of rows that a statement changed."""

    def changed(self, job: Record, *, before: Record | None = None, gone: bool = False) -> None:
        """A job was added, changed (and was `before`, if that is in memory) or deleted in the transaction that is open."""

    def on_unreadable(self, error: Unreadable) -> None:
        """A page leaves out a job."""


class Table(Generic[J]):
    """Jobs by their ARNs. All changes are made here, so the objects in memory are those that are stored."""

    def __init__(self, database: Database, kind: Kind[J]) -> None:
        self._db = database
        self._kind: Kind[J] = kind
        self._name = kind.table
        self._kept: OrderedDict[Arn, J] = OrderedDict()
        self._touched: set[Arn] = set()
        self._active: Sequence[Arn] | None = None  # None: to be read

    def add(self, job: J) -> None:
        """Keep a new job."""
        row = self._row(job)
        sql = f"INSERT INTO {self._name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) ON CONFLICT (arn) DO NOTHING"  # noqa: S608 - our own names
        with self._db.transaction():
            added = self._db.change(sql, *row.values())
            if added:
                self._wrote(job.arn, job)
                self._db.changed(job)
        if not added:
            raise AlreadyExists(job.arn)

    def get(self, arn: Arn) -> J:
        """The job with that ARN."""
        with self._db.lock:
            job = self._kept.get(arn)
            if job is None:
                rows = self._db.rows(f"SELECT body, version FROM {self._name} WHERE arn = ?", arn)  # noqa: S608 - our own name
                if not rows:
                    raise NotFound(arn)
                job = self._job(arn, *rows[0])
            self._keep(arn, job)
            return job

    def put(self, job: J) -> J:
        """Keep a changed job."""
        newer: J = replace(job, version=job.version + 1)
        row = self._row(newer)
        sets = ", ".join(f"{column} = ?" for column in row)
        before = may_precede(newer.status)
        with self._db.transaction():
            sql = f"UPDATE {self._name} SET {sets} WHERE arn = ? AND version = ? AND status IN ({', '.join('?' * len(before))})"  # noqa: S608 - our own names
            if self._db.change(sql, *row.values(), job.arn, job.version, *before):
                known = self._kept.get(job.arn)
                self._wrote(job.arn, newer)
                self._db.changed(newer, before=known)
                return newer
            rows = self._db.rows(f"SELECT version, status FROM {self._name} WHERE arn = ?", job.arn)  # noqa: S608 - our own name
        if not rows:
            raise NotFound(job.arn)
        version, status = rows[0]
        if version != job.version:
            raise Conflict(job.arn)
        raise ImpossibleTransition(f"{job.arn} cannot go from {status} to {newer.status}")

    def delete(self, arn: Arn) -> None:
        """Delete a job and its observations."""
        with self._db.transaction():
            job = self.get(arn)
            self._db.change(f"DELETE FROM {self._name} WHERE arn = ?", arn)  # noqa: S608 - our own name
            self._wrote(arn, None)
            self._db.changed(job, gone=True)

    def mark_failed(self, arn: Arn, reason: str, time: int) -> None:
        """Show a job that cannot be read as failed."""
        columns = self._kind.failed(reason, time)
        sets = ", ".join(f"{column} = ?" for column in columns)
        with self._db.transaction():
            self._db.change(f"UPDATE {self._name} SET {sets} WHERE arn = ?", *columns.values(), arn)  # noqa: S608 - our own names
            self.forget()

    def clear(self) -> None:
        """Delete all jobs without reporting it."""
        with self._db.transaction():
            self._db.change(f"DELETE FROM {self._name}")  # noqa: S608 - our own name
            self.forget()

    def find(self, query: Query) -> Page[J]:
        """A page of jobs."""
        with self._db.lock:
            rows, rest = self.page(query, "arn, version")
            jobs = [self._read(*row[:3]) for row in rows]
        return Page(items=tuple(job for job in jobs if job is not None), next=rest)

    def active(self) -> Sequence[Arn]:
        """The ARNs of the jobs whose status is not terminal, unreadable ones too, the oldest first."""
        with self._db.lock:
            if self._active is None:
                statuses = self._kind.active  # none of a definition's
                self._active = self.arns(Query(statuses=statuses, sort=Sort.CREATED)) if statuses else ()
            return self._active

    def arns(self, query: Query) -> Sequence[Arn]:
        """The ARNs of what `find` returns and of what it leaves out."""
        return [row[0] for row in self.page(query, "arn")[0]]

    def tagged(self, scope: AwsScope) -> Sequence[tuple[Arn, Mapping[str, str]]]:
        """The records of a region of an account that have tags, with these, the oldest first; unreadable ones are left out."""
        tags = "CASE WHEN json_valid(body) THEN json_extract(body, '$.tags') END"
        rows = self._db.rows(f"SELECT arn, {tags} FROM {self._name} WHERE scope = ? ORDER BY id", queries.scope_key(scope))  # noqa: S608 - our own name
        return [(arn, json.loads(document)) for arn, document in rows if document not in {None, "{}"}]

    def page(self, query: Query, columns: str) -> tuple[Sequence[tuple[Any, ...]], str | None]:
        """Rows with some columns and the id of a page's jobs, and where the rest begins."""
        with self._db.lock:
            statement = queries.page(self._name, query, columns, self._few(query))
            rows = self._db.rows(statement.sql, *statement.values)
        if query.limit is None or len(rows) <= query.limit:
            return rows, None
        rows = rows[: query.limit]
        return rows, queries.cursor(rows[-1][-1], rows[-1][-2])

    def settle(self, *, committed: bool) -> None:
        """After a transaction: drop the objects that a rollback has undone."""
        if not committed:
            for key in self._touched:
                self._kept.pop(key, None)
            self._active = None
        self._touched.clear()

    def forget(self) -> None:
        """Drop what is in memory: somebody else has changed the table."""
        self._kept.clear()
        self._active = None

    def _few(self, query: Query) -> Sequence[int] | None:
        """The ids that pass a filter, if there is one that few pass."""
        for statement in queries.narrow(self._name, query):
            rows = self._db.rows(statement.sql, *statement.values)
            if query.limit is None or len(rows) <= queries.FEW:
                return [row[0] for row in rows]
        return None

    def _row(self, job: J) -> dict[str, object]:
        return {"key": job.name.casefold(), **self._kind.columns(job), "version": job.version, "body": to_json(job)}

    def _read(self, arn: Arn, version: int, number: int) -> J | None:
        job = self._kept.get(arn)
        if job is not None and job.version == version:
            return job
        ((body,),) = self._db.rows(f"SELECT body FROM {self._name} WHERE id = ?", number)  # noqa: S608 - our own name
        try:
            job = self._job(arn, body, version)
        except Unreadable as error:
            self._db.on_unreadable(error)
            return None
        self._keep(arn, job)
        return job

    def _job(self, arn: Arn, body: str, version: int) -> J:
        try:
            job: J = replace(from_json(self._kind.record, body), version=version)
        except Exception as error:  # whatever a damaged record raises
            raise Unreadable(f"the record of {arn} cannot be read ({type(error).__name__}: {error})") from error
        return job

    def _keep(self, arn: Arn, job: J) -> None:
        self._kept[arn] = job
        self._kept.move_to_end(arn)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _wrote(self, arn: Arn, job: J | None) -> None:
        self._touched.add(arn)
        before = self._kept.get(arn)
        if job is None or before is None or before.status.terminal != job.status.terminal:
            self._active = None
        if job is None:
            self._kept.pop(arn, None)
        else:
            self._keep(arn, job)
