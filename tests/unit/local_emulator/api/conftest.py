"""The API alone, on a store in memory: nothing behind it runs."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local_emulator.api.operations import Api
from local_emulator.settings import Settings
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import tuning_request
from tests.made_endpoints import AnythingServed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Ask = Callable[..., tuple[int, Any]]


class Notices:
    """How often the engine was woken."""

    count = 0


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
def make_api(store: SqliteStore, notices: Notices) -> Callable[..., Api]:
    """A function that makes an API with some parts changed."""
    tokens = itertools.count(1)

    def notify() -> None:
        notices.count += 1

    def make(**changes: Any) -> Api:
        parts: dict[str, Any] = {
            "store": store,
            "settings": Settings(),
            "now": lambda: NOW,
            "token": lambda: f"{next(tokens):032x}",
            "chance": lambda: 1.0,
            "notify": notify,
            "check": lambda _spec, _region: None,
            "check_processing": lambda _: None,
            "serving": AnythingServed(),
        }
        return Api(**parts | changes)

    return make


@pytest.fixture
def ask(make_api: Callable[..., Api]) -> Ask:
    """Ask an operation; gives the status, and the answer's document (None if it is empty)."""
    api = make_api()

    def call(operation: str, request: Any, region: str = "us-east-1") -> tuple[int, Any]:
        status, _, body = api.answer(operation, json.dumps(request).encode(), region)
        return status, json.loads(body) if body else None

    return call


@pytest.fixture
def tune(ask: Ask) -> Callable[[str], str]:
    """Create a tuning job of that name; gives its ARN."""

    def create(name: str) -> str:
        status, document = ask("CreateHyperParameterTuningJob", tuning_request(name, "s3://b/s.tar.gz", bucket="b"))
        assert status == 200, document
        return str(document["HyperParameterTuningJobArn"])

    return create
