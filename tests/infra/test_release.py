"""What a tag sets off: the commands of release.yml in a copy of this repository; `docker`, `gh` and `sudo` write down their words.

`make dist` installs what builds from PyPI, so it is left out here; the wheel itself is tested as users have it (test_as_a_guest).
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tests.infra.workflow import Runner, commands, with_programs

_spec = importlib.util.spec_from_file_location("release_notes", ROOT / ".ci/notes.py")
assert _spec is not None
assert _spec.loader is not None
release_notes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release_notes)

CHANGELOG = "# Changes\n\n## {heading}\n\n* It is faster.\n\n## 0.0.9\n\n* It began.\n"
WRITES_DOWN = """
import os, sys
with open(os.environ["SPOKEN"], "a") as file:
    file.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
if sys.argv[1:3] == ["run", "list"]:
    print(os.environ["PASSED"])
if "--password-stdin" in sys.argv:
    assert sys.stdin.read() == "a token\\n"
"""


@pytest.mark.parametrize("heading", ["0.1.0", "0.1.0 (2026-11-26)"])
def test_a_release_has_the_notes_of_its_version(heading: str) -> None:
    assert release_notes.notes("v0.1.0", "0.1.0", CHANGELOG.format(heading=heading)) == "* It is faster.\n"
    assert release_notes.notes("v0.0.9", "0.0.9", CHANGELOG.format(heading=heading)) == "* It began.\n"


@pytest.mark.parametrize(
    ("tag", "heading", "refusal"),
    [
        ("v0.1.0", "Unreleased (0.1.0)", "CHANGELOG.md has no heading `## 0.1.0`"),
        ("v0.1.1", "0.1.0", "the tag v0.1.1 does not name the version of pyproject.toml, 0.1.0"),
        ("0.1.0", "0.1.0", "it must be v0.1.0"),
    ],
)
def test_a_tag_that_cannot_be_released(tag: str, heading: str, refusal: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(refusal)):
        release_notes.notes(tag, "0.1.0", CHANGELOG.format(heading=heading))


def test_the_image_holds_what_the_wheel_asks_for() -> None:
    project = release_notes.tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "local_emulator/requirements-image.txt").read_text(), re.MULTILINE))
    needed = [
        *project["dependencies"],
        *(text for extra in ("cli", "emulator", "scripts") for text in project["optional-dependencies"][extra]),
    ]
    for requirement in map(Requirement, needed):
        assert pins[requirement.name] in requirement.specifier, f"{requirement}: make emulator-pins"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    repository, programs = tmp_path / "repository", tmp_path / "programs"
    for folder in (repository / "local_emulator", repository / ".ci", programs):
        folder.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", ".ci/notes.py", "local_emulator/Dockerfile"):
        shutil.copy(ROOT / name, repository / name)
    (repository / ".venv").symlink_to(ROOT / ".venv")
    version = release_notes.tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (repository / "CHANGELOG.md").write_text(CHANGELOG.format(heading=version))
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message=x"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *words], cwd=repository, check=True)

    def upload(inputs: Mapping[str, str], _environment: dict[str, str]) -> None:
        if inputs["name"] == "notes":
            assert "It is faster" in (repository / inputs["path"] / "notes.md").read_text()

    def download(inputs: Mapping[str, str], _environment: dict[str, str]) -> None:
        """One artifact lies in the path itself, all of them in folders of their names."""
        for name in [inputs["name"]] if "name" in inputs else ["dist", "notes"]:
            folder = repository / inputs["path"] / ("" if "name" in inputs else name)
            folder.mkdir(parents=True, exist_ok=True)
            for file in {"dist": ["x.whl", "x.tar.gz"], "notes": ["notes.md", "x.cdx.json"]}[name]:
                (folder / file).touch()

    nothing: Any = lambda *_: None  # noqa: E731 - stands in for what GitHub or PyPI does
    others = ("checkout", "setup-python", "attest-build-provenance")
    return Runner(
        contexts={"github": {"token": "a token"}},
        actions={
            **{f"actions/{name}": nothing for name in others},
            "actions/upload-artifact": upload,
            "actions/download-artifact": download,
            "pypa/gh-action-pypi-publish": nothing,
            "actions/deploy-pages": nothing,
            "./.github/workflows/docs.yml": nothing,
        },
        environment={
            "HOME": str(tmp_path),
            "PATH": with_programs(programs, docker=WRITES_DOWN, gh=WRITES_DOWN, sudo=WRITES_DOWN),
            "SPOKEN": str(tmp_path / "spoken"),
            "PASSED": "1",
            "GITHUB_REF_NAME": f"v{version}",
            "GITHUB_REPOSITORY": "Us/digits",
            "GITHUB_REPOSITORY_OWNER": "Us",
            "GITHUB_ACTOR": "me",
        },
        summary=tmp_path / "summary.md",
        left_out={"make dist sbom": "see above"},
        folder=repository,
    )


def test_a_release(runner: Runner) -> None:
    runner.run("release.yml")
    assert runner.ran == [command for command in commands("release.yml") if command not in runner.left_out]
    spoken = Path(runner.environment["SPOKEN"]).read_text().splitlines()
    tag = runner.environment["GITHUB_REF_NAME"]
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=runner.folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert spoken[0] == f"gh run list --workflow ci.yml --commit {commit} --status success --json databaseId --jq length"
    assert spoken[1] == "docker login ghcr.io --username me --password-stdin"
    build = next(line for line in spoken if line.startswith("docker buildx build"))
    assert build.endswith("--file local_emulator/Dockerfile .")
    for words in (
        f"--tag ghcr.io/us/sm-tuning-emulator:{tag[1:]} ",
        "--tag ghcr.io/us/sm-tuning-emulator:latest ",
        "--provenance=mode=max",
    ):
        assert words in build
    files = "built/dist/x.tar.gz built/dist/x.whl built/notes/x.cdx.json"
    assert spoken[-1] == f"gh release create {tag} --repo Us/digits --verify-tag --notes-file built/notes/notes.md {files}"


@pytest.mark.parametrize(("variable", "value"), [("PASSED", "0"), ("GITHUB_REF_NAME", "v9.9.9")])
def test_what_must_not_be_released(runner: Runner, variable: str, value: str) -> None:
    runner.environment = {**runner.environment, variable: value}
    with pytest.raises(AssertionError, match=r"no run of ci\.yml has passed|does not name the version"):
        runner.run("release.yml")
    assert runner.ran == []
