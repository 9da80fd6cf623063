"""Starting an emulator where it cannot start."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sm_tuning.cli.commands import sm_tuning
from tests.integration.sm_tuning.cli.conftest import Cli


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda state: state.write_bytes(b""), "cannot be used: File exists; choose another with --state"),
        (
            lambda state: (state / "thesis").mkdir(parents=True),
            "the emulator did not start: the folder .* holds something else .*its log: ",
        ),
    ],
)
def test_a_state_folder_that_cannot_be_used(
    make: Callable[[Path], object], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    make(tmp_path / "state")
    result = CliRunner().invoke(sm_tuning, ["emulator", "start", "--port", "0", "--state", str(tmp_path / "state")])
    assert result.exit_code == 3
    assert re.search(text, result.output)
    assert len(result.output.splitlines()) == 1


def test_start_takes_the_options_of_serve(alone: Cli) -> None:
    _, errors = alone("emulator", "start", "--port", "0", "--fault", "throttle=1", "--quota", "tuning-jobs=3")
    assert errors.startswith("# started at http://127.0.0.1:")
    assert "ThrottlingException" in alone("list", code=1)[1]
    _, errors = alone("emulator", "start", "--fault", "throttle=0", "--parallel", "2")
    assert "runs already, and these options do not change it: --parallel 2 --fault throttle=0. First: " in errors


@pytest.mark.parametrize(("given", "port"), [((), "0"), (("--port", "4577"), "4577")])
def test_start_asks_for_a_free_port_unless_one_is_given(
    given: tuple[str, ...], port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ensure(_state: Path, arguments: Sequence[str]) -> tuple[Mapping[str, Any], bool]:
        asked.extend(arguments)
        return {"url": "http://127.0.0.1:1", "environment": {}, "proxy": {}}, True

    monkeypatch.setattr("sm_tuning.client.emulator_process.ensure", ensure)
    Cli(tmp_path)("emulator", "start", *given)
    assert asked == ["--port", port], "0 is the last one of the state folder, or a free one"


@pytest.mark.parametrize(("port", "options"), [("4600", "--port 4600"), ("4577", ""), ("0", "")])
def test_a_port_that_it_does_not_answer_at_is_told(
    port: str, options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"url": "http://127.0.0.1:4577", "environment": {}, "proxy": {}}
    monkeypatch.setattr("sm_tuning.client.emulator_process.ensure", lambda *_: (facts, False))
    _, errors = Cli(tmp_path)("emulator", "start", "--port", port)
    assert errors.partition("these options do not change it: ")[2].partition(". First: ")[0] == options
    assert "# already running at http://127.0.0.1:4577" in errors


@pytest.mark.parametrize(
    ("mine", "line"), [("", "export REQUESTS_CA_BUNDLE=/state/b.pem"), ("/mine.pem", "# REQUESTS_CA_BUNDLE stays yours: ")]
)
def test_whom_requests_trusts_is_the_users_choice(mine: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", mine)
    facts = {"running": True, "url": "http://127.0.0.1:4577", "environment": {}, "proxy": {"REQUESTS_CA_BUNDLE": "/state/b.pem"}}
    monkeypatch.setattr("sm_tuning.client.emulator_process.status", lambda *_, **__: facts)
    exports, said = Cli(tmp_path)("emulator", "env", "--proxy")
    assert ("export REQUESTS_CA_BUNDLE" in exports) is not bool(mine)
    assert next(text for text in f"{exports}{said}".splitlines() if "REQUESTS_CA_BUNDLE" in text).startswith(line)


def test_start_lists_the_options_of_serve(tmp_path: Path) -> None:
    output, _ = Cli(tmp_path)("emulator", "start", "--", "--help")
    assert "--fault NAME=NUMBER" in output
    assert not (tmp_path / "state").exists()


def test_an_option_that_serve_does_not_have_is_told(alone: Cli) -> None:
    errors = alone("emulator", "start", "--port", "0", "--colour", "red", code=3)[1]
    assert "the emulator did not start: " in errors
    assert "unrecognized arguments: --colour red" in errors
