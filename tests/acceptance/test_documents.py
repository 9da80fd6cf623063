"""Every Python block of the user guide runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

DOCS = Path(__file__).parents[2] / "docs"
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
