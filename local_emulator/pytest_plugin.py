"""The pytest plugin: fixtures and a marker for users' own test suites."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local_emulator import testing
from local_emulator.settings import Settings
from local_emulator.testing.context import changed

if TYPE_CHECKING:
    from local_emulator.testing.emulator import InProcessEmulator
    from local_emulator.testing.server import EmulatorServer

_MARKER = "emulated_sagemaker"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", f"{_MARKER}(**settings): use the fixture {_MARKER}, with these fields of local_emulator.settings.Settings"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let marked tests use the fixture."""
    names = getattr(item, "fixturenames", None)
    if isinstance(names, list) and _MARKER not in names and item.get_closest_marker(_MARKER):
        names.append(_MARKER)


@pytest.fixture
def emulated_sagemaker_settings() -> Settings:
    """How the emulator behaves; to be overridden in a conftest.py, a module or a class."""
    return testing.default_settings()


@pytest.fixture
def emulated_sagemaker(request: pytest.FixtureRequest, emulated_sagemaker_settings: Settings) -> Iterator["InProcessEmulator"]:
    """SageMaker emulated in this process next to moto's mock_aws, for one test."""
    settings = emulated_sagemaker_settings
    for marker in reversed(list(request.node.iter_markers(_MARKER))):  # the closest is the last
        if marker.args:
            raise pytest.UsageError(f"@pytest.mark.{_MARKER}: takes fields of Settings by their names")
        try:
            settings = changed(settings, marker.kwargs)
        except (TypeError, ValueError) as error:
            raise pytest.UsageError(f"@pytest.mark.{_MARKER}: {error}") from error
    with testing.emulated_sagemaker(settings) as emulator:
        yield emulator


@pytest.fixture
def emulated_sagemaker_server(emulated_sagemaker: "InProcessEmulator") -> Iterator["EmulatorServer"]:
    """A port at which the emulator of the test answers too, for one test."""
    with emulated_sagemaker.serve() as server:
        yield server
