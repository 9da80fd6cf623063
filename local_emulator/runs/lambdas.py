"""Calls functions of AWS Lambda, or what stands in for them: in processes of their own, or functions of this process inside tests."""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local_emulator.documents.references import check_text
from local_emulator.domain.errors import RunError
from local_emulator.domain.functions import DeployedFunction, FindFunction
from local_emulator.domain.jobs import Document
from local_emulator.domain.pipeline_names import function_name
from local_emulator.runs import opt_ml
from local_emulator.settings import LambdaModule, Settings

_SECONDS = 900.0  # AWS's longest
_INITIALIZATION = 10.0  # seconds more than a function's own until its first call has ended, as at AWS
_LARGEST = 250 * 2**20  # bytes of code, unpacked: AWS's limit
_UNPACKING = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError)  # RuntimeError: encrypted, or by an unknown method
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR", "HOME")
_PROGRAM = Path(__file__).with_name("lambda_program.py")
_LONGEST = 300  # characters of an error


def invoked(settings: Settings, endpoint: str | None, arn: str, event: Document, find: FindFunction = lambda _arn: None) -> Any:  # noqa: ANN401 - JSON
    """The answer of a function to an event; raises RunError, whose text is the step's FailureReason."""
    name = function_name(arn)
    function = settings.functions.get(name) or find(arn)
    if function is None:
        raise RunError(
            f"ClientError: there is no function {name}, and nothing stands in for it (serve --lambda {name}=MODULE:FUNCTION)"
        )
    context = {"function_name": name, "invoked_function_arn": arn, "function_version": "$LATEST", "aws_request_id": "local"}
    call = json.dumps({"event": event, "context": context})
    if isinstance(function, DeployedFunction):
        answer = _deployed(function, settings, endpoint, call)
    elif isinstance(function, LambdaModule):
        answer = _in_process(function, settings, _environment(settings, endpoint), call)
    else:
        answer = _called(function, event, context)
    try:
        check_text(answer)
    except ValueError:
        answer = {"error": "what it said is not Unicode"}
    if "error" in answer:
        raise RunError(f"ClientError: the function {name} failed: {answer['error'][:_LONGEST]}")
    return answer["answer"]


def _called(function: Callable[[Any, Any], Any], event: Document, context: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = json.loads(json.dumps({"answer": function(dict(event), SimpleNamespace(**context))}))
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises
        return {"error": f"{type(error).__name__}: {error}"}
    return answer


def _deployed(function: DeployedFunction, settings: Settings, endpoint: str | None, call: str) -> Mapping[str, Any]:
    """Unpack the code of a function and call it there."""
    if function.problem:
        return {"error": function.problem}
    with tempfile.TemporaryDirectory(prefix="sm-function-", ignore_cleanup_errors=True) as folder:
        try:
            with zipfile.ZipFile(io.BytesIO(function.archive)) as archive:
                if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                    return {"error": f"its code is larger than {_LARGEST} bytes"}
                archive.extractall(folder)  # leaves out what leads elsewhere
        except _UNPACKING as error:
            return {"error": f"its code cannot be unpacked: {error}"}
        module, _, name = function.handler.rpartition(".")
        environment = {**_environment(settings, endpoint), "LAMBDA_TASK_ROOT": folder, **function.environment}
        return _in_process(LambdaModule(module.replace("/", "."), name, folder), settings, environment, call, function.timeout)


def _environment(settings: Settings, endpoint: str | None) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, **opt_ml.surroundings(settings.region, settings, endpoint)}


def _in_process(
    module: LambdaModule, settings: Settings, environment: Mapping[str, str], call: str, seconds: float = _SECONDS
) -> Mapping[str, Any]:
    command = [settings.python or sys.executable, str(_PROGRAM), module.folder, module.module, module.function]
    try:
        done = subprocess.run(  # noqa: S603 - what the user has registered or deployed
            command,
            input=call,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=module.folder,
            timeout=seconds + _INITIALIZATION,
            check=False,
        )
        answer: Mapping[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"Task timed out after {seconds:.2f} seconds"}
    except OSError as error:
        return {"error": f"its process cannot be started: {error}"}
    except ValueError:
        return {"error": "its process ended without an answer"}
    return answer
