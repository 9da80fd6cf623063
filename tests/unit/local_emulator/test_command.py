"""The commands where no emulator runs; with one they are tried in tests/integration."""

import json
from pathlib import Path

import pytest

from local_emulator import command
from local_emulator.state_folder import KEEP, LOCK, StateLock


def test_status_says_that_nobody_holds_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["status", "--state", str(tmp_path)]) == command.NOT_RUNNING
    assert capsys.readouterr().out == f"No emulator holds {tmp_path}.\n"
    assert command.main(["status", "--json", "--state", str(tmp_path)]) == command.NOT_RUNNING
    assert json.loads(capsys.readouterr().out)["running"] is False


def test_status_of_an_emulator_that_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, **_: object) -> None:
        raise ConnectionRefusedError(url)

    monkeypatch.setattr(command, "_open", refuse)
    with StateLock(tmp_path) as lock:
        lock.publish(url="http://127.0.0.1:9")
        assert command.main(["status", "--json", "--keep", "--state", str(tmp_path)]) == command.OK
        facts = json.loads(capsys.readouterr().out)
        assert (facts["running"], facts["url"]) == (True, "http://127.0.0.1:9")
        assert facts["health"] == {"status": "unreachable", "reason": "http://127.0.0.1:9/_health"}
        assert (tmp_path / KEEP).exists()


def test_stop_interrupt_and_reset_without_an_emulator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ["--state", str(tmp_path / "state")]
    (tmp_path / "state").mkdir()
    assert command.main(["stop", *state]) == command.OK
    assert command.main(["interrupt", "job", *state]) == command.NOT_RUNNING
    assert command.main(["reset", "--yes", *state]) == command.OK
    assert capsys.readouterr().out == (
        f"No emulator holds {tmp_path / 'state'}.\n" * 2 + f"{tmp_path / 'state'} holds no state.\n"
    )


def test_reset_empties_a_state_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with StateLock(tmp_path):
        (tmp_path / "runs").mkdir()
        (tmp_path / "wakeup").touch()
    assert command.main(["reset", "--yes", "--state", str(tmp_path)]) == command.OK
    assert capsys.readouterr().out == "0 runs ended, all state forgotten.\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [LOCK]


def test_a_folder_in_use_is_an_exit_code_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with StateLock(tmp_path) as lock:
        lock.publish(url="http://127.0.0.1:9")
        assert command.main(["reset", "--yes", "--state", str(tmp_path)]) == 3
    assert "is in use by the emulator at http://127.0.0.1:9" in capsys.readouterr().err
