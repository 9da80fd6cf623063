"""A tuning job to change: the unit tests' fixture."""

from tests.unit.sm_tuning.conftest import job

__all__ = ["job"]
