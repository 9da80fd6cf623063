"""The strategies as they were at a revision of this repository, with its roles of names, beside those of the working tree."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from local_emulator.domain.space import Space
from local_emulator.strategies.base import Strategy

ROOT = Path(__file__).parents[1]
FOLDER = "local_emulator/strategies"
ROLES = "sm_tuning/rules/roles.py"  # what names say, which a strategy may go by
SOURCES = Path(__file__).parent / ".tables/versions"


def commit_of(revision: str) -> str:
    """The commit that a revision names, abbreviated; ValueError if there is none."""
    return _git("rev-parse", "--short=10", "--verify", f"{revision}^{{commit}}").strip()


@cache
def bayesian_at(commit: str) -> Callable[..., Strategy]:
    """The class of the Bayesian search at a commit, from a package of its own name."""
    name = f"search_{commit}"
    package = SOURCES / name
    if not package.exists():
        partial = SOURCES / f".{name}-{os.getpid()}"
        partial.mkdir(parents=True)
        for path in _git("ls-tree", "--name-only", commit, f"{FOLDER}/", ROLES).splitlines():
            source = _git("show", f"{commit}:{path}").replace(FOLDER.replace("/", "."), name)
            (partial / Path(path).name).write_text(source.replace("sm_tuning.rules.roles", f"{name}.roles"))
        try:
            partial.rename(package)
        except OSError:  # another process was sooner
            if not package.exists():
                raise
    if str(SOURCES) not in sys.path:
        sys.path.insert(0, str(SOURCES))
    importlib.invalidate_caches()
    module: Any = importlib.import_module(f"{name}.bayesian")
    return module.Bayesian  # type: ignore[no-any-return] # a module that no checker can see


def bayesian(commit: str, space: Space, seed: int) -> Strategy:
    """The Bayesian search of a commit."""
    return bayesian_at(commit)(space, seed=seed)


def _git(*arguments: str) -> str:
    answer = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)  # noqa: S607 - whichever git it is
    if answer.returncode:
        raise ValueError(answer.stderr.strip())
    return answer.stdout
