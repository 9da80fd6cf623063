"""Errors of commands: one sentence, an exit code, no traceback."""

import errno
import io
import itertools
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from sm_tuning.client.emulator_process import remedy
from sm_tuning.errors import UNSET, Invalid, SmTuningError, Unreachable, WaitTimeout
from sm_tuning.printable import printable

FAILED, USAGE, UNREACHABLE, TIMEOUT, NOT_BETTER, INTERRUPTED = 1, 2, 3, 4, 5, 130
DEBUG = "SM_TUNING_DEBUG"
_WHOLE = 1000  # characters: click would cut a sentence to a line

_EXTRAS = {
    **dict.fromkeys(("click", "rich", "jinja2", "markupsafe", "waitress"), "cli"),
    **dict.fromkeys(("pandas", "pyarrow", "sklearn", "vl_convert"), "results"),
    "sagemaker": "sagemaker",
}


_OURS: tuple[tuple[type[Exception], int], ...] = (
    (WaitTimeout, TIMEOUT),
    (Invalid, USAGE),
    (Unreachable, UNREACHABLE),
    (SmTuningError, FAILED),
)


class Commands(click.Group):
    """A group of commands, listed by what they are for, whose errors are one sentence on standard error."""

    def __init__(self, *arguments: Any, parts: Mapping[str, Sequence[str]] | None = None, **options: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*arguments, **options)
        self._parts = parts or {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first sentence of each."""
        listed = {name: title for title, names in self._parts.items() for name in names}
        listed |= {name: "Commands" for name in self.list_commands(ctx) if name not in listed}
        for title, names in itertools.groupby(listed, key=listed.__getitem__):
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(_WHOLE)) for name in names])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            click.echo(printable(shown.getvalue()), nl=False, err=True)
            sys.exit(error.exit_code)
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            _end("interrupted", INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # who read the output has read enough: click ends in silence
            if os.environ.get(DEBUG):
                traceback.print_exc()
            _end(*explain(error))


def _end(sentence: str, code: int) -> NoReturn:
    click.echo(f"sm-tuning: {printable(sentence)}", err=True)
    sys.exit(code)


def explain(error: Exception) -> tuple[str, int]:
    """What an error means to a user, and the exit code (docs/cli.md)."""
    for kind, code in _OURS:
        if isinstance(error, kind):
            return str(error), code
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or raise the limit (ulimit -v)", FAILED
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("sm_tuning"):
        package = (error.name or "").partition(".")[0]
        return f"{package} is not installed: pip install 'sm-tuning[{_EXTRAS.get(package, 'all')}]'", FAILED
    return _of_botocore(error) or _of_system(error)


def _of_system(error: Exception) -> tuple[str, int]:
    if isinstance(error, OSError):
        what = error.strerror or str(error) or type(error).__name__
        return f"{os.fsdecode(error.filename)}: {what}" if isinstance(error.filename, str | bytes) else what, FAILED
    text = " ".join(str(error).split())[:300]
    fault = f"this is a fault of sm-tuning itself ({type(error).__name__}: {text})"
    return f"{fault}; set {DEBUG}=1 for the traceback, and report it", FAILED


def _of_botocore(error: Exception) -> tuple[str, int] | None:
    from botocore import exceptions, parsers  # noqa: PLC0415 - an eighth of a second that commands without an error need not pay

    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return f"{_sentence(error)} {remedy()}", UNREACHABLE
    if isinstance(error, exceptions.BotoCoreError | exceptions.ClientError):
        return UNSET.get(type(error).__name__) or " ".join(str(error).split()), FAILED
    if isinstance(error, parsers.ResponseParserError) or _raised_in(error, "botocore.parsers"):
        return "the server answered what is no answer of AWS's API; is the address right (AWS_ENDPOINT_URL)?", FAILED
    return None


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text.endswith(".") else f"{text}."


def _raised_in(error: Exception, module: str) -> bool:
    return any(frame.f_globals.get("__name__") == module for frame, _ in traceback.walk_tb(error.__traceback__))
