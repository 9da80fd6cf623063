"""A store in memory, and what moves pipelines in one."""

from collections.abc import Iterator

import pytest

from tests.pipeline_world import World
from tests.stores import store

__all__ = ["store", "world"]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()
