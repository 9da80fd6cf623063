"""What is kept of the packages that must not be imported before a fork."""

import json
import sys
from pathlib import Path

import pytest

from local_emulator.runs.forkserver.server.exclusions import Exclusions


def test_exclusions_are_kept_while_no_package_has_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site" / "a-1.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    path = str(tmp_path / "exclusions.json")
    first = Exclusions(path)
    assert first.add({"a": "starts threads"}, {"b": "prints"})
    assert not first.add({"a": "another reason"}, {})
    first.add_without_server(["x", "y"])
    again = Exclusions(path)
    assert (again.packages, again.submodules) == ({"a": "starts threads"}, {"b": "prints"})
    assert [name in again for name in ("a", "a.b", "b.c:d,e", "c", "x")] == [True, True, True, False, False]
    assert again.is_without_server(("x", "y"))
    assert not again.is_without_server(("x",))
    (tmp_path / "site" / "a-1.dist-info").rename(tmp_path / "site" / "a-2.dist-info")
    assert (Exclusions(path).packages, Exclusions(path).is_without_server(["x", "y"])) == ({}, False)


@pytest.mark.parametrize("content", ["", "[]", '{"packages": {}}', "\0"])
def test_a_damaged_file_excludes_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content)
    assert Exclusions(str(tmp_path / "file")).packages == {}
    assert json.dumps(Exclusions(str(tmp_path / "missing")).submodules) == "{}"
