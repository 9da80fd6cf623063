"""Whatever goes wrong in a command is one sentence and an exit code."""

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, NoRegionError
from click.testing import CliRunner

from sm_tuning import program
from sm_tuning.cli.commands import sm_tuning
from sm_tuning.cli.failures import DEBUG, explain
from sm_tuning.errors import UNSET, Invalid, NotFound, Unreachable, WaitTimeout

HOSTILE = "\x1b[31mX\x1b]0;title\x07\u202eabc\u2066\x9b2J\x00\ud800[bold]"
OBEYED = set("\x1b\x07\x00\x9b\u202e\u2066\ud800")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "there is not enough memory"),
        (ModuleNotFoundError("no", name="pyarrow.parquet"), 1, "pyarrow is not installed: pip install 'sm-tuning[results]'"),
        (OSError(28, "No space left on device", "rows.csv"), 1, "rows.csv: No space left on device"),
        (KeyError(HOSTILE), 1, "this is a fault of sm-tuning itself (KeyError: "),
        (RecursionError("too deep"), 1, "set SM_TUNING_DEBUG=1 for the traceback, and report it"),
    ],
)
def test_any_exception_is_a_sentence(error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("sm_tuning.cli.target.Target.session", fail)
    result = CliRunner().invoke(sm_tuning, ["list"])
    assert result.exit_code == code
    assert result.output.startswith("sm-tuning: ")
    assert text in result.output
    assert len(result.output.splitlines()) == 1
    assert not OBEYED & set(result.output)
    monkeypatch.setenv(DEBUG, "1")
    assert ("Traceback" in CliRunner().invoke(sm_tuning, ["list"]).output) == isinstance(error, Exception)


@pytest.mark.parametrize(
    ("error", "sentence", "code"),
    [
        (Invalid("name is ''; it must match"), "name is ''; it must match", 2),
        (Unreachable("no emulator runs"), "no emulator runs", 3),
        (WaitTimeout("it takes longer"), "it takes longer", 4),
        (NotFound("there is none"), "there is none", 1),
        (NoCredentialsError(), UNSET["NoCredentialsError"], 1),
        (NoRegionError(), UNSET["NoRegionError"], 1),
        (
            EndpointConnectionError(endpoint_url="http://x/"),
            'Could not connect to the endpoint URL: "http://x/". Is the address right, and does the service run?',
            3,
        ),
        (OSError(), "OSError", 1),
    ],
)
def test_exit_codes_tell_errors_apart(error: Exception, sentence: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SAGEMAKER", raising=False)
    assert explain(error) == (sentence, code)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
def test_the_variable_that_names_a_silent_address_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.setattr(program, "command", lambda *words: " ".join(["here/sm-tuning", *words]))
    sentence, code = explain(EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"))
    assert f"{variable} of this shell names http://127.0.0.1:1: unset it, or start what should answer there" in sentence
    assert sentence.endswith("(the emulator: here/sm-tuning emulator start).")
    assert code == 3
