"""Which project is meant: by options, or by the environment of a pipeline."""

from typing import Any

import pytest
from click.testing import CliRunner

from sm_tuning.cli import infra_group
from sm_tuning.cli.commands import sm_tuning


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(infra_group, "perform", lambda implementation, **arguments: seen.update(arguments, called=implementation))
    return seen


@pytest.mark.parametrize(
    ("words", "variables", "project"),
    [
        (["--project", "a", "--environment", "b"], {}, ("a", "b")),
        (["--project", "a"], {}, ("a", "production")),
        ([], {"SM_TUNING_PROJECT": "c", "SM_TUNING_ENVIRONMENT": "d"}, ("c", "d")),
        (["--project", "a"], {"SM_TUNING_PROJECT": "c"}, ("a", "production")),
    ],
)
def test_options_win_over_the_environment(
    called: dict[str, Any], words: list[str], variables: dict[str, str], project: tuple[str, str]
) -> None:
    result = CliRunner().invoke(sm_tuning, ["infra", "deploy", "Email=x", *words], env=variables, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert called["called"] == "infra.deploy"
    assert called["parameters"] == ("Email=x",)
    assert (called["choice"].project, called["choice"].environment) == project


def test_without_a_project_nothing_is_done(called: dict[str, Any]) -> None:
    result = CliRunner().invoke(sm_tuning, ["infra", "teardown", "--yes"], env={"SM_TUNING_PROJECT": None})
    assert result.exit_code == 2
    assert "Missing option '--project'" in result.output
    assert called == {}
