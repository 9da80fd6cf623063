"""A list's query as SQL.

A page is made in one of two ways. If few jobs pass a filter, they are found by its index and sorted. Otherwise jobs are read in the
order of the sort's index and filtered until the page is full, which is soon because many pass.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local_emulator.domain.names import AwsScope
from local_emulator.store.base import Query, Sort
from local_emulator.store.times import microseconds

FEW = 500

_COLUMNS = {Sort.NAME: "key", Sort.CREATED: "created", Sort.STATUS: "status", Sort.OBJECTIVE: "objective"}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """SQL and its values."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Condition:
    """A condition on one column."""

    column: str
    sql: str  # with `{}` where the column's name goes
    values: tuple[object, ...]


def narrow(table: str, query: Query) -> Iterator[Statement]:
    """For each filter that has an index: a query of the ids of the jobs that pass it, at most FEW + 1.

    All of them if the query has no limit: then every one is read.
    """
    scope = _scope(query)
    indices = ("key", "status") if query.tuning else ("key", "status", "created", "modified")
    sort = _COLUMNS[query.sort]
    filters = _filters(query)
    for column in indices:
        conditions = [condition for condition in filters if condition.column == column]
        if conditions and (column != sort or column == "key"):
            where, values = _where([*scope, *conditions])
            limit = -1 if query.limit is None else FEW + 1
            yield Statement(sql=f"SELECT id FROM {table} {where} LIMIT ?", values=(*values, limit))  # noqa: S608 - our own names


def page(table: str, query: Query, columns: str, among: Sequence[int] | None = None) -> Statement:
    """One row more than the page has (`id` and sort column last), which shows whether it is the last page; of some ids, or of all.

    Raises ValueError if the query's `after` is no token.
    """
    sort = _COLUMNS[query.sort]
    direction, beyond = ("DESC", "<") if query.descending else ("ASC", ">")
    conditions = [*_scope(query), *_filters(query)]
    if query.sort is Sort.OBJECTIVE:
        conditions.append(_Condition(column=sort, sql="{} IS NOT NULL", values=()))
    order = f"ORDER BY {sort} {direction}, id {direction}"
    if query.sort is Sort.STATUS and len(query.statuses) == 1:  # all are equal: age alone orders them
        order = f"ORDER BY id {direction}"
        if query.after is not None:
            conditions.append(_Condition(column="id", sql=f"{{}} {beyond} ?", values=_cursor(query.after)[1:]))
    elif query.after is not None:
        conditions.append(_Condition(column=sort, sql=f"({{}}, id) {beyond} (?, ?)", values=_cursor(query.after)))
    if among is not None:
        conditions.append(_Condition(column="id", sql="{} IN (SELECT value FROM json_each(?))", values=(json.dumps(among),)))
    where, values = _where(conditions, plain=("scope", "tuning", "id", sort) if among is None else ("id",))
    limit = -1 if query.limit is None else query.limit + 1
    return Statement(
        sql=f"SELECT {columns}, id, {sort} FROM {table} {where} {order} LIMIT ?",  # noqa: S608 - our own names
        values=(*values, limit),
    )


def cursor(value: object, number: int) -> str:
    """Where the rest begins, after a row with that sort column and id."""
    return json.dumps([value, number])


def _cursor(after: str) -> tuple[object, int]:
    try:
        value, number = json.loads(after)
    except (ValueError, TypeError) as error:
        raise ValueError("no token of this query") from error
    if not isinstance(value, str | int | float) or not isinstance(number, int):
        raise ValueError("no token of this query")  # noqa: TRY004 - the caller's text is wrong, not its type
    return value, number


def scope_key(scope: AwsScope) -> str:
    """A region and account as the column `scope` has them."""
    return f"{scope.region}/{scope.account}"


def _scope(query: Query) -> Sequence[_Condition]:
    """The tuning job, or the region and account, of which jobs are listed."""
    if query.tuning:
        return [_Condition(column="tuning", sql="{} = ?", values=(query.tuning,))]
    return [_Condition(column="scope", sql="{} = ?", values=(scope_key(query.scope),))] if query.scope else []


def _filters(query: Query) -> Sequence[_Condition]:
    conditions = []
    if query.statuses:
        statuses = tuple(map(str, query.statuses))
        one_of = "{} = ?" if len(statuses) == 1 else f"{{}} IN ({', '.join('?' * len(statuses))})"
        conditions.append(_Condition(column="status", sql=one_of, values=statuses))
    if query.name_contains:
        conditions.append(_Condition(column="key", sql="instr({}, ?) > 0", values=(query.name_contains.casefold(),)))
    if query.name_prefix:
        prefix = query.name_prefix.casefold()
        conditions.append(_Condition(column="key", sql="({0} >= ? AND {0} < ?)", values=(prefix, prefix + chr(sys.maxunicode))))
    conditions += [
        _Condition(column=column, sql=f"{{}} {sign} ?", values=(microseconds(time),))
        for column, sign, time in (
            ("created", ">", query.created_after),
            ("created", "<", query.created_before),
            ("modified", ">", query.modified_after),
            ("modified", "<", query.modified_before),
        )
        if time is not None
    ]
    return conditions


def _where(conditions: Sequence[_Condition], plain: Sequence[str] | None = None) -> tuple[str, tuple[object, ...]]:
    """All conditions together. Only the columns in `plain` (None: all) may choose an index: a `+` keeps the others from it."""
    texts = [
        condition.sql.format(condition.column if plain is None or condition.column in plain else f"+{condition.column}")
        for condition in conditions
    ]
    values = tuple(value for condition in conditions for value in condition.values)
    return f"WHERE {' AND '.join(texts)}" if texts else "", values
