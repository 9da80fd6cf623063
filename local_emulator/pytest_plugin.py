"""The pytest plugin: fixtures for users' own test suites."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local_emulator import testing

if TYPE_CHECKING:
    from local_emulator.assembly import Emulator


@pytest.fixture
def emulated_sagemaker() -> Iterator["Emulator"]:
    """SageMaker emulated in this process next to moto's mock_aws, for one test."""
    with testing.emulated_sagemaker() as emulator:
        yield emulator
