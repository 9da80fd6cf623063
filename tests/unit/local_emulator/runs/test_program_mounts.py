"""Which mounts of a program hide its results."""

import os
from pathlib import Path

import pytest

from local_emulator.runs.program_mounts import hidden_results, open_mounts

LINE = "83 82 254:0 / {} rw,relatime - ext4 /dev/vda1 rw\n"


@pytest.mark.parametrize(
    ("points", "hidden"),
    [
        (["/", "/opt", "/opt/ml", "/opt/ml/input/data/train", "/tmp/opt/ml/model"], []),
        (["/", "/opt/ml", "/opt/ml/model"], ["/opt/ml/model"]),
        (["/opt/ml", "/opt/ml/output", "/opt/ml/model/deep", "/opt/ml/model/deep"], ["/opt/ml/output", "/opt/ml/model/deep"]),
        (["/opt/ml", "/opt/ml/output/data", "/opt/ml/checkpoints/a"], ["/opt/ml/output/data", "/opt/ml/checkpoints/a"]),
        (["/opt/ml", "/opt/ml/models", "/opt/ml/output/failure-not"], ["/opt/ml/output/failure-not"]),
        (["/opt/ml", "/opt/ml"], ["/opt/ml"]),
    ],
)
def test_mounts_over_results_are_named(tmp_path: Path, points: list[str], hidden: list[str]) -> None:
    (tmp_path / "mountinfo").write_text("".join(map(LINE.format, points)))
    mounts = os.open(tmp_path / "mountinfo", os.O_RDONLY)
    try:
        assert list(hidden_results(mounts, "checkpoints")) == hidden
    finally:
        os.close(mounts)


@pytest.mark.parametrize(
    ("checkpoints", "hidden"),
    [
        ("checkpoints", []),
        ("saved/here", ["/opt/ml/saved/here", "/opt/ml/saved/here/deep"]),
        (".", ["/opt/ml/saved/here", "/opt/ml/saved/here/deep", "/opt/ml/saved/heretic"]),
    ],
)
def test_mounts_over_checkpoints_are_named_wherever_these_lie(tmp_path: Path, checkpoints: str, hidden: list[str]) -> None:
    points = ["/opt/ml", "/opt/ml/input/data/train", *(f"/opt/ml/saved/{name}" for name in ("here", "here/deep", "heretic"))]
    (tmp_path / "mountinfo").write_text("".join(map(LINE.format, points)))
    mounts = os.open(tmp_path / "mountinfo", os.O_RDONLY)
    try:
        assert list(hidden_results(mounts, checkpoints)) == hidden
    finally:
        os.close(mounts)


def test_a_process_that_has_ended_has_no_list() -> None:
    assert open_mounts(2**22 + 1) is None
    mounts = open_mounts(os.getpid())
    assert mounts is not None
    hidden_results(mounts, "checkpoints")
    os.close(mounts)
