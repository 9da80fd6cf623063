"""What can be read of a damaged state folder is saved, the rest put aside."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from local_emulator import command
from local_emulator.cloud.persistence import Mirror
from local_emulator.store.sqlite import SqliteStore
from tests.resilience.starting import a_state, cut, with_blob


@pytest.fixture
def recover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """A function that recovers the state folder; what is said."""

    def run() -> str:
        assert command.main(["recover", "--state", str(tmp_path / "state")]) == 0
        return capsys.readouterr().out

    return run


def test_recover_keeps_what_can_be_read_and_the_rest_aside(tmp_path: Path, recover: Callable[[], str]) -> None:
    state = tmp_path / "state"
    a_state(state)
    for name in ("jobs.sqlite", "s3.sqlite"):
        content = bytearray((state / name).read_bytes())
        word = b'"index":7' if name == "jobs.sqlite" else b"key/7key/7"
        index = content.index(word)
        content[index + 3] ^= 1
        (state / name).write_bytes(content)
    damaged = {name: (state / name).read_bytes() for name in ("jobs.sqlite", "s3.sqlite")}
    said = recover()
    assert "jobs.sqlite: saved 1 tuning jobs, 59 training jobs, 60 processing jobs" in said
    assert "s3.sqlite: saved 1 buckets, 59 objects" in said
    (aside,) = state.glob("damaged-*")
    assert {name: (aside / name).read_bytes() for name in damaged} == damaged
    assert len(list((aside / "blobs").iterdir())) == 1
    assert len(list((aside / "runs").iterdir())) == 1
    mirror = Mirror(state)
    assert len(list(mirror.objects())) == 59
    mirror.close()
    SqliteStore(state / "jobs.sqlite").close()
    assert "nothing is damaged" in recover()


def test_recover_of_a_schema_that_is_no_text(tmp_path: Path, recover: Callable[[], str]) -> None:
    state = tmp_path / "state"
    a_state(state)
    content = bytearray((state / "jobs.sqlite").read_bytes())
    content[content.index(b"AFTER DELETE") + len("AFTER DE")] = 0xCC
    (state / "jobs.sqlite").write_bytes(content)
    assert "jobs.sqlite: saved 0 tuning jobs, 0 training jobs, " in recover()
    (aside,) = state.glob("damaged-*")
    assert (aside / "jobs.sqlite").read_bytes() == content
    assert "nothing is damaged" in recover()


def test_recover_of_an_empty_index_keeps_the_content_aside(tmp_path: Path, recover: Callable[[], str]) -> None:
    state = tmp_path / "state"
    cut("s3.sqlite", 0)(state)
    there = {path.name for path in (state / "blobs").glob("*/*")}
    assert "saved 0 buckets, 0 objects" in recover()
    (aside,) = state.glob("damaged-*")
    assert {path.name for path in (aside / "blobs").iterdir()} == there


def test_recover_leaves_out_objects_without_content(tmp_path: Path, recover: Callable[[], str]) -> None:
    state = tmp_path / "state"
    with_blob(Path.unlink)(state)
    assert re.search(r"left out for want of its content: s3://b/key/\d+", recover())
    Mirror(state).close()
