"""The scikit-learn image's server. What is expected was answered by sagemaker-scikit-learn-container itself, run beside it."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression

from local_emulator.inference.serving.messages import FAILURE, Request
from local_emulator.inference.toolkits import scikit_learn
from local_emulator.inference.toolkits import xgboost as xgboost_toolkit
from local_emulator.inference.toolkits.code import Source
from local_emulator.inference.toolkits.flask_worker import FlaskWorker
from tests.unit.local_emulator.inference.toolkits.scripts import NPY, invoke, source

SUM = "class M:\n    def predict(self, x): return x.sum(axis=-1)\ndef model_fn(folder): return M()\n"
Make = Callable[..., FlaskWorker]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(text: str, framework: ModuleType = scikit_learn) -> FlaskWorker:
        loaded: FlaskWorker = framework.make(source(tmp_path, text, monkeypatch))
        loaded.load()
        return loaded

    return make


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "kind", "accept", "status", "answer", "answered"),
    [
        (b"1,2\n3,4", "text/csv", "*/*", 200, b"[3.0, 7.0]", "application/json"),
        (b"1,2\n3,4\n", "text/csv", "text/csv", 200, b"3.0\n7.0\n", "text/csv; charset=utf-8"),
        (b"[[1,2],[3,4]]", "application/json", "application/json", 200, b"[3.0, 7.0]", "application/json"),
        (b"[[1,2],[3,4]]", None, "", 200, b"[3.0, 7.0]", "application/json"),
        (b"1,2", "text/csv", "text/csv", 500, None, "text/html; charset=utf-8"),  # one row has one dimension, its sum none
        (b"1,2", "text/csv; charset=utf-8", "*/*", 500, None, "text/html; charset=utf-8"),
        (b"[[1,2]]", "text/plain", "*/*", 500, None, "text/html; charset=utf-8"),
        (b"[[1,2]]", "application/json", "text/plain", 500, None, "text/html; charset=utf-8"),
        (b"xx", "application/json", "*/*", 500, None, "text/html; charset=utf-8"),
    ],
)
def test_default_handlers(
    worker: Make, body: bytes, kind: str | None, accept: str, status: int, answer: bytes | None, answered: str
) -> None:
    response = invoke(worker(SUM).answer, body, kind, accept)
    assert (response.status, response.content_type) == (status, answered)
    assert (
        response.body == answer
        if answer is not None
        else response.body.startswith(b"<!doctype html>\n<html lang=en>\n<title>500")
    )


def test_npy_both_ways_and_none_of_objects(worker: Make, capsys: pytest.CaptureFixture[str]) -> None:
    served = worker(SUM)
    response = invoke(served.answer, npy(np.array([[1.0, 2.0]])), NPY, NPY)
    assert (response.content_type, np.load(io.BytesIO(response.body)).tolist()) == (NPY, [3.0])
    assert invoke(served.answer, npy(np.array([{}], dtype=object)), NPY, NPY).status == 500
    assert "allow_pickle=False" in capsys.readouterr().err


def test_predictions_are_the_models(worker: Make, tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    model = LogisticRegression().fit(inputs, inputs[:, 0] > 0)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    served = worker(
        "import pickle, pathlib\n"
        "def model_fn(folder): return pickle.loads(pathlib.Path(folder, 'model.pkl').read_bytes())\n"
        "def predict_fn(data, model): return model.predict_proba(data)\n"
    )
    answer = np.load(io.BytesIO(invoke(served.answer, npy(inputs), NPY, NPY).body))
    assert answer.tolist() == model.predict_proba(inputs).tolist()
    rows = "\n".join(",".join(map(str, row)) for row in inputs.tolist())
    assert np.array(json.loads(invoke(served.answer, rows.encode()).body)) == pytest.approx(model.predict_proba(inputs))


@pytest.mark.parametrize(
    ("returned", "status", "body", "kind"),
    [
        ("'yes'", 200, b"yes", "text/html; charset=utf-8"),
        ("b'\\x00\\x01'", 200, b"\0\1", "text/html; charset=utf-8"),
        ("('a,b', 'text/csv')", 200, b"a,b", "text/csv; charset=utf-8"),
        ("('{}', accept)", 200, b"{}", "application/x-what"),
        ("{'answer': 42}", 200, b'{"answer": 42}\n', "application/json"),
        ("[1, 2]", 200, b"[1, 2]\n", "application/json"),
        ("None", 500, None, "text/html; charset=utf-8"),
        ("3", 500, None, "text/html; charset=utf-8"),
    ],
)
def test_what_a_transform_fn_returns(worker: Make, returned: str, status: int, body: bytes | None, kind: str) -> None:
    text = f"def model_fn(folder): return 1\ndef transform_fn(model, content, kind, accept): return {returned}\n"
    response = invoke(worker(text).answer, b"1", accept="application/x-what")
    assert (response.status, response.content_type) == (status, kind)
    assert body is None or response.body == body


def test_flasks_own_responses(worker: Make) -> None:
    text = (
        "import flask\ndef model_fn(folder): return 1\n"
        "def transform_fn(*_): return flask.Response('no', status=429, mimetype='text/plain', headers={'X-Why': 'because'})\n"
    )
    response = invoke(worker(text).answer, b"1")
    assert (response.status, response.body, response.content_type) == (429, b"no", "text/plain; charset=utf-8")
    assert response.headers == {"X-Why": "because"}


def test_bodies_are_text_where_the_toolkit_says_so(worker: Make) -> None:
    text = (
        "def model_fn(folder): return 1\ndef transform_fn(model, content, kind, accept): return type(content).__name__ + kind\n"
    )
    served = worker(text)
    assert invoke(served.answer, b"1").body == b"strtext/csv"
    assert invoke(served.answer, b"1", "image/png").body == b"bytesimage/png"
    assert invoke(served.answer, b"1", None).body == b"strapplication/json"


def test_a_failure_is_in_the_log(worker: Make, capsys: pytest.CaptureFixture[str]) -> None:
    text = "def model_fn(folder): return 1\ndef predict_fn(data, model): raise RuntimeError('out of luck')\n"
    response = invoke(worker(text).answer, b"1,2\n3,4")
    assert (response.status, FAILURE in response.headers) == (500, True)
    lines = capsys.readouterr().err.splitlines()
    assert " ERROR - inference_" in lines[0]
    assert lines[0].endswith(" - Exception on /invocations [POST]")
    assert lines[-1] == "RuntimeError: out of luck"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x = 1\n", NotImplementedError, "Please provide a model_fn implementation"),
        (
            "def model_fn(f): return 1\ndef transform_fn(*_): pass\ndef input_fn(*_): pass\n",
            ValueError,
            "Cannot use transform_fn",
        ),
        ("raise KeyError('k')\n", KeyError, "k"),
    ],
)
def test_a_script_that_cannot_serve(worker: Make, text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        worker(text)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"SAGEMAKER_PROGRAM names nowhere\.py, which is not in "):
        scikit_learn.make(Source(tmp_path, tmp_path, "nowhere")).load()
    with pytest.raises(ValueError, match="SAGEMAKER_PROGRAM names no script"):
        scikit_learn.make(Source(tmp_path, tmp_path, None)).load()


def test_paths(worker: Make) -> None:
    parameters = "def execution_parameters_fn(): return {'BatchStrategy': 'SINGLE_RECORD'}\n"
    plain, configured = worker(SUM), worker(SUM + parameters)
    assert [plain.answer(Request("GET", path)).status for path in ("/ping", "/invocations", "/", "/execution-parameters")] == [
        200,
        405,
        404,
        404,
    ]
    assert configured.answer(Request("GET", "/execution-parameters")).body == b'{"BatchStrategy": "SINGLE_RECORD"}\n'


def test_the_default_accept(worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    assert invoke(worker(SUM).answer, b"1,2\n3,4").body == b"3.0\n7.0\n"


def test_xgboosts_handlers(worker: Make, tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(50, 3))
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(inputs, inputs[:, 0] > 0), 3)
    (tmp_path / "model").mkdir()
    booster.save_model(tmp_path / "model" / "model.ubj")
    text = "import xgboost\ndef model_fn(folder): return xgboost.Booster(model_file=folder + '/model.ubj')\n"
    served = worker(text, xgboost_toolkit)
    rows = "\n".join(",".join(map(str, row)) for row in inputs[:3].tolist()).encode()
    assert json.loads(invoke(served.answer, rows).body) == booster.predict(xgboost.DMatrix(inputs[:3])).tolist()
    sparse = xgboost.DMatrix([[inputs[0, 0], np.nan, inputs[0, 2]]])
    assert json.loads(invoke(served.answer, f"1 0:{inputs[0, 0]} 2:{inputs[0, 2]}".encode(), "text/libsvm").body) == (
        booster.predict(sparse, validate_features=False).tolist()
    )
    assert invoke(served.answer, rows, "application/json").status == 500
