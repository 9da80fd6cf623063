"""The store on SQLite: one connection, guarded by one lock."""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from local_emulator.completion import patience
from local_emulator.database import connect, limit_log, unopened, verify
from local_emulator.domain.errors import Damaged, StoreError, StoreUnavailable, Unreadable
from local_emulator.domain.history import History, HistorySummary, Observation, Trial, Trials
from local_emulator.domain.jobs import Record, Secondary, Status
from local_emulator.domain.names import Arn, AwsScope, kind_of
from local_emulator.domain.training import TrainingJob, TrainingSummary
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.base import Change, Page, Query
from local_emulator.store.history_cache import HistoryCache
from local_emulator.store.kinds import (
    COMPONENTS,
    CONFIGS,
    ENDPOINTS,
    EXECUTIONS,
    EXPERIMENTS,
    INVOCATIONS,
    KINDS,
    MODELS,
    PACKAGE_GROUPS,
    PACKAGES,
    PIPELINES,
    PROCESSINGS,
    TRAININGS,
    TRANSFORMS,
    TRIALS,
    TUNINGS,
    WITH_RUNS,
)
from local_emulator.store.table import Table
from local_emulator.store.times import at, microseconds

_VERSION = 4
_SCHEMA = Path(__file__).with_name("schema.sql")
_RECORDS = Path(__file__).with_name("records.sql")
_UPGRADE = Path(__file__).with_name("migrations") / "3.sql"
_MOST = 1_000_000  # numbers (values, and members of trials) that the histories in memory may hold together
_SUMMARY = "name, arn, status, secondary, created, modified, started, ended, failure, definition, metric, objective, tuned"

TABLES = (*(kind.table for kind in KINDS), "observations", "offsets")
_CHECKED = tuple(table for table in TABLES if table != "observations")  # at the start; observations, perhaps a million, when read
_SOUND = "observations.sum = checksum(training, seq, observations.metric, value, ms)"


class SqliteStore:
    """Records and observations in a file, or in memory if `path` is None. Safe to use from several threads.

    `on_change` is called for every record that was added or has changed its state, `on_unreadable` for every one that a page leaves
    out because it cannot be read. Without `check` an empty file may be made again beside runs.

    Raises:
        Damaged: The file is not what was written.
        StoreError: It cannot be opened, or is of a newer version.
    """

    def __init__(
        self,
        path: Path | None,
        on_change: Callable[[Change], None] = lambda _: None,
        on_unreadable: Callable[[Unreadable], None] = lambda _: None,
        *,
        check: bool = True,
    ) -> None:
        self.lock = threading.RLock()
        self._on_change = on_change
        self.on_unreadable = on_unreadable
        self._depth = 0
        self._changes: list[Change] = []
        self._histories: OrderedDict[Arn, HistoryCache] = OrderedDict()
        self._touched: set[Arn] = set()
        self._parents: dict[Arn, Trials] = {}
        if path is not None and check:
            verify(path, _CHECKED, path.with_name("runs"))
        try:
            self._db = connect(path)
        except sqlite3.Error as error:
            raise unopened(path, error) from error
        try:
            self._open(path)
        except sqlite3.Error as error:
            self._db.close()
            raise unopened(path, error) from error
        except StoreError:
            self._db.close()
            raise
        self.tunings = Table(self, TUNINGS)
        self.trainings = Table(self, TRAININGS)
        self.processings = Table(self, PROCESSINGS)
        self.transforms = Table(self, TRANSFORMS)
        self.models = Table(self, MODELS)
        self.configs = Table(self, CONFIGS)
        self.endpoints = Table(self, ENDPOINTS)
        self.invocations = Table(self, INVOCATIONS)
        self.package_groups = Table(self, PACKAGE_GROUPS)
        self.packages = Table(self, PACKAGES)
        self.experiments = Table(self, EXPERIMENTS)
        self.trials = Table(self, TRIALS)
        self.components = Table(self, COMPONENTS)
        self.pipelines = Table(self, PIPELINES)
        self.executions = Table(self, EXECUTIONS)
        self._tables: Mapping[str, Table[Any]] = {kind.segment: getattr(self, kind.table) for kind in KINDS}

    def _open(self, path: Path | None) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        limit_log(self._db, path, 4000)  # at 1000 a tenth of a job's cost is checkpoints
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StoreError(f"{path} was written by a newer version of this program (schema {version}, ours is {_VERSION})")
        script = ""
        if version < _VERSION:
            schema = _SCHEMA.read_text()
            script = {0: schema, 3: ""}.get(version, _UPGRADE.read_text().replace("-- schema.sql\n", schema))
        known = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        records = _RECORDS.read_text()
        script += "".join(records.replace("{table}", kind.table) for kind in KINDS if kind.plain and kind.table not in known)
        if script:
            self._db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {_VERSION}; COMMIT;")

    def clear(self) -> None:
        """Forget every record."""
        with self.transaction():
            for table in self._tables.values():
                table.clear()
            self._histories.clear()
            self._parents.clear()

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; only the outermost commits."""
        with self.lock, _translated():
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._db.execute("COMMIT")
            except BaseException:  # raised again after the rollback
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._settle(committed=False)
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                self._settle(committed=True)

    def _settle(self, *, committed: bool) -> None:
        """After a transaction: drop what memory holds of a rollback, or report the records that have changed."""
        for table in self._tables.values():
            table.settle(committed=committed)
        changes, self._changes = self._changes, []
        if committed:
            for change in changes:
                self._on_change(change)
        else:
            for key in self._touched:
                self._histories.pop(key, None)
        self._touched.clear()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.lock, _translated():
            return self._db.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> int:
        """Number of rows that a statement changed."""
        with self.transaction():
            return self._db.execute(sql, values).rowcount

    def mark_failed(self, arn: Arn, reason: str, now: datetime) -> None:
        """End a record that cannot be read: lists and histories show it as failed."""
        with self.transaction():
            self.table(arn).mark_failed(arn, reason, microseconds(now))
            self._histories.clear()  # one of them may have it

    def table(self, arn: Arn) -> Table[Any]:
        """The table of the kind of a resource that is ours."""
        return self._tables[kind_of(arn)]

    def summaries(self, query: Query) -> Page[TrainingSummary]:
        """A page of training jobs, with only the members that lists show."""
        rows, rest = self.trainings.page(query, _SUMMARY)
        return Page(items=tuple(map(_summary, rows)), next=rest)

    def tagged(self, scope: AwsScope) -> Sequence[tuple[Arn, Mapping[str, str]]]:
        """The records of a region of an account that have tags, with these, kind by kind and the oldest first."""
        return [tagged for table in self._tables.values() for tagged in table.tagged(scope)]

    def runs(self, *, active: bool = False) -> Collection[str]:
        """The ids of all runs that records of any kind have had; with `active` of records that are not terminal."""
        return {
            run
            for kind in WITH_RUNS
            for runs, status in self.rows(f"SELECT runs, status FROM {kind.table}")  # noqa: S608 - our own names
            if not (active and kind.statuses(status).terminal)
            for run in runs.split()
        }

    # --- observations ---------------------------------------------------------------------------------------------------

    def record(self, training: Arn, observations: Sequence[Observation], offset: int) -> None:
        """Append observations and the offset that they reach."""
        with self.transaction():
            job = self.trainings.get(training)
            (number,) = self.rows("SELECT id FROM trainings WHERE arn = ?", training)[0]
            self._db.executemany(
                "INSERT INTO observations VALUES (?, ?, ?, ?, ?)",
                [(number, entry.seq, entry.metric, entry.value, microseconds(entry.time) // 1000) for entry in observations],
            )
            self._db.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?)", (number, offset))
            if cache := self._cached_history(job):
                cache.add_values(job.name, [entry.value for entry in observations if entry.metric == job.objective])

    def offset(self, training: Arn) -> int:
        """The offset that the observations reach."""
        rows = self.rows("SELECT offset FROM offsets JOIN trainings ON training = id WHERE arn = ?", training)
        return int(rows[0][0]) if rows else 0

    def observations(self, training: Arn, *, after: int = -1) -> Sequence[Observation]:
        """The observations of a training job behind a `seq`, in order."""
        rows = self.rows(
            f"SELECT seq, observations.metric, value, ms, {_SOUND} FROM observations JOIN trainings ON training = id "  # noqa: S608 - our own words
            "WHERE arn = ? AND seq > ? ORDER BY seq",
            training,
            after,
        )
        _refuse_unsound(rows)
        return [
            Observation(seq=seq, metric=metric, value=value, time=datetime.fromtimestamp(ms / 1000, UTC))
            for seq, metric, value, ms, _ in rows
        ]

    # --- history --------------------------------------------------------------------------------------------------------

    def history(self, tuning: TuningJob) -> History:
        """The history of a tuning job. It is read once and then only extended."""
        key = tuning.arn
        with self.lock:
            cache = self._histories.get(key)
            if cache is None:
                cache = HistoryCache(_no_summary(tuning), self._trials(tuning))
                self._histories[key] = cache
                self._make_room(key)
            self._histories.move_to_end(key)
            trials = cache.trials
            if tuning.plan.parents and key not in self._parents:
                self._parents[key] = Trials.of(self._trials_of_parents(tuning), _no_summary(tuning))
            parents = self._parents.get(key, ())
        return History(
            goal=tuning.plan.definitions[0].objective.goal,
            trials=trials,
            parents=parents,
            transfer=tuning.plan.transfer,
            ranked=tuning.plan.ranked,
        )

    def _make_room(self, newest: Arn) -> None:
        """Drop the histories that were asked for least recently."""
        held = sum(cache.size for cache in self._histories.values())
        for key in list(self._histories):
            if held <= _MOST or key == newest:
                return
            held -= self._histories.pop(key).size

    def _trials(self, tuning: TuningJob) -> Sequence[Trial]:
        """All trials of a tuning job; without their values once it has ended, for then they are not needed."""
        values: Mapping[int, tuple[float, ...]] = {}
        if not tuning.status.terminal:
            observed = self.rows(
                f"SELECT id, value, {_SOUND} FROM trainings JOIN observations "  # noqa: S608 - our own words
                "ON training = id AND observations.metric = trainings.metric WHERE tuning = ? ORDER BY id, seq",
                tuning.arn,
            )
            _refuse_unsound(observed)
            values = {number: tuple(row[1] for row in some) for number, some in groupby(observed, key=lambda row: row[0])}
        columns = "id, name, number, tuned, status, objective, retryable, definition, ended"
        rows = self.rows(f"SELECT {columns} FROM trainings WHERE tuning = ? ORDER BY id", tuning.arn)  # noqa: S608 - our own names
        return [
            Trial(
                name=row[1],
                index=row[2],
                point=json.loads(row[3]),
                status=Status(row[4]),
                values=values.get(row[0], ()),
                final=row[5],
                retryable=bool(row[6]),
                definition=row[7],
                ended=None if row[8] is None else at(row[8]),
            )
            for row in rows
        ]

    def _trials_of_parents(self, tuning: TuningJob) -> Sequence[Trial]:
        """Ended training jobs of the parents, which outlive their tuning job's record; a later job of the same name is no parent."""
        parents = [tuning.scope.tuning_arn(name) for name in tuning.plan.parents]
        jobs = [job for arn in parents for job in self.trainings.find(Query(tuning=arn)).items]
        return [
            replace(_trial(job), point=job.spec.hyperparameters)
            for job in jobs
            if job.created <= tuning.created and job.status.terminal
        ]

    def _cached_history(self, job: TrainingJob) -> HistoryCache | None:
        """The history that a training job belongs to, if it is in memory."""
        if job.tuning_arn is None:
            return None
        self._touched.add(job.tuning_arn)
        return self._histories.get(job.tuning_arn)

    def changed(self, job: Record, *, before: Record | None = None, gone: bool = False) -> None:
        """Update the histories in memory; the change is reported when the transaction is committed."""
        if not gone and (before is None or job.state != before.state):
            self._changes.append(Change(job, before))
        if isinstance(job, TuningJob):
            if gone:
                self._histories.pop(job.arn, None)
                self._parents.pop(job.arn, None)
        elif isinstance(job, TrainingJob) and (cache := self._cached_history(job)):
            if gone:
                cache.forget(job.name)
            else:
                cache.put(_trial(job))


@contextmanager
def _translated() -> Iterator[None]:
    """Raise SQLite's errors as errors of the store."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(f"the database of jobs: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the database of jobs: {error}") from error


def _refuse_unsound(rows: Sequence[tuple[Any, ...]]) -> None:
    """Raise Damaged if the last column of a row says that its checksum is wrong."""
    if wrong := sum(not row[-1] for row in rows):
        raise Damaged(
            f"{wrong} observations in jobs.sqlite are not what was written: python -m local_emulator recover leaves them out"
        )


def _no_summary(tuning: TuningJob) -> HistorySummary:
    """The summary of no ended trials."""
    plan = tuning.plan
    return HistorySummary(goal=plan.definitions[0].objective.goal, ranked=plan.ranked, patience=patience(plan))


def _trial(job: TrainingJob) -> Trial:
    return Trial(
        name=job.name,
        index=job.index,
        point=job.tuned,
        status=job.status,
        final=job.final_objective,
        retryable=job.retryable,
        definition=job.definition,
        ended=job.ended,
    )


def _summary(row: tuple[Any, ...]) -> TrainingSummary:
    name, arn, status, secondary, created, modified, started, ended, failure, definition, metric, objective, tuned, _, _ = row
    return TrainingSummary(
        name=name,
        arn=arn,
        status=Status(status),
        secondary=Secondary(secondary),
        created=at(created),
        modified=at(modified),
        started=None if started is None else at(started),
        ended=None if ended is None else at(ended),
        failure_reason=failure,
        definition=definition,
        objective=metric,
        final_objective=objective,
        tuned=json.loads(tuned),
    )
