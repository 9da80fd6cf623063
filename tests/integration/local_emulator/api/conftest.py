"""The store in memory."""

from tests.stores import store

__all__ = ["store"]
