"""A store in memory."""

from collections.abc import Iterator

import pytest

from local_emulator.store.sqlite import SqliteStore


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    memory = SqliteStore(None)
    yield memory
    memory.close()
