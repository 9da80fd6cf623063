"""Filters and pages of lists."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local_emulator.api import paging
from local_emulator.domain.errors import ValidationException
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import AwsScope
from local_emulator.store.base import Query, Sort

SCOPE = AwsScope(region="us-east-1", account="123456789012")


def query(request: dict[str, Any]) -> Query:
    return paging.filters("ListTrainingJobs", request, SCOPE, sort=Sort.CREATED, descending=True)


def test_a_request_without_members_has_the_lists_own_order() -> None:
    assert query({}) == Query(scope=SCOPE, sort=Sort.CREATED, descending=True, limit=10)


def test_every_filter() -> None:
    request = {
        "StatusEquals": "Stopped",
        "NameContains": "digits",
        "CreationTimeAfter": 1.5,
        "CreationTimeBefore": 2,
        "LastModifiedTimeAfter": 3,
        "LastModifiedTimeBefore": 4,
        "SortBy": "Name",
        "SortOrder": "Ascending",
        "MaxResults": 7,
    }
    assert query(request) == Query(
        scope=SCOPE,
        statuses=[Status.STOPPED],
        name_contains="digits",
        created_after=datetime.fromtimestamp(1.5, UTC),
        created_before=datetime.fromtimestamp(2, UTC),
        modified_after=datetime.fromtimestamp(3, UTC),
        modified_before=datetime.fromtimestamp(4, UTC),
        sort=Sort.NAME,
        descending=False,
        limit=7,
    )
    assert query({"StatusEquals": "Deleting"}).statuses == (), "of AWS's, but no job's here"


def test_a_time_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ValidationException, match="is not a time that can be represented"):
        query({"CreationTimeAfter": 1e300})


def test_a_token_continues_its_query_with_any_page_size() -> None:
    first = {"NameContains": "digits", "MaxResults": 2}
    answer = paging.with_token("ListTrainingJobs", first, {"TrainingJobSummaries": []}, "position")
    token = answer["NextToken"]
    assert query({**first, "MaxResults": 5, "NextToken": token}).after == "position"
    assert paging.with_token("ListTrainingJobs", first, {"TrainingJobSummaries": []}, None) == {"TrainingJobSummaries": []}


@pytest.mark.parametrize("kind", ["another filter", "another operation", "no base64", "no JSON", "no pair", "no text"])
def test_a_token_of_anything_else_is_refused(kind: str) -> None:
    request = {"NameContains": "digits"}
    operation = "ListTrainingJobs" if kind != "another operation" else "ListHyperParameterTuningJobs"
    token: str = paging.with_token(operation, request, {}, "position")["NextToken"]
    digest = json.loads(base64.urlsafe_b64decode(token))[0]
    tokens = {
        "no base64": "?" * 5,
        "no JSON": base64.b64encode(b"x").decode(),
        "no pair": base64.b64encode(b"[1]").decode(),
        "no text": base64.urlsafe_b64encode(json.dumps([digest, 1]).encode()).decode(),
    }
    asked = {"NameContains": "other"} if kind == "another filter" else request
    with pytest.raises(ValidationException, match="Invalid NextToken"):
        query({**asked, "NextToken": tokens.get(kind, token)})
