"""requirements.txt as pip reads it, beside what an interpreter has installed."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.runs import requirements

NUMPY = version("numpy")
GIT = "git+https://github.com/nobody/nothing.git@main"


def said(folder: Path, text: str, **others: str) -> str:
    """What is said of a source with these requirements; empty if they are met."""
    (folder / "requirements.txt").write_text(text)
    for name, content in others.items():
        (folder / f"{name}.txt").write_text(content)
    try:
        requirements.check(folder, sys.executable)
    except RunError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n\n",
        "numpy",
        "NumPy  # in any spelling",
        "\ufeffnumpy",
        f"numpy=={NUMPY}",
        "numpy>=1,<99",
        "numpy>=1,\\\n  <99",
        "nothing-such; python_version < '3'",
        "nothing-such ; sys_platform == 'win32'",
        f"numpy=={NUMPY} --hash=sha256:{'0' * 64}",
        "--index-url https://pypi.org/simple\n-i https://x\n--extra-index-url=https://x\n--no-binary :all:\n--pre\nnumpy",
        "-f https://download.pytorch.org/whl/torch_stable.html\n--trusted-host x\n-ihttps://x",
        f"numpy @ https://files.example/numpy-{NUMPY}-py3-none-any.whl",
        "https://files.example/numpy-1.0-py3-none-any.whl",
        "git+https://github.com/numpy/numpy.git#egg=numpy",
        "-r more.txt\n",
        "--requirement=more.txt",
        "-c limits.txt\nnumpy",
        "moto[s3]",
    ],
)
def test_met(text: str, tmp_path: Path) -> None:
    assert said(tmp_path, text, more="numpy\n", limits="numpy<99\nnothing-such==1\n") == ""


@pytest.mark.parametrize(
    ("text", "unmet", "command"),
    [
        ("nothing-such", "nothing-such (missing)", "nothing-such"),
        ("numpy<1", f"numpy<1 (installed is {NUMPY})", "'numpy<1'"),
        ("nothing-such>=2 ; python_version > '3'", "nothing-such>=2 (missing)", "'nothing-such>=2'"),
        ("nothing-such[a,b]~=1.0", "nothing-such[a,b]~=1.0 (missing)", "'nothing-such[a,b]~=1.0'"),
        (GIT, f"{GIT} (not installed from there)", GIT),
        (f"{GIT}#egg=nothing", f"{GIT}#egg=nothing (missing)", f"'{GIT}#egg=nothing'"),
        (f"nothing @ {GIT}", f"{GIT} (missing)", GIT),
        (
            "https://files.example/nothing-1.0.tar.gz",
            "https://files.example/nothing-1.0.tar.gz (missing)",
            "https://files.example/",
        ),
        ("-e git+https://github.com/nobody/nothing#egg=nothing", "nothing (missing)", "'git+https://"),
        ("-r more.txt", "nothing-such (missing)", "nothing-such"),
        ("-rmore.txt", "nothing-such (missing)", "nothing-such"),
        ("numpy\n-c limits.txt", f"numpy<1 (installed is {NUMPY})", "'numpy<1'"),
        ("sm-tuning[sagemaker]", "sagemaker<4,>=3 (missing)", "'sagemaker<4,>=3'"),
    ],
)
def test_not_met(text: str, unmet: str, command: str, tmp_path: Path) -> None:
    reason = said(tmp_path, text, more="nothing-such\n", limits="numpy<1\n")
    assert reason.startswith(f"ClientError: requirements.txt asks for what is not installed in {sys.executable}: ")
    assert unmet in reason
    assert f"{sys.executable} -m pip install {command}" in reason
    for word in ("git", "https", "file"):
        assert f"install {word} " not in reason
        assert f"install {word}." not in reason


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("numpy=>1", "requirements.txt has 'numpy=>1', which is no requirement"),
        ("-r none.txt", "names none.txt, which cannot be read: No such file or directory"),
        ("-r https://example.com/more.txt", "names https://example.com/more.txt, which is not read here"),
        ("-r more.txt", "leads to more than 20 files"),
        ("--nonsense", "has '--nonsense', an option that pip's requirements files do not know"),
        ("./wheels/own", "asks for './wheels/own', which lies in the source"),
        ("-e .", "asks for '.', which lies in the source"),
        ("file:///home/me/own", "asks for 'file:///home/me/own', which lies on the disk of another machine"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, why: str, tmp_path: Path) -> None:
    assert why in said(tmp_path, text, more="-r more.txt\n")


def test_all_at_once_and_each_once(tmp_path: Path) -> None:
    reason = said(tmp_path, "nothing-such\nnumpy<1\nother-thing\nnothing-such\n")
    assert reason.count("nothing-such (missing)") == 1
    assert "pip install nothing-such 'numpy<1' other-thing " in reason


def test_an_interpreter_that_cannot_answer(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n")
    with pytest.raises(RunError, match="cannot say what it has installed"):
        requirements.check(tmp_path, "/bin/false")
