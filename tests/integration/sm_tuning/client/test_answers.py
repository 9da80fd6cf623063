"""Every command against servers that answer it with anything: one sentence, a documented exit code, nothing that a terminal obeys."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader
from click.testing import CliRunner, Result

from sm_tuning.cli.commands import sm_tuning
from sm_tuning.client.local_session import Emulator, LocalSession
from sm_tuning.dashboard import Dashboard
from sm_tuning.printable import printable

pytestmark = pytest.mark.slow(25)

_LOADER = Loader()
_HOSTILE = "\x1b[31mX\x1b]0;title\x07\u202eabc\u2066\x9b2J\x00\ud800[bold]"
_OBEYED = set("\x1b\x07\x00\x9b\u202e\u2066\ud800")
_TOML = """
name = "fake"
script = "train.py"
strategy = "Random"
max_jobs = 1
role = "arn:aws:iam::123456789012:role/R"
output = "s3://bucket/out"
[objective]
metric = "score"
goal = "Maximize"
regex = 'score=([-+0-9.eE]+)'
[ranges]
learning_rate = {}
"""
COMMANDS: dict[str, list[str]] = {
    "status": ["status"],
    "status of one": ["status", "job"],
    "trainings": ["trainings", "job"],
    "best": ["best", "job"],
    "logs": ["logs", "job"],
    "logs -f": ["logs", "-f", "job"],
    "attach": ["attach", "job", "--timeout", "0.2"],
    "stop": ["stop", "job"],
    "list": ["list"],
    "diagnose": ["diagnose", "job"],
    "report": ["report", "job", "-o", "report.html"],
    "export": ["export", "job", "-o", "rows.json"],
    "dashboard": ["dashboard", "job", "--port", "0"],
    "run": ["run", "job.toml", "--timeout", "0.2"],
    "run --no-wait": ["run", "job.toml", "--no-wait"],
    "plan --stack": ["plan", "job.toml", "--stack", "mine"],
    "doctor": ["doctor", "job.toml"],
}

Answer = Callable[[BaseHTTPRequestHandler], None]


def _send(
    status: int, body: bytes, kind: str = "application/x-amz-json-1.1", length: int | None = None, **headers: str
) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body) if length is None else length),
            **headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = length is not None

    return answer


def _close(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def _hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)
    handler.close_connection = True


def _not_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\xffSSH-2.0-garbage\r\n\r\n")
    handler.close_connection = True


_PAGE = b"<!doctype html><html><body>It works! \x1b[31m</body></html>"
ANSWERS: dict[str, Answer] = {
    "garbage": _send(200, b"\x00\xff\x1b[31mgarbage"),
    "no HTTP": _not_http,
    "500 and a page": _send(500, _PAGE, "text/html"),
    "500 and nothing": _send(500, b""),
    "a page": _send(200, _PAGE, "text/html"),
    "404 and a page": _send(404, _PAGE, "text/html"),
    "nothing": _send(200, b""),
    "an empty document": _send(200, b"{}"),
    "closed": _close,
    "half a body": _send(200, b'{"HyperPara', length=1000),
    "a redirect": _send(302, b"", Location="http://127.0.0.1:9/"),
    "a list": _send(200, b"[]"),
    "a number": _send(200, b"5"),
    "null": _send(200, b"null"),
    "deep": _send(200, b"[" * 100_000),
    "an error that is a number": _send(400, b'{"__type": 5, "message": []}'),
    "an error with ESC": _send(400, json.dumps({"__type": "Odd\x1b[31m", "message": _HOSTILE}).encode()),
    "hang": _hang,
}


class _Server:
    """Answers every request in the way that is chosen."""

    def __init__(self) -> None:
        self.answer: Answer = _close
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                self.request_body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.answer(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that has gone."""

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture(scope="module")
def fake() -> Iterator[_Server]:
    server = _Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def invoke(fake: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that runs a command, in this process, against the fake server."""
    (tmp_path / "job.toml").write_text(_TOML)
    (tmp_path / "train.py").write_text("print('score=1')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("SM_TUNING_TIMEOUT", "0.3")
    monkeypatch.setattr(botocore.session, "create_loader", lambda _paths=None: _LOADER)
    return lambda *words: CliRunner().invoke(sm_tuning, words, env={"COLUMNS": "200"})


@pytest.mark.parametrize("name", ANSWERS)
def test_a_server_that_answers_anything(name: str, fake: _Server, invoke: Callable[..., Result]) -> None:
    fake.answer = ANSWERS[name]
    for title, words in COMMANDS.items():
        if title == "doctor" and name == "hang":
            continue  # it asks a hanging service three times
        result = invoke(*words)
        text = result.output
        if title == "doctor":  # it says of each thing that cannot be asked that it cannot
            assert result.exit_code == 1, (title, text, result.exception)
        else:
            assert result.exit_code in {1, 3}, (title, text, result.exception)
            assert len(text.splitlines()) <= 2, (title, text)
            assert text.splitlines()[-1].startswith("sm-tuning: "), (title, text)
        assert isinstance(result.exception, SystemExit), (title, result.exception)
        assert "fault of sm-tuning itself" not in text, (title, text)
        assert not _OBEYED & set(text), (title, text)


# --- answers of the right form ----------------------------------------------------------------------------------------------

_SANE: dict[str, Any] = {
    "HyperParameterTuningJobStatus": "Completed",
    "TrainingJobStatus": "Completed",
    "Regex": "score=([0-9.]+)",
    "Type": "Maximize",
    "MetricName": "score",
    "Strategy": "Bayesian",
    "MinValue": "0",
    "MaxValue": "1",
}
_TOKENS = {"NextToken", "nextToken", "nextBackwardToken"}


@cache
def _models() -> dict[str, Any]:
    """The JSON services' models by the prefix of their operations' targets."""
    session = boto3.Session(region_name="us-east-1")
    models = [session._session.get_service_model(name) for name in ("sagemaker", "logs")]
    return {model.metadata["targetPrefix"]: model for model in models}


def _filled(shape: Any, text: str, name: str = "") -> Any:
    """A value of a botocore shape with that text wherever a text can be."""
    kind = shape.type_name
    if kind == "structure":
        members = {key: part for key, part in shape.members.items() if key not in _TOKENS}
        return {key: _SANE.get(key) or _filled(part, text, key) for key, part in members.items()}
    if kind == "list":
        return [_filled(shape.member, text, name)]
    if kind == "map":
        return {text: _filled(shape.value, text, name)}
    sane = {"timestamp": 1_700_000_000 + 60 * name.endswith("EndTime"), "boolean": True, "float": 0.5, "double": 0.5}
    return sane.get(kind, 1 if kind in {"integer", "long"} else text)


def _typed(change: Callable[[dict[str, Any]], object], text: str) -> Answer:
    """Answers as AWS's API does, with some text in every field, each document changed by `change`."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        prefix, _, operation = (handler.headers.get("X-Amz-Target") or "").partition(".")
        if prefix not in _models():
            _send(200, b"", "application/xml")(handler)
            return
        shape = _models()[prefix].operation_model(operation).output_shape
        document = _filled(shape, text) if shape is not None else {}
        change(document)
        _send(200, json.dumps(document).encode())(handler)

    return answer


def test_hostile_text_in_every_field(fake: _Server, invoke: Callable[..., Result], tmp_path: Path) -> None:
    fake.answer = _typed(lambda document: document, _HOSTILE)
    shown = 0
    for title, words in COMMANDS.items():
        if title in {"dashboard", "doctor", "plan --stack"}:  # it serves until Ctrl-C; the others ask services that speak XML
            continue
        for more in ((), ("--json",)):
            result = invoke(*words, *more)
            assert not _OBEYED & set(result.output), (title, result.output)
            assert "fault of sm-tuning itself" not in result.output, (title, result.output)
            shown += "#033" in result.output
    assert shown >= 8
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not _OBEYED & set(page)


@pytest.mark.parametrize("path", ["/", "/jobs/job", "/training-jobs/job", "/compare", "/report"])
def test_hostile_text_on_the_dashboard(path: str, fake: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.answer = _typed(lambda document: document, _HOSTILE)
    monkeypatch.setattr(botocore.session, "create_loader", lambda _paths=None: _LOADER)
    app = Dashboard(LocalSession(Emulator(fake.url)), ["here"])
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "job=job", "HTTP_HOST": "here"}
    statuses: list[str] = []
    body = b"".join(app(environ, lambda status, _: statuses.append(status)))  # type: ignore[arg-type] # WSGI's
    assert statuses == ["200 OK"], body
    assert not _OBEYED & set(body.decode())
    assert "#033[31mX" in body.decode() or path == "/compare"  # whose single tuning job is named in the address


def test_what_is_shown_instead() -> None:
    assert printable("a\tb\nc é 日本 ✓ 👩\u200d💻") == "a\tb\nc é 日本 ✓ 👩\u200d💻"
    assert (
        printable("\x1b[2J\r\x7f\x9b\u202e\u2066\u200f\u2028\ud800\U000e0041")
        == "#033[2J#015#177#233#u202e#u2066#u200f#u2028#ud800#ue0041"
    )


def _first_required(document: dict[str, Any]) -> None:
    document.clear()
    document["Unknown"] = 1


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "no member that is required": _first_required,
    "a number for each text": lambda document: document.update(
        {key: 5 for key, value in document.items() if isinstance(value, str)}
    ),
    "a text for each structure": lambda document: document.update(
        {key: "x" for key in document if isinstance(document[key], dict)}
    ),
    "a structure for each list": lambda document: document.update(
        {key: {} for key in document if isinstance(document[key], list)}
    ),
    "a text for each time": lambda document: document.update({key: "yesterday" for key in document if key.endswith("Time")}),
    "a list of nulls": lambda document: document.update({key: [None] for key in document if isinstance(document[key], list)}),
}


@pytest.mark.parametrize("name", WRONG)
def test_answers_of_wrong_types(name: str, fake: _Server, invoke: Callable[..., Result]) -> None:
    fake.answer = _typed(WRONG[name], "text")
    refusals = 0
    for title, words in COMMANDS.items():
        if title in {"dashboard", "doctor", "plan --stack"}:
            continue
        result = invoke(*words)
        assert result.exception is None or isinstance(result.exception, SystemExit), (title, result.exception)
        assert "fault of sm-tuning itself" not in result.output, (title, result.output)
        refusals += result.exit_code == 1 and "which AWS's API does not" in result.output
    assert refusals >= 2


# --- what is no server's fault ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999", "http://[::1", "127.0.0.1:4577", "http://", "ftp://127.0.0.1", "http://127.0.0.1:x"]
)
def test_an_address_that_is_none(variable: str, url: str, invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, url)
    result = invoke("list")
    assert result.exit_code == 2
    assert result.output == f"sm-tuning: {variable} is {url!r}; it must be a URL such as http://127.0.0.1:4577\n"


def test_nobody_listens(invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = invoke("list")
    assert result.exit_code == 3
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:9/"' in result.output


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_patience_that_is_none(seconds: str, invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_TUNING_TIMEOUT", seconds)
    result = invoke("list")
    assert (result.exit_code, result.output) == (
        2,
        f"sm-tuning: SM_TUNING_TIMEOUT is {seconds!r}; it must be a number of seconds above 0\n",
    )
