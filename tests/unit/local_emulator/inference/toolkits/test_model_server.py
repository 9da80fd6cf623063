"""The PyTorch image's handlers. What is expected was answered by sagemaker-inference itself, called with the same requests."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_emulator.inference.serving.access_log import torchserve
from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.toolkits.code import Source
from local_emulator.inference.toolkits.model_server import ModelServer
from tests.unit.local_emulator.inference.toolkits.scripts import invoke, source

Make = Callable[[str], ModelServer]
DEFAULTS: dict[str, Callable[..., object]] = {
    "model_fn": lambda folder: f"model of {Path(folder).name}",
    "input_fn": lambda body, kind: (body, kind),
    "predict_fn": lambda data, model: [*data, model],
    "output_fn": lambda prediction, accept: json.dumps([*map(str, prediction), accept]),
}
TRANSFORM = "def transform_fn(model, body, kind, accept"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    folder = Path.cwd()

    def make(text: str) -> ModelServer:
        loaded = ModelServer(source(tmp_path, text, monkeypatch), lambda: DEFAULTS)
        loaded.load()
        return loaded

    yield make
    os.chdir(folder)


def test_functions_are_called_in_turn(server: Make) -> None:
    response = invoke(server("").answer, b"1,2", accept="text/csv")
    assert (response.status, response.content_type) == (200, "text/csv")
    assert json.loads(response.body) == ["1,2", "text/csv", "model of model", "text/csv"]
    assert json.loads(invoke(server("").answer, b"1", "image/png").body)[0] == "bytearray(b'1')"


def test_no_script_is_needed(tmp_path: Path, server: Make) -> None:
    served = ModelServer(Source(tmp_path, tmp_path, None), lambda: DEFAULTS)
    served.load()
    assert invoke(served.answer, b"1").status == 200
    assert Path.cwd() == tmp_path  # where TorchServe works
    assert callable(server)  # brings the folder back


def test_each_function_may_take_the_context(server: Make) -> None:
    served = server(
        "calls = []\n"
        "def pre_model_fn(folder, context): calls.append('pre')\n"
        "def model_fn(folder, context): calls.append(context.system_properties['model_dir'] == folder); return 1\n"
        "def model_warmup_fn(folder, model): calls.append(model)\n"
        "def input_fn(body, kind, context): return context.get_request_header(0, 'X-Amzn-SageMaker-Custom-Attributes')\n"
        "def predict_fn(data, model, context): return [*calls, data]\n"
        "def output_fn(prediction, accept, context):\n"
        "    context.set_response_header(0, 'X-Own', 'yes')\n"
        "    return str(prediction), 'text/plain'\n"
    )
    response = served.answer(Request("POST", "/invocations", b"1", {"x-amzn-sagemaker-custom-attributes": "who"}))
    assert (response.body, response.content_type, response.headers) == (
        b"['pre', True, 1, 'who']",
        "text/plain",
        {"X-Own": "yes"},
    )


def test_a_function_with_other_arguments(server: Make) -> None:
    response = invoke(server("def input_fn(body): return body\n").answer, b"1")
    assert (response.status, response.body.splitlines()[0]) == (500, b"input_fn takes 1 arguments but 2 were given.")


@pytest.mark.parametrize(
    ("line", "status", "first"),
    [
        ("raise RuntimeError('out of luck')", 500, "out of luck"),
        ("raise errors.GenericInferenceToolkitError(418, 'a teapot')", 418, "a teapot"),
        ("context.set_response_status(202); return 'later'", 202, "later"),
    ],
)
def test_failures_are_answered_with_their_traceback(
    server: Make, capsys: pytest.CaptureFixture[str], line: str, status: int, first: str
) -> None:
    text = f"from local_emulator.inference.toolkits import modules as errors\n{TRANSFORM}, context):\n    {line}\n"
    response = invoke(server(text).answer, b"1")
    assert (response.status, response.body.decode().splitlines()[0]) == (status, first)
    if line.startswith("raise"):
        assert response.body.decode().splitlines()[1] == "Traceback (most recent call last):"
        assert first in response.body.decode().splitlines()[-1]
        assert response.body.decode().partition("\n")[2] == capsys.readouterr().err


@pytest.mark.parametrize(
    ("returned", "body"),
    [("'text'", b"text"), ("b'\\x00'", b"\0"), ("{'a': [1]}", b'{\n  "a": [\n    1\n  ]\n}'), ("('x', 'text/plain')", b"x")],
)
def test_what_is_sent_of_a_result(server: Make, returned: str, body: bytes) -> None:
    assert invoke(server(f"{TRANSFORM}): return {returned}\n").answer, b"1").body == body


def test_paths_and_the_access_log(server: Make) -> None:
    served = server("")
    assert json.loads(served.answer(Request("GET", "/ping")).body) == {"status": "Healthy"}
    assert served.answer(Request("GET", "/execution-parameters")).status == 404
    line = torchserve(Request("GET", "/ping"), Response(200), ("169.254.178.2", 39848), 0.0125)
    assert line.endswith(' [INFO ] pool-2-thread-1 ACCESS_LOG - /169.254.178.2:39848 "GET /ping HTTP/1.1" 200 12')
