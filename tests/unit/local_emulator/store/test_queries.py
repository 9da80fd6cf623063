"""Pages are read in the order of an index, or found by the filter and sorted."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from local_emulator.domain.jobs import Status
from local_emulator.store import queries
from local_emulator.store.base import Query, Sort
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE, ended, training
from tests.unit.local_emulator.store.test_sqlite import plan

FILTERS: Sequence[dict[str, Any]] = (
    {},
    {"statuses": [Status.FAILED]},
    {"name_contains": "x"},
    {"created_after": NOW, "created_before": NOW},
    {"modified_after": NOW},
)


def narrowed(tuning_name: str | None) -> dict[str, Any]:
    """The jobs of a tuning job, or all of a region and account."""
    return {"scope": SCOPE} if tuning_name is None else {"tuning": SCOPE.tuning_arn(tuning_name)}


TOKEN = {Sort.NAME: "name", Sort.CREATED: 1, Sort.STATUS: "Failed", Sort.OBJECTIVE: 0.5}


@pytest.mark.parametrize(
    ("scope", "sort", "given", "descending", "later"),
    [
        case
        for case in product((None, "tune"), Sort, FILTERS, (False, True), (False, True))
        if case[:2] != (None, Sort.OBJECTIVE)  # no list of AWS's is sorted so
    ],
)
def test_pages_are_read_in_the_order_of_an_index(
    store: SqliteStore,
    scope: str | None,
    sort: Sort,
    given: dict[str, Any],
    descending: bool,  # noqa: FBT001 - a parameter of the test
    later: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    after = queries.cursor(TOKEN[sort], 7) if later else None
    query = Query(**narrowed(scope), sort=sort, descending=descending, limit=10, after=after, **given)
    steps = plan(store, queries.page("trainings", query, "name"))
    assert "TEMP B-TREE" not in steps, steps
    assert re.fullmatch(r"(SCAN|SEARCH) trainings USING INDEX [^;]+", steps), steps
    assert steps.startswith("SEARCH"), steps


@pytest.mark.parametrize("scope", [None, "tune"])
@pytest.mark.parametrize("given", FILTERS[1:])
def test_few_are_found_by_the_filter_and_sorted(store: SqliteStore, scope: str | None, given: dict[str, Any]) -> None:
    query = Query(**narrowed(scope), sort=Sort.NAME, limit=10, **given)
    for statement in queries.narrow("trainings", query):
        assert " COVERING INDEX " in plan(store, statement), statement
    steps = plan(store, queries.page("trainings", query, "name", among=[1, 2]))
    assert "SEARCH trainings USING INTEGER PRIMARY KEY" in steps, steps


def test_both_ways_find_the_same(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        job = training(f"job-{number * 7 % 40:02d}", number, modified=NOW + timedelta(minutes=number * 11 % 40))
        store.trainings.add(ended(job, number / 9) if number % 3 else job)
    some: dict[str, Any] = {"created_after": NOW + timedelta(minutes=5), "modified_before": NOW + timedelta(minutes=30)}
    for sort, scope, descending in product(Sort, (None, "tune"), (False, True)):
        query = Query(
            sort=sort,
            **narrowed(scope),
            descending=descending,
            statuses=[Status.COMPLETED],
            name_contains="B-1",
            limit=99,
            **some,
        )
        names = [[job.name for job in store.trainings.find(replace(query, limit=None)).items]]
        for few in (0, 1000):
            monkeypatch.setattr(queries, "FEW", few)
            names.append([job.name for job in store.trainings.find(query).items])
        assert names[0] == names[1] == names[2]
        assert names[0]
