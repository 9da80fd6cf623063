"""Starts a stand-in as its container would be, in a process forked from one that has the heavy libraries already."""

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HEAVY = [
    "numpy",
    "scipy.sparse",
    "scipy.special",
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.metrics",
    "sklearn.neighbors",
    "sklearn.random_projection",
    "xgboost",
]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(HEAVY)


def start(module: str, root: Path, log: Path, *arguments: str, timeout: float = 120) -> int:
    """Run a module with arguments as `python -m` does, its output in `log`; its exit code."""
    process = _FORKS.Process(target=_child, args=(module, str(root), str(log), arguments))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def _child(module: str, root: str, log: str, arguments: Sequence[str]) -> None:
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ |= {"SAGEMAKER_BASE_DIR": root, "OMP_NUM_THREADS": "1"}
    tempfile.tempdir = root  # a run has a folder for temporary files of its own, which goes with it
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
