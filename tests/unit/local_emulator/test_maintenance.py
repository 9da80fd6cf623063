"""A state folder is reset when that is confirmed, and `stop` tells or ends what goes on."""

import argparse
from pathlib import Path

import pytest

from local_emulator import command, maintenance
from local_emulator.failures import FAILED
from local_emulator.maintenance import COMMANDS
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Command, Contract, Run
from local_emulator.state_folder import LOCK


@pytest.mark.parametrize(("answer", "said"), [("n", ""), ("", ""), (None, "confirm with --yes")])
def test_without_a_yes_nothing_is_forgotten(
    answer: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def reply(_question: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    for name in (LOCK, "kept"):
        (tmp_path / name).touch()
    monkeypatch.setattr("builtins.input", reply)
    assert COMMANDS["reset"](argparse.Namespace(state=tmp_path, yes=False)) == FAILED
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("runs", "going_on", "ended"),
    [
        ([], "", "Nothing else was going on.\n"),
        (
            [Contract.SERVING],
            "1 endpoint instance goes on, and the next start finds it again; the same command with --all ends it.\n",
            "Ended too: 1 endpoint instance.\n",
        ),
        (
            [Contract.TRAINING, Contract.SERVING, Contract.SERVING, Contract.PROCESSING, None],
            (
                "2 endpoint instances, 1 processing job, 1 training job and 1 unknown run go on, and the next start finds them again; "
                "the same command with --all ends them.\n"
            ),
            "Ended too: 2 endpoint instances, 1 processing job, 1 training job and 1 unknown run.\n",
        ),
    ],
)
def test_stop_says_what_goes_on_or_ends_it(
    runs: list[Contract | None],
    going_on: str,
    ended: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [f"r{number}" for number in range(len(runs))]
    for name, contract in zip(names, runs, strict=True):
        folder = RunFolder(tmp_path / "runs" / name)
        folder.path.mkdir(parents=True)
        if contract is not None:
            folder.save_run(Run(id=name, folder=folder.path, program=Command(argv=("train",)), contract=contract))
    (tmp_path / "runs" / "of-a-job-that-has-ended").mkdir(parents=True, exist_ok=True)
    killed: list[Path] = []
    monkeypatch.setattr(maintenance, "living", lambda _: set(names))

    def end_runs(state: Path) -> int:
        killed.append(state)
        return len(names)

    monkeypatch.setattr(maintenance, "end_runs", end_runs)
    command.main(["stop", "--state", str(tmp_path)])
    assert capsys.readouterr().out == f"No emulator holds {tmp_path}.\n{going_on}"
    assert not killed
    (tmp_path / LOCK).touch()
    command.main(["stop", "--all", "--state", str(tmp_path)])
    assert capsys.readouterr().out == f"No emulator holds {tmp_path}.\n{ended}"
    assert killed == [tmp_path]
