"""A store that knows nothing, for the `conftest.py` of each folder whose tests want one."""

from collections.abc import Iterator

import pytest

from local_emulator.store.sqlite import SqliteStore


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    """A store in memory."""
    memory = SqliteStore(None)
    yield memory
    memory.close()
