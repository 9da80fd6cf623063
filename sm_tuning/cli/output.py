"""How commands write."""

import json

import click

from sm_tuning.printable import printable


def echo(text: str, *, error: bool = False) -> None:
    """Write lines as they are but for the characters that a terminal would obey."""
    click.echo(printable(text), err=error)


def echo_json(document: object) -> None:
    """Write the one JSON document of a command to standard output; all but ASCII is escaped."""
    click.echo(json.dumps(document, indent=2, default=str).replace("\x7f", "\\u007f"))
