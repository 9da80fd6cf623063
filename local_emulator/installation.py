"""Which emulator this is: version, checkout, interpreter and the extras that are installed."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

_EXTRAS = {"algorithms": "sklearn", "cloudformation": "openapi_spec_validator", "dask": "distributed", "docker": "docker"}


def describe() -> Mapping[str, object]:
    """The installation that runs this code."""
    return {
        "version": version("sm-tuning"),
        "code": str(Path(__file__).parent),
        "interpreter": sys.executable,
        "extras": [name for name, package in _EXTRAS.items() if find_spec(package) is not None],
    }
