"""Every fenced block of code in the pages runs as it stands, in the order of the page.

In the source of a page, invisible where it is shown: `<!-- unseen LANGUAGE` with code in the next lines is a block that only the test
sees, before the next one; `<!-- not run: REASON -->` above a block leaves it out.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.conftest import Server

pytestmark = pytest.mark.slow(90)

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")))
FILE = re.compile(r"# (\w+\.py)\n")
UNSEEN = re.compile(r"<!-- unseen (\w+)\n(.*?)-->", re.DOTALL)
SKIPPED = re.compile(r"<!-- not run: (.{10,}) -->\s*")
RUN = {"python", "sh", "toml"}
# Output of programs; changes, whose lines tests/architecture looks for; a workflow that tests/infra runs; an image's recipe.
SHOWN = {"text", "diff", "yaml", "dockerfile"}

# How many blocks of a page are not run: each has its reason in the page. Change this only with a reason as good.
NOT_RUN = {
    "CONTRIBUTING.md": 1,
    "README.md": 3,
    "docs/ci.md": 1,
    "docs/clients.md": 3,
    "docs/deploy.md": 7,
    "docs/doctor.md": 1,
    "docs/emulator.md": 3,
    "docs/inference.md": 1,
    "docs/install.md": 1,
}
AS_TESTS = "docs/testing.md"  # its blocks are files of a user's suite
OWN_EMULATOR = "README.md"  # in a fresh shell nothing runs


@dataclass(frozen=True)
class Block:
    """A block of a page; `reason` says why it is not run."""

    line: int
    language: str
    code: str
    reason: str | None = None


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, unseen ones among them."""
    reason, prefix = None, ""
    for token in MarkdownIt().parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "html_block":
            skipped = SKIPPED.fullmatch(token.content)
            reason = skipped[1] if skipped else None
            if unseen := UNSEEN.match(token.content):
                if unseen[1] == "toml":
                    prefix = unseen[2]
                else:
                    yield Block(line, unseen[1], unseen[2])
        elif token.type == "fence" and not token.info.startswith("{"):  # Sphinx's directives: `make docs` runs them
            yield Block(line, token.info.strip(), prefix + token.content, reason)
            reason, prefix = None, ""
        else:
            reason = None if token.nesting >= 0 else reason


@cache
def of(page: str) -> list[Block]:
    return list(blocks((ROOT / page).read_text()))


def test_marks_are_read() -> None:
    text = "a\n\n<!-- unseen python\nx = 1\n-->\n\n```python\nx\n```\n\n"
    text += "<!-- not run: it needs an account -->\n```sh\na\n```\n\ntext\n\n```sh\nb\n```\n"
    text += "\n<!-- unseen toml\na = 1\n-->\n```toml\nb = 2\n```\n<!-- not run: short -->\n```text\nc\n```\n"
    assert list(blocks(text)) == [
        Block(3, "python", "x = 1\n"),
        Block(7, "python", "x\n"),
        Block(12, "sh", "a\n", "it needs an account"),
        Block(18, "sh", "b\n"),
        Block(25, "toml", "a = 1\nb = 2\n"),
        Block(29, "text", "c\n"),
    ]


def test_what_is_not_run_has_its_reason_and_is_counted() -> None:
    counts = {str(page): sum(block.reason is not None for block in of(str(page))) for page in PAGES}
    assert {page: count for page, count in counts.items() if count} == NOT_RUN


@pytest.mark.parametrize("page", [str(page) for page in PAGES])
def test_each_block_says_what_it_is(page: str) -> None:
    """A block without a language would be neither run nor counted."""
    assert not [block for block in of(page) if block.language not in RUN | SHOWN]


def runnable(page: str) -> list[Block]:
    return [block for block in of(page) if block.language in RUN and block.reason is None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that looks like a clone, with the environment of these tests."""
    for name in ("docs", "training_scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run_page(page: str, home: Path, environment: dict[str, str]) -> str:
    """Run a page's blocks in a folder; what they print."""
    document = json.dumps([[block.line, block.language, block.code] for block in runnable(page)])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(home), "PYTHONWARNINGS": "ignore"}
    process = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "acceptance" / "programs" / "page.py"), page],
        input=document,
        cwd=home,
        env={**clean, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert process.returncode == 0, process.stdout[-8000:]
    return process.stdout


@pytest.mark.parametrize(
    "page", [str(page) for page in PAGES if str(page) not in {AS_TESTS, OWN_EMULATOR} and runnable(str(page))]
)
def test_blocks_of_a_page_run(page: str, home: Path, server: Server) -> None:
    run_page(page, home, {"SM_EMULATOR_STATE": str(server.state)})


def test_the_readme_runs_in_a_fresh_shell(home: Path) -> None:
    """No variable of AWS's, no emulator that runs, no bucket."""
    environment = {"SM_EMULATOR_STATE": str(home / "state")}
    try:
        output = run_page(OWN_EMULATOR, home, environment)
    finally:
        stop = [sys.executable, "-m", "sm_tuning", "emulator", "stop"]
        subprocess.run(stop, env={**os.environ, **environment}, capture_output=True, check=True)
    assert "12 of 12 training jobs ended (0 failed)" in output
    assert output.count("  Completed  0.") == 8, "plain_boto3.py shows the training jobs of its two tuning jobs"
    assert output.count("its model holds: model") == 2
    assert re.search(r"^(good fit|still improving|overfit|underfit|noisy) \[", output, re.MULTILINE), output


def test_blocks_of_a_suite_are_its_files(tmp_path: Path) -> None:
    """Each block is a file; they are run as a user's suite, so that what a block only defines is tested too."""
    files = {}
    for block in runnable(AS_TESTS):
        head = FILE.match(block.code)
        files[head[1] if head else f"test_line_{block.line}.py"] = block.code
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    options = ["-q", "-W", "error", "-W", "ignore:datetime.datetime.utcnow", "-p", "no:cacheprovider", "-rA"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout[-8000:] + process.stderr
    tests = [name for name in files if name.startswith("test_")]
    assert tests
    for name in tests:
        assert re.search(rf"PASSED {name}::", process.stdout), f"{name} of {AS_TESTS} has no test that has passed"
