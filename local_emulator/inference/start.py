"""`python start.py TOOLKIT`: serve a script's model as AWS's containers for `scikit-learn`, `xgboost` or `pytorch` do.

The files of this folder are loaded as a package of a private name, as a script may have a module `serving` of its own.
"""

import importlib.util
import os
import sys
from typing import Any

_NAME = "_sm_tuning_inference"


def imported(module: str) -> Any:  # noqa: ANN401 - a module
    """A module of this folder, by its name below it."""
    if _NAME not in sys.modules:
        _load()
    return importlib.import_module(f"{_NAME}.{module}")


def _load() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - before anything else is imported
    spec = importlib.util.spec_from_file_location(_NAME, f"{folder}/__init__.py", submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(folder)
    package = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    del sys.path[0]  # this file's folder
    imported("toolkits.program").main(sys.argv[1:])
