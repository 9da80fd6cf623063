"""What a training image builds on: it must not change where there is a gate."""

import re
from pathlib import Path

import pytest

from sm_tuning.errors import Invalid
from sm_tuning.infra.dockerfile import check_bases

PINNED = f"python:3.11@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("text", "base", "builds_on"),
    [
        (f"FROM {PINNED}\n", None, None),
        ("FROM scratch\n", None, None),
        ("FROM python:3.11\n", None, "python:3.11"),
        ("FROM python:3.11@sha256:12\n", None, "python:3.11@sha256:12"),
        ("ARG BASE=python:3.11\nFROM ${BASE}\n", PINNED, None),
        ("ARG BASE=python:3.11\nFROM $BASE\n", None, "python:3.11"),
        ("ARG BASE=python:3.11\nFROM ${BASE}\n", "python:3.12", "python:3.12"),
        ("ARG BASE\nFROM ${BASE:-python:3.10}\n", None, "python:3.10"),
        (f"FROM --platform=linux/amd64 {PINNED} AS build\nRUN x\nFROM build AS next\nfrom next\n", None, None),
        (f"FROM {PINNED} AS build\nFROM debian:12\nCOPY --from=build /x /x\n", None, "debian:12"),
    ],
)
def test_what_it_builds_on_has_a_digest(tmp_path: Path, text: str, base: str | None, builds_on: str | None) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(text)
    check_bases(dockerfile, base, by_digest=False)
    if builds_on is None:
        check_bases(dockerfile, base, by_digest=True)
    else:
        with pytest.raises(Invalid, match=re.escape(f"builds on {builds_on}; with a gate that must have a digest")):
            check_bases(dockerfile, base, by_digest=True)


def test_a_base_that_would_say_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\nARG BASE\n")
    with pytest.raises(Invalid, match=r"has no ARG BASE before its FROM, so it does not build on python:3\.12"):
        check_bases(tmp_path / "Dockerfile", "python:3.12", by_digest=False)
    with pytest.raises(Invalid, match="has no Dockerfile"):
        check_bases(tmp_path / "x/Dockerfile", None, by_digest=False)
