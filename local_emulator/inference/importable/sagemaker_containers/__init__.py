"""Stands in for AWS's package in scripts that train and serve: AWS's images hold it. One that is installed is used in its place.

The folder above is in the path of a script that imports the package.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1]

_others = [path for path in sys.path if Path(path or ".").resolve() != _FOLDER]
_spec = PathFinder.find_spec(__name__, _others)
if _spec is None:
    _start = importlib.util.spec_from_file_location("_sm_tuning_start", _FOLDER.parent / "start.py")
    if _start is None or _start.loader is None:
        raise ImportError(_FOLDER)
    _module = importlib.util.module_from_spec(_start)
    _start.loader.exec_module(_module)
    _module.imported("toolkits.modules").offer_containers()
elif _spec.loader is not None:
    sys.modules[__name__] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[__name__])
