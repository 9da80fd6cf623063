"""A pytest plugin: of the tests that are collected, each `EVERY`th."""

import os
from typing import Any


def pytest_collection_modifyitems(items: list[Any]) -> None:
    items[:] = items[:: int(os.environ["EVERY"])]
