"""Every command calls a function that takes what can be typed."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click
import pytest
from click.testing import CliRunner

from sm_tuning.cli import commands, infra_group

_TARGET = {"aws", "region", "profile", "state", "as_json"}
_PROJECT = {"project", "environment", "account", "templates"}
_FILE = {"file", "stack", "image", "price_per_hour"}


def _commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(_commands(commands.sm_tuning))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_calls_a_function_of_its_parameters(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, dict[str, Any]]] = []
    for module in (commands, infra_group):
        monkeypatch.setattr(module, "perform", lambda implementation, **arguments: called.append((implementation, arguments)))
    names = {str(parameter.name) for parameter in COMMANDS[words].params}
    callback = COMMANDS[words].callback
    assert callback is not None
    callback(**dict.fromkeys(names))
    ((implementation, arguments),) = called
    name, _, function = implementation.partition(".")
    parameters = inspect.signature(getattr(import_module(f"sm_tuning.cli.{name}"), function)).parameters
    assert set(arguments) == set(parameters)
    if "profile" in names:
        names = (names - _TARGET) | {"target", "as_json"}
    if "file" in names:
        names = (names - _FILE) | {"job_file"}
    if "templates" in names:
        names = (names - _PROJECT - {"target"}) | {"choice"}
    assert set(parameters) == names


def _help(*words: str, width: int = 80) -> str:
    result = CliRunner().invoke(commands.sm_tuning, [*words, "-h"], env={"COLUMNS": str(width)}, terminal_width=width)
    assert result.exit_code == 0
    return result.output


def test_every_command_is_listed_once_with_a_whole_sentence() -> None:
    text = _help()
    assert "..." not in text.partition("\n")[2], "a sentence is cut"
    assert [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")] == [
        "Options",
        "Describe and launch",
        "Follow",
        "Results",
        "Emulator",
        "Account",
    ]
    listed = re.findall(r"^  ([a-z]+)  +[A-Z]", text, re.MULTILINE)
    assert sorted(listed) == sorted(commands.sm_tuning.commands)
    assert "..." not in _help("emulator").partition("\n")[2]
    assert set(re.findall(r"^  ([a-z]+)  +[A-Z]", _help("emulator"), re.MULTILINE)) == {"start", "stop", "status", "reset", "env"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_fits_a_terminal(words: tuple[str, ...]) -> None:
    assert max(map(len, _help(*words).splitlines())) <= 80
