"""A file that cannot be right is the same to every command that takes one: exit code 2, and nothing is launched."""

from collections.abc import Mapping

import click
import pytest

from sm_tuning.cli.commands import sm_tuning
from tests.integration.sm_tuning.cli.conftest import TOML, Cli

UNREADABLE = {
    "not there": None,
    "no TOML": "[ranges",
    "an unknown key": TOML.replace("max_jobs", "max_job"),
    "a missing key": TOML.replace('name = "cli"', ""),
    "a wrong type": TOML.replace("max_jobs = 3", 'max_jobs = "3"'),
}
BROKEN = {
    "a broken rule": TOML.replace("max_jobs = 3", "max_jobs = 0"),
    "a script that is not there": TOML.replace('"train.py"', '"none.py"'),
    "data that is not there": f'{TOML}[[channels]]\nname = "train"\nsource = "none"',
}
PROJECT = ("--project", "p", "--environment", "e")


def commands(group: click.Group, *names: str) -> Mapping[tuple[str, ...], click.Command]:
    """Every command of a group and of the groups in it, by what is typed."""
    typed: dict[tuple[str, ...], click.Command] = {}
    for name, command in group.commands.items():
        typed |= commands(command, *names, name) if isinstance(command, click.Group) else {(*names, name): command}
    return typed


TAKING_A_FILE = [
    words for words, command in commands(sm_tuning).items() if any(parameter.name == "file" for parameter in command.params)
]


def test_the_commands_that_take_a_job_file_are_known() -> None:
    assert TAKING_A_FILE == [("plan",), ("run",), ("doctor",), ("infra", "pipeline")]


@pytest.mark.parametrize("wrong", [*UNREADABLE, *BROKEN])
def test_a_wrong_file_is_wrong_usage(wrong: str, cli: Cli) -> None:
    text = (UNREADABLE | BROKEN)[wrong]
    cli.write(text or "")
    if text is None:
        (cli.folder / "job.toml").unlink()
    for words in TAKING_A_FILE:
        if words[0] != "infra":
            cli(*words, "job.toml", code=2)
        elif wrong in UNREADABLE:  # rules are looked at with what the project's stack adds
            cli(*words, "job.toml", *PROJECT, code=2)
    assert cli("list")[0] == "no tuning jobs\n"
