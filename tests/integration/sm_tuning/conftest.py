"""The unit tests' fixtures."""

from tests.unit.sm_tuning.conftest import folder, job, job_file

__all__ = ["folder", "job", "job_file"]
