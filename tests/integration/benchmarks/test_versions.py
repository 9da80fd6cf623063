"""The Bayesian search of an earlier commit."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import versions
from local_emulator.domain.space import Space

SEARCH = """
from local_emulator.strategies.belief import role_of
class Bayesian:
    def __init__(self, space, seed):
        self.role = role_of("learning_rate")
"""


@pytest.mark.parametrize(
    ("roles", "role"),
    [('def role_of(name):\n    return f"{name} of that day"\n', "learning_rate of that day"), (None, "none yet")],
)
def test_a_search_goes_by_the_roles_of_its_own_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roles: str | None, role: str
) -> None:
    belief = "def role_of(name):\n    return 'none yet'\n" if roles is None else "from sm_tuning.rules.roles import role_of\n"
    sources = {"__init__": "", "bayesian": SEARCH, "belief": belief}
    files = {f"{versions.FOLDER}/{name}.py": source for name, source in sources.items()}
    for name, content in (files if roles is None else {**files, versions.ROLES: roles}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    for arguments in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "Search"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.setattr(versions, "SOURCES", tmp_path / "versions")
    monkeypatch.setattr(sys, "path", list(sys.path))
    search = versions.bayesian(versions.commit_of("HEAD"), Space(parameters=()), 1)
    assert vars(search) == {"role": role}
