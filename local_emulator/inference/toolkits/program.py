"""Serves a script's model by the toolkit that its image holds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..serving import access_log, processes
from . import code, modules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..serving.messages import Application

_IMPORTABLE = str(Path(__file__).parents[1] / "importable")
_MODULES = {"scikit-learn": "scikit_learn", "xgboost": "xgboost", "pytorch": "model_server"}
"""Toolkit -> module of this package, imported when it serves: it may import the framework."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve until SIGTERM; the one argument names the toolkit."""
    if len(arguments) != 1 or arguments[0] not in _MODULES:
        sys.exit(f"The toolkit must be one of {', '.join(_MODULES)}, not {' '.join(arguments) or 'nothing'}.")
    line = access_log.torchserve if arguments[0] == "pytorch" else access_log.nginx
    processes.run(lambda: _application(arguments[0]), line)


def _application(toolkit: str) -> Application:
    source = code.find()
    sys.path.insert(0, str(source.folder))
    modules.offer()
    sys.path.append(_IMPORTABLE)  # last: what is installed comes first
    application: Application = importlib.import_module(f"{__package__}.{_MODULES[toolkit]}").make(source)
    return application
