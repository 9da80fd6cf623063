"""Which requirements are installed for all runs that have them, and which for one."""

import sys
from pathlib import Path

import pytest

from local_emulator.runs import layers
from local_emulator.runs.requirements import FILE, Installation, Provided, provide

GIT = "git+https://github.com/nobody/nothing.git@main"


def provided(folder: Path, text: str, *, package: bool = False, **others: str) -> Provided:
    (folder / FILE).write_text(text)
    for name, content in others.items():
        (folder / f"{name}.txt").write_text(content)
    below = layers.interpreter(sys.executable)
    assert below is not None
    files = [folder / FILE]
    return provide(files, below, folder / "shared", own=folder / "own", cwd=folder, failure="/f", package=package)


def installation(folder: Path, text: str, *, package: bool = False, **others: str) -> Installation:
    return Installation.load(provided(folder, text, package=package, **others).install[-1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n\n",
        "numpy",
        "NumPy  # in any spelling",
        "\ufeffnumpy",
        "numpy>=1,\\\n  <99",
        "numpy (>=1)",
        "nothing-such; python_version < '3'",
        f"numpy==1.0 --hash=sha256:{'0' * 64}",
        "--index-url https://pypi.org/simple\n-i https://x\n--extra-index-url=https://x\n--no-binary :all:\n--pre\nnumpy",
        "-r more.txt\n",
        "--requirement=more.txt",
        "-c limits.txt\nnumpy",
        "moto[s3]~=5.0",
    ],
)
def test_named_ones_are_shared(text: str, tmp_path: Path) -> None:
    work = installation(tmp_path, text, more="numpy\n", limits="numpy<99\n")
    assert work.arguments == ("-r", FILE)
    assert work.folder is not None
    assert work.folder.parent == tmp_path / "shared"
    assert work.failure == "/f"


@pytest.mark.parametrize(
    "text",
    [
        GIT,
        f"nothing @ {GIT}",
        "https://files.example/nothing-1.0.tar.gz",
        "-e .",
        "--editable=.",
        ".",
        "./wheels/own",
        "own-1.0-py3-none-any.whl",
        "file:///home/me/own",
        "-f wheels\nown",
        "--find-links=wheels\nown",
        "${OWN}",
        "-r none.txt",
        "-r https://example.com/more.txt",
        "-r local.txt",
        "-r circle.txt",
        "numpy=>1",
        "--nonsense",
    ],
)
def test_others_are_the_runs_own(text: str, tmp_path: Path) -> None:
    """Also what is wrong: pip says it."""
    work = installation(tmp_path, text, local="./own\n", circle="-r circle.txt\n")
    assert work.folder is None
    assert work.own == tmp_path / "own"


def test_a_package_is_its_runs_own(tmp_path: Path) -> None:
    work = installation(tmp_path, "numpy\n", package=True)
    assert (work.folder, work.arguments) == (None, (".", "-r", FILE))


def test_other_requirements_have_another_layer(tmp_path: Path) -> None:
    texts = [("-r more.txt", "numpy"), ("-r more.txt", "numpy<2"), ("-r more.txt\nnumpy", "numpy"), ("-r more.txt", "numpy")]
    first, *others, last = [installation(tmp_path, text, more=more).folder for text, more in texts]
    assert first == last
    assert len({first, *others}) == 3


def test_a_source_without_requirements_has_its_interpreter(tmp_path: Path) -> None:
    below = layers.interpreter(sys.executable)
    assert below is not None
    none = provide([], below, tmp_path / "shared", own=tmp_path / "own", cwd=tmp_path)
    assert none == Provided(python=sys.executable, below=below)
