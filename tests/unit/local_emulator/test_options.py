"""The command's options: defaults, repeated options, and errors in one sentence."""

from pathlib import Path

import pytest

from local_emulator.options import USAGE, make_parser
from local_emulator.settings import DEFAULT_PORT


def test_defaults_of_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_EMULATOR_STATE", "/somewhere")
    options = make_parser().parse_args(["serve"])
    assert (options.port, options.state, options.executor, options.image, options.quota) == (
        DEFAULT_PORT,
        Path("/somewhere"),
        "process",
        [],
        [],
    )
    assert not options.no_fork_server


def test_options_that_may_be_repeated() -> None:
    options = make_parser().parse_args(
        ["serve", "--allow-host", "a", "--allow-host", "b", "--quota", "ml.m5.large=2", "--quota", "x=1"]
    )
    assert options.allow_host == ["a", "b"]
    assert options.quota == [("ml.m5.large", 2.0), ("x", 1.0)]


def test_every_command_has_a_state_folder() -> None:
    for command in ("serve", "status", "stop", "reset", "recover"):
        assert make_parser().parse_args([command, "--state", "/here"]).state == Path("/here")
    assert make_parser().parse_args(["interrupt", "job", "--state", "/here"]).job == "job"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["serve", "--port", "70000"], "argument --port: '70000' must be a whole number from 0 to 65535"),
        (["serve", "--executor", "thread"], "argument --executor: invalid choice: 'thread'"),
        (["none"], "argument command: invalid choice: 'none'"),
        ([], "the following arguments are required: command"),
    ],
)
def test_an_error_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(words)
    assert ended.value.code == USAGE
    err = capsys.readouterr().err
    assert err.startswith(f"local_emulator: {sentence}")
    assert err.count("\n") == 1
