import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.domain.functions import DeployedFunction
from local_emulator.runs import lambdas
from local_emulator.runs.lambdas import invoked
from local_emulator.settings import LambdaModule, Settings

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
MODULE = """
import os

def double(event, context):
    print("it prints")
    return {"twice": event["number"] * 2, "name": context.function_name, "endpoint": os.environ["AWS_ENDPOINT_URL"]}

def environment(event, context):
    return dict(os.environ)

def fail(event, context):
    raise KeyError("number")

def end(event, context):
    os._exit(3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("functions")
    (folder / "mine.py").write_text(MODULE)
    return folder


def call(stand_in: Any, event: Any) -> Any:
    return invoked(Settings(functions={"f": stand_in}), "http://127.0.0.1:1", ARN, event)


def test_a_function_in_a_process_of_its_own(folder: Path) -> None:
    answer = call(LambdaModule("mine", "double", str(folder)), {"number": 21})
    assert answer == {"twice": 42, "name": "f", "endpoint": "http://127.0.0.1:1"}


def test_a_function_has_the_s3_of_the_jobs_and_no_configuration_of_the_users(folder: Path) -> None:
    settings = Settings(functions={"f": LambdaModule("mine", "environment", str(folder))}, s3_endpoint="http://127.0.0.1:2")
    environment = invoked(settings, "http://127.0.0.1:1", ARN, {})
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:2"
    assert {environment[name] for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")} == {os.devnull}


@pytest.mark.parametrize(
    ("function", "error"),
    [("fail", "KeyError: 'number'"), ("end", "its process ended without an answer"), ("nothing", "AttributeError")],
)
def test_a_function_that_fails(folder: Path, function: str, error: str) -> None:
    with pytest.raises(RunError, match=f"ClientError: the function f failed: .*{error}"):
        call(LambdaModule("mine", function, str(folder)), {})


def test_a_function_of_this_process() -> None:
    assert call(lambda event, context: [event, context.invoked_function_arn], {"a": 1}) == [{"a": 1}, ARN]
    with pytest.raises(RunError, match="the function f failed: ZeroDivisionError"):
        call(lambda _event, _context: 1 / 0, {})
    with pytest.raises(RunError, match="the function f failed: TypeError"):
        call(lambda _event, _context: object(), {})  # no JSON
    with pytest.raises(RunError, match="the function f failed: what it said is not Unicode"):
        call(lambda _event, _context: {"name": "\ud800"}, {})


def test_a_function_that_nothing_stands_in_for() -> None:
    with pytest.raises(RunError, match="there is no function other"):
        invoked(Settings(), None, "other", {})


def deployed(code: str, name: str = "package/code.py", handler: str = "package/code.handler", **members: Any) -> Any:
    """The answer of a function whose archive has one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, code)
    function = DeployedFunction(runtime="python3.12", handler=handler, archive=archive.getvalue(), **members)
    return invoked(Settings(), "http://127.0.0.1:1", ARN, {"a": 1}, {ARN: function}.get)


def test_a_deployed_function_finds_its_files_and_its_environment() -> None:
    code = (
        "import os\n"
        "def handler(event, context):\n"
        "    return [event, os.environ['MINE'], open('package/code.py').read()[:6], os.environ['LAMBDA_TASK_ROOT']]\n"
    )
    event, mine, text, root = deployed(code, environment={"MINE": "b"})
    assert (event, mine, text) == ({"a": 1}, "b", "import")
    assert not Path(root).exists()


def test_a_deployed_function_that_cannot_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match=r"its runtime is a container image"):
        invoked(Settings(), None, ARN, {}, lambda _: DeployedFunction(runtime=None, handler="", archive=b""))
    with pytest.raises(RunError, match=r"its code cannot be unpacked: File is not a zip file"):
        invoked(Settings(), None, ARN, {}, lambda _: DeployedFunction(runtime="python3.9", handler="a.b", archive=b"x"))
    with pytest.raises(RunError, match=r"has layers"):
        deployed("", layers=True)
    monkeypatch.setattr(lambdas, "_LARGEST", 5)
    with pytest.raises(RunError, match=r"its code is larger than 5 bytes"):
        deployed("123456")


def damaged(position: int, value: int) -> bytes:
    """An archive with another byte in the header of its file; its directory at the end repeats that two bytes further."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("code.py", "def handler(*_): return 1\n" * 9)
    content = bytearray(archive.getvalue())
    for header in (0, content.index(b"PK\x01\x02") + 2):
        content[header + position] = value
    return bytes(content)


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        (damaged(6, 1), "encrypted"),
        (damaged(8, 99), "compression method is not supported"),
        (damaged(37, 0xFF), "invalid block type"),  # the first byte of its data
    ],
)
def test_a_deployed_function_whose_archive_python_cannot_unpack(archive: bytes, problem: str) -> None:
    function = DeployedFunction(runtime="python3.12", handler="code.handler", archive=archive)
    with pytest.raises(RunError, match=f"its code cannot be unpacked: .*{problem}"):
        invoked(Settings(), None, ARN, {}, lambda _: function)


def test_a_function_whose_interpreter_is_not_there(folder: Path) -> None:
    settings = Settings(functions={"f": LambdaModule("mine", "double", str(folder))}, python=str(folder / "python"))
    with pytest.raises(RunError, match=r"its process cannot be started: .*No such file"):
        invoked(settings, None, ARN, {})


def test_a_deployed_function_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambdas, "_INITIALIZATION", 0.0)
    began = time.monotonic()
    with pytest.raises(RunError, match=r"Task timed out after 0\.30 seconds"):
        deployed("import time\ndef handler(*_): time.sleep(600)", timeout=0.3)
    assert time.monotonic() - began < 300
