"""Files of this machine that a tuning job names."""

import sys
from pathlib import Path

import pytest

from sm_tuning import Script
from tests.unit.sm_tuning.descriptions import Make

UNREADABLE = {
    "import sys\nprint(1\n": "line 2: '(' was never closed",
    "\nreturn 1\n": "line 2: 'return' outside function",
    "'\\d'\n": None,
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_script_that_python_cannot_read(text: str, job: Make, tmp_path: Path) -> None:
    for name in ("other.py", "other.sh"):
        (tmp_path / name).write_text(text)
    problems = job(script=Script("other.py", source=str(tmp_path))).dry_run().problems
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    sentence = f"script.entry is 'other.py'; {python} cannot read it: {UNREADABLE[text]} (script-syntax)"
    assert [str(problem) for problem in problems] == ([sentence] if UNREADABLE[text] else [])
    assert job(script=Script(str(tmp_path / "other.sh"))).dry_run().ok
