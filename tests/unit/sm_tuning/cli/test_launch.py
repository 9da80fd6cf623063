"""What a command does before a launch in AWS, while it follows a tuning job, and what it says at the end."""

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sm_tuning import DataScaling, Invalid, Script, program
from sm_tuning.cli import launch as module
from sm_tuning.cli.failures import INTERRUPTED
from sm_tuning.cli.target import Target
from sm_tuning.client.status import Training


def training(name: str, value: float | None) -> Training:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return Training(name=name, status="Completed", hyperparameters={}, created=created, value=value)


@pytest.mark.parametrize(("goal", "names"), [("Maximize", "bac"), ("Minimize", "cab")])
def test_the_best_comes_first_and_what_has_no_value_last(goal: str, names: str) -> None:
    rows = [training("none", None), training("a", 0.0), training("b", 1.0), training("c", -1.0)]
    assert [row.name for row in module._by_objective(rows, goal)] == [*names, "none"]


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
def test_the_variable_that_has_chosen_the_emulator_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4577")
    monkeypatch.setenv(variable, "http://127.0.0.1:4577")
    monkeypatch.setattr(module, "state_of", lambda _url: "state")
    target = Target(aws=False, region=None, profile=None, state=Path("other"), url="http://127.0.0.1:4577")
    assert module._emulator_line(target) == f"emulator:  http://127.0.0.1:4577 ({variable}), state in state"


def test_money_is_spent_after_a_question_alone(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(Invalid, match="costs money; without a terminal to ask on, give --yes"):
        module._confirm(job(), None, {}, yes=False)
    module._confirm(job(), None, {}, yes=True)


def test_shares_of_the_data_are_not_promised_to_who_does_not_wait(job: Any, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="--data-scaling begins when the tuning job has ended; leave --no-wait out"):
        module._scaling(tmp_path / "job.toml", job(), wait=False)


def test_a_script_that_does_not_mention_the_share_is_warned_of(job: Any, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    definition = job(script=Script(str(script)))
    for name, warnings in (
        (
            "learning_rate",
            ["--data-scaling: the script " + str(script) + " does not mention the hyperparameter 'train_fraction'"],
        ),
        ("train_fraction", []),
    ):
        script.write_text(f"import argparse\nargparse.ArgumentParser().add_argument('--{name}')\n")
        assert [*module._share_warnings(definition, DataScaling())] == warnings


class Run:
    """A tuning job that waits for ever: whoever follows it presses Ctrl-C."""

    name = "t"

    def __init__(self) -> None:
        self.stopped = False

    def wait(self, *_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    def stop(self) -> None:
        self.stopped = True


class _Progress:
    def __init__(self, run: Run) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("again", [False, True])
def test_ctrl_c_lets_it_go_on_and_a_second_one_stops_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, *, again: bool
) -> None:
    def sleep(seconds: float) -> None:
        assert seconds == 3
        if again:
            raise KeyboardInterrupt

    target = Target(aws=True, region=None, profile=None, state=tmp_path)
    monkeypatch.setattr(module, "Progress", _Progress)
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(SystemExit) as ended:
            module.followed(run := Run(), None, target)  # type: ignore[arg-type] # stands for one
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "as it was before"
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == INTERRUPTED
    assert run.stopped is again
    error = capsys.readouterr().err
    assert f"t goes on. Follow it: {program.command('attach', 't', '--aws')}\n" in error
    assert ("stopping t" in error) is again


def test_who_wants_no_ctrl_c_gets_none() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with module._interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
