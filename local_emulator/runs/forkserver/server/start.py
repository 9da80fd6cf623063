"""`python start.py SETTINGS`: run the fork server, in any interpreter from 3.10.

SETTINGS is JSON: `socket`, the path to listen at; `modules`, what to import; `exclusions`, a file that is kept between starts.

What is imported here is there in every script. So the files of this folder are loaded as a package of a private name, which is then
taken out of `sys.modules`: a script may have a module `messages` of its own.
"""

import importlib.util
import os
import sys

_NAME = "_sm_tuning_fork_server"


def _load() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not imported here
    init = f"{folder}/__init__.py"
    spec = importlib.util.spec_from_file_location(_NAME, init, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(folder)
    package = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    del sys.path[0]  # this file's folder
    _load()
    main = importlib.import_module(f"{_NAME}.restarts").main
    for name in [name for name in sys.modules if name.partition(".")[0] == _NAME]:
        del sys.modules[name]
    main(__file__)
