"""AWS's modules for scripts that import them: what AWS's own examples use."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_emulator.inference.toolkits import modules, scikit_learn
from local_emulator.runs import script_mode
from tests.unit.local_emulator.inference.toolkits.scripts import invoke, source

EXAMPLE = """
from sagemaker_containers.beta.framework import content_types, encoders, env, modules, transformer, worker
class M:
    def predict(self, rows): return rows * 2
def model_fn(folder): return M()
def output_fn(prediction, accept):
    if accept == "application/json":
        instances = [{"features": row} for row in prediction.tolist()]
        return worker.Response(json.dumps({"instances": instances}), mimetype=accept)
    if accept == "text/csv":
        return worker.Response(encoders.encode(prediction, accept), mimetype=accept)
    raise RuntimeError(f"{accept} accept type is not supported by this script.")
"""


@pytest.fixture(autouse=True)
def offered() -> Iterator[None]:
    before = set(sys.modules)
    modules.offer()
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_an_example_of_aws(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = scikit_learn.make(source(tmp_path, f"import json{EXAMPLE}", monkeypatch))  # type: ignore[arg-type]
    worker.load()
    assert json.loads(invoke(worker.answer, b"1,2\n3,4", accept="application/json").body) == {
        "instances": [{"features": [2.0, 4.0]}, {"features": [6.0, 8.0]}]
    }
    answer = invoke(worker.answer, b"1,2\n3,4", accept="text/csv")
    assert (answer.body, answer.content_type) == (b"2.0,4.0\n6.0,8.0\n", "text/csv; charset=utf-8")
    assert invoke(worker.answer, b"1,2\n3,4", accept="text/plain").status == 500


def test_sagemaker_inference() -> None:
    decoder = importlib.import_module("sagemaker_inference.decoder")
    assert decoder.decode("[[1, 2]]", "application/json").tolist() == [[1, 2]]
    assert importlib.import_module("sagemaker_inference.content_types").UTF8_TYPES == ["application/json", "text/csv"]
    error = importlib.import_module("sagemaker_inference.errors").GenericInferenceToolkitError(400)
    assert (error.status_code, error.message, error.phrase) == (400, "Invalid Request", "Invalid Request")
    assert importlib.import_module("sagemaker_inference.utils").parse_accept("a, b") == ["a", "b"]


def test_what_is_installed_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sagemaker_inference", "sagemaker_containers"):
        monkeypatch.setitem(sys.modules, name, sys)
    modules.offer()
    assert sys.modules["sagemaker_inference"] is sys


def forget_containers() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sagemaker_containers"]:
        del sys.modules[name]


def test_a_script_that_trains_imports_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_containers()
    (folder,) = script_mode.importable(["json", "sagemaker_containers.beta.framework:worker"])
    monkeypatch.syspath_prepend(folder)
    framework = importlib.import_module("sagemaker_containers.beta.framework")
    assert framework.worker.Response("1", mimetype="text/csv").get_data() == b"1"
    assert framework.encoders.encode([[1, 2]], "text/csv").split() == ["1,2"]
    assert script_mode.importable(["json", "numpy:array"]) == []


def test_what_is_installed_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_containers()
    (tmp_path / "sagemaker_containers").mkdir()
    (tmp_path / "sagemaker_containers/__init__.py").write_text("from . import own")
    (tmp_path / "sagemaker_containers/own.py").write_text("value = 7")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(*script_mode.importable(["sagemaker_containers"]))
    assert importlib.import_module("sagemaker_containers.own").value == 7
