"""Nothing is lost when files are handed out: neither a failure nor a file that cannot be imported, and none runs twice."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

_FILES = {
    "test_shared.py": """
import os, pytest
@pytest.fixture(scope="module")
def shared():
    print("made")
    yield os.getpid()
    print("ended")
@pytest.mark.parametrize("number", range(3))
def test_number(shared, number):
    assert shared == os.getpid() and number < 2
""",
    "test_long.py": """
import pytest
pytestmark = pytest.mark.slow(60)
def test_long(): pass
def test_skipped(): pytest.skip("why")
""",
    "test_longest.py": "import pytest\n@pytest.mark.slow(90)\ndef test_longest(): pass\n",
    "deep/test_first.py": "def test_first(): pass\n",
    "deep/test_without.py": "import pytest\npytest.importorskip('not_there')\ndef test_without(): pass\n",
    "test_wrong.py": "import not_there\ndef test_wrong(): pass\n",
    "pytest.ini": "[pytest]\nmarkers = slow(seconds)\n",
}


def _pytest(folder: Path, *words: str) -> list[str]:
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-p", "tests.by_file", "-p", "no:sm-tuning", "-p", "no:cacheprovider", "-v", "-rA", *words]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_two_processes(tmp_path: Path) -> None:
    lines = _pytest(tmp_path, "-n", "2", "--maxschedchunk", "1")
    assert re.match(r"=+ 1 failed, 5 passed, 2 skipped, 1 error in ", lines[-1]), lines
    assert (lines.count("made"), lines.count("ended")) == (1, 1)
    assert [line.partition(" - ")[0] for line in lines if line.startswith("FAILED")] == ["FAILED test_shared.py::test_number[2]"]


def test_the_longest_first(tmp_path: Path) -> None:
    lines = _pytest(tmp_path)
    ran = [line.partition("::")[0] for line in lines if re.match(r"\S+\.py::\w+\S* (PASSED|FAILED|SKIPPED)", line)]
    assert list(dict.fromkeys(ran)) == ["test_longest.py", "test_long.py", "deep/test_first.py", "test_shared.py"]
