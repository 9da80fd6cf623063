"""The Python blocks of README and user guide run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FILE = re.compile(r"# (\w+\.py)\n")


def blocks(document: Path) -> dict[str, str]:
    """The Python blocks of a page by the file that each is: the name in its first line, or a test of the line that it begins at."""
    tokens = MarkdownIt().parse(document.read_text())
    blocks = {}
    for token in tokens:
        if token.type == "fence" and token.info.strip() == "python":
            assert token.map is not None
            name = FILE.match(token.content)
            blocks[name[1] if name else f"test_line_{token.map[0] + 1}.py"] = token.content
    return blocks


@pytest.mark.parametrize("page", ["testing.md"])
def test_blocks_run(page: str, tmp_path: Path) -> None:
    """Each block is a file; they are run as a user's suite, so that what a block only defines is tested too."""
    files = blocks(DOCS / page)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-W",
        "ignore:datetime.datetime.utcnow",
        "-p",
        "no:cacheprovider",
        "-rA",
    ]
    process = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout[-8000:] + process.stderr
    tests = [name for name in files if name.startswith("test_")]
    assert tests
    for name in tests:
        assert re.search(rf"PASSED {name}::", process.stdout), f"{name} of {page} has no test that has passed"


def test_first_block_of_the_readme_runs_in_a_fresh_shell(tmp_path: Path) -> None:
    """Pasted into Python in a clone: no variable of AWS's, no emulator that runs, no bucket."""
    block = next(iter(blocks(ROOT / "README.md").values()))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**clean, "HOME": str(tmp_path), "SM_EMULATOR_STATE": str(tmp_path / "state")}
    try:
        process = subprocess.run(
            [sys.executable, "-c", block], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
    finally:
        stop = [sys.executable, "-m", "sm_tuning", "emulator", "stop"]
        subprocess.run(stop, env=environment, capture_output=True, check=True)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "12 of 12 training jobs ended (0 failed)" in process.stdout
    *_, best, verdict = process.stdout.splitlines()
    assert re.search(r"value=0\.9\d", best), best
    assert re.match(r"(good fit|still improving|overfit|underfit|noisy) \[", verdict), verdict
