"""Where commands go."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from sm_tuning import program
from sm_tuning.cli.target import Target
from sm_tuning.client import local_session
from sm_tuning.client.emulator_process import state_folder
from sm_tuning.client.local_session import Emulator

URL = "http://127.0.0.1:4577"


@pytest.mark.parametrize("differences", [(), ("lacks a", "has b")])
def test_another_installations_emulator_is_used_and_told_of(
    differences: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = SimpleNamespace(emulator=Emulator(URL, differences=differences))
    asked = Mock(return_value=session)
    monkeypatch.setattr(local_session, "local_session", asked)
    target = Target(aws=False, region=None, profile=None, state=tmp_path)
    assert target.session() is session
    assert (target.url, target.started) == (URL, False)
    assert target.session() is session
    asked.assert_called_once()  # a command asks for it several times, the emulator is asked and told of once
    error = " ".join(capsys.readouterr().err.split())
    assert (f"the emulator at {URL} lacks a; has b. It is used as it is; " in error) is bool(differences)
    assert error.count("is used as it is") == bool(differences)
    assert bool(error) is bool(differences)


@pytest.mark.parametrize(
    ("members", "options"),
    [
        ({"aws": False}, []),
        ({"aws": False, "region": "eu-west-1"}, ["--region", "eu-west-1"]),
        ({"aws": False, "state": Path("/other")}, ["--state", "/other"]),
        ({"aws": True, "state": Path("/other")}, ["--aws"]),
        ({"aws": True, "profile": "my work", "region": "eu-west-1"}, ["--aws", "--profile", "my work", "--region", "eu-west-1"]),
    ],
)
def test_a_hint_reaches_the_same_account(members: dict[str, Any], options: list[str]) -> None:
    target = Target(**{"region": None, "profile": None, "state": state_folder(), **members})
    assert target.command("attach", "digits") == program.command("attach", "digits", *options)


def test_a_hint_on_the_emulator_names_its_state_folder_alone() -> None:
    target = Target(aws=False, region="eu-west-1", profile=None, state=Path("/other"))
    assert target.command("emulator", "stop") == program.command("emulator", "stop", "--state", "/other")
    aws = Target(aws=True, region="eu-west-1", profile="work", state=Path("/other"))
    assert aws.command("emulator", "start") == program.command("emulator", "start"), "it knows no --aws"
