"""Logs that outlive the folders of their runs."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from local_emulator.runs.data import kept_logs
from local_emulator.runs.data.kept_logs import KeptLogs
from local_emulator.runs.data.log import LogWriter, read_log, segments
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.host_folder import HostFolder


def write(host: HostFolder, text: str) -> None:
    host.make()
    log = LogWriter(host, 1000)
    log.write(f"{text}\n".encode(), 1)
    log.close()


def texts(kept: KeptLogs) -> Sequence[tuple[str, str, str]]:
    return [
        (facts["of"], host.path.name, line.text)
        for folder, facts in kept.all()
        for host in folder.hosts
        for line in read_log(host)[0]
    ]


def test_logs_are_there_when_their_runs_are_gone(tmp_path: Path) -> None:
    (tmp_path / "work" / "runs").mkdir(parents=True)
    kept, alone, several = KeptLogs(tmp_path / "kept"), RunFolder(tmp_path / "runs" / "a"), RunFolder(tmp_path / "runs" / "b")
    assert list(kept.all()) == []
    kept.keep(alone, {"of": "nothing"})
    assert list(kept.all()) == [], "there was no log"
    write(alone, "alone")
    for number in (1, 2):
        several.make()
        write(several.host(f"container-{number}"), f"of {number}")
    for folder in (alone, several):
        kept.keep(folder, {"of": folder.path.name.upper()})
        folder.remove()
    assert sorted(texts(kept)) == [("A", "a", "alone"), ("B", "container-1", "of 1"), ("B", "container-2", "of 2")]
    assert sorted(texts(KeptLogs(tmp_path / "kept"))) == sorted(texts(kept))
    kept.clear()
    assert list(kept.all()) == []


def test_what_was_not_done_is_done_again(tmp_path: Path) -> None:
    folder, kept = RunFolder(tmp_path / "runs" / "a"), KeptLogs(tmp_path / "kept")
    write(folder, "first")
    kept.keep(folder, {"of": "A"})
    (folder.path / "log.1").write_bytes(b"1 second\n")
    kept.keep(folder, {"of": "A"})
    assert [text for *_, text in texts(kept)] == ["first"]
    assert [path.name for path in segments(RunFolder(tmp_path / "kept" / "a"))] == ["log.0", "log.1"]


def test_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_logs, "_MOST", 2)
    kept = KeptLogs(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "stray").write_text("nobody's")
    for number, name in enumerate("abc"):
        folder = RunFolder(tmp_path / "runs" / name)
        write(folder, name)
        kept.keep(folder, {"of": name})
        os.utime(tmp_path / "kept" / name / "facts.json", (number, number))
    assert [name for name, *_ in texts(kept)] == ["c", "b"]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["b", "c"]
