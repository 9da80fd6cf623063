"""Emulators in this process: with some settings changed, and the one of all rows of `conformance.toml`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.acceptance.amt import Amt
from tests.acceptance.conformance import World


@pytest.fixture
def amt(request_of: Any) -> Callable[..., Any]:
    """A context manager: an emulator with some settings changed."""

    @contextmanager
    def make(**settings: Any) -> Iterator[Amt]:
        with emulated_sagemaker(Settings(state=Path(), stop_grace=2.0, **settings)) as emulator:
            yield Amt(request_of, emulator)

    return make


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with emulated_sagemaker(Settings(state=Path(), stop_grace=1.0, parallel=8)) as emulator:
        yield World(emulator)
