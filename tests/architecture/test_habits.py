"""What contributors are told is what there is: hooks are the checks, targets are listed, and paths that pages name exist."""

import re
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = ("SECURITY.md", "CONTRIBUTING.md", "docs/extending.md", "benchmarks/README.md", "benchmarks/reliability.md")
PATH = re.compile(r"`((?:sm_tuning|local_emulator|training_scripts|infra|tests|docs|benchmarks|\.github)/(?!\S*NNNN)[\w./-]+)`")


def recipe(target: str) -> list[str]:
    """The commands of a target."""
    rule = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert rule is not None
    return [line.strip() for line in rule[1].splitlines()]


def test_hooks_are_the_checks() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    commands = [command.replace("$(BIN)", ".venv/bin") for command in recipe("check")]
    assert [hook["entry"] for hook in hooks] == [*commands, "make check-infra"]
    assert re.search(r"^check:.* check-infra ", MAKEFILE, re.MULTILINE)


def test_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.findall(r"^\.PHONY:((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    targets = " ".join(phony).replace("\\\n", " ").split()
    assert [line.split()[0] for line in listed.splitlines()] == sorted(targets, key=lambda target: MAKEFILE.index(f"\n{target}:"))


@pytest.mark.parametrize("page", PAGES)
def test_paths_of_a_page_exist(page: str) -> None:
    paths = set(PATH.findall((ROOT / page).read_text(encoding="utf-8")))
    assert paths, f"{page} names no path"
    assert not [path for path in sorted(paths) if not (ROOT / path).exists()]


def worked() -> Iterator[tuple[str, str]]:
    """Path and line of everything that the worked commits of docs/extending.md add."""
    for block in re.findall(r"```diff\n(.*?)```", (ROOT / "docs/extending.md").read_text(encoding="utf-8"), re.DOTALL):
        path = ""
        for line in block.splitlines():
            if line.startswith("--- "):
                path = line.removeprefix("--- ")
            else:
                assert line.startswith("+"), line
                yield path, line[1:]


def test_worked_commits_are_in_the_tree() -> None:
    lines = list(worked())
    assert len(lines) > 20
    assert not [(path, line) for path, line in lines if line not in (ROOT / path).read_text(encoding="utf-8").splitlines()]


def interpreters() -> Iterator[str]:
    """Versions of Python that pyproject.toml names."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    yield from re.findall(r"Programming Language :: Python :: (3\.\d+)", text)


def test_every_python_is_tried() -> None:
    versions = list(interpreters())
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["unit"]["strategy"]["matrix"]["python"] == versions
    gitlab = yaml.safe_load((ROOT / "infra/gitlab-ci.yml").read_text(encoding="utf-8"))
    assert gitlab["unit"]["parallel"]["matrix"] == [{"SERIES": versions}]
    assert re.search(r"^PYTHONS := (.*)$", MAKEFILE, re.MULTILINE)[1].split() == versions  # type: ignore[index]


def test_each_decision_has_a_number_of_its_own() -> None:
    numbered = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/decisions").glob("0*.md")}
    numbers = {name: int(name[:4]) for name in numbered}
    assert len(set(numbers.values())) == len(numbers), sorted(numbers)
    titles = {name: re.match(r"# (\d+)\. ", text) for name, text in numbered.items()}
    assert not [name for name, title in titles.items() if title is None or int(title[1]) != numbers[name]]
