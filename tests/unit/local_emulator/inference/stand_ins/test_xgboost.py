"""XGBoost's algorithm mode. What is expected was answered by sagemaker-xgboost-container itself, run beside it with the same model."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from local_emulator.algorithms.recordio import read_labels
from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.stand_ins.xgboost import XGBoost
from sm_tuning.rules import catalogue

NEWEST = catalogue.load("sagemaker-xgboost")
INPUTS = np.random.default_rng(0).normal(size=(80, 4))
ROWS = INPUTS[:2].round(3)
CSV = "\n".join(",".join(map(str, row)) for row in ROWS.tolist()).encode()
Invoke = Callable[..., Response]


def train(objective: str = "binary:logistic", **parameters: Any) -> xgboost.Booster:
    labels = (INPUTS[:, 0] > 0).astype(int) + (INPUTS[:, 1] > 1 if "num_class" in parameters else 0)
    return xgboost.train({"objective": objective, **parameters}, xgboost.DMatrix(INPUTS, labels), 3)


def served(folder: Path, *boosters: xgboost.Booster, version: str | None = None, **environment: str) -> XGBoost:
    for number, booster in enumerate(boosters):
        booster.save_model(folder / f"{number}.ubj")
        (folder / f"{number}.ubj").rename(folder / f"xgboost-model{number or ''}")
    algorithm = NEWEST if version is None else catalogue.load("sagemaker-xgboost", version)
    application = XGBoost(algorithm, environment, folder)
    application.load()
    return application


def invoke(application: XGBoost, body: bytes = CSV, kind: str = "text/csv", accept: str = "") -> Response:
    headers = {"content-type": kind} if kind else {}
    return application.answer(Request("POST", "/invocations", body, headers | ({"accept": accept} if accept else {})))


@pytest.fixture(scope="module")
def booster() -> xgboost.Booster:
    return train()


@pytest.fixture(scope="module")
def application(booster: xgboost.Booster, tmp_path_factory: pytest.TempPathFactory) -> XGBoost:
    return served(tmp_path_factory.mktemp("model"), booster)


def test_predictions_are_the_models(application: XGBoost, booster: xgboost.Booster) -> None:
    said = booster.predict(xgboost.DMatrix(ROWS)).tolist()
    answer = invoke(application)
    assert (answer.content_type, answer.body.decode()) == ("text/csv; charset=utf-8", "".join(f"{score}\n" for score in said))
    assert invoke(application, CSV + b"\n", accept="*/*").body == answer.body
    answer = invoke(application, accept="application/json")
    assert answer.content_type == "application/json"
    assert json.loads(answer.body) == {"predictions": [{"score": score} for score in said]}
    sparse = "\n".join(" ".join(["1", *(f"{index}:{value}" for index, value in enumerate(row))]) for row in ROWS.tolist())
    for kind in ("text/libsvm", "text/x-libsvm", ""):
        assert invoke(application, sparse.encode(), kind).body.decode() == "".join(f"{score}\n" for score in said)


ACCEPTED = "csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, application/x-parquet, "
UNREADABLE = (
    "Loading csv data failed with Exception, please ensure data is in csv format:\n <class 'ValueError'>\n could not convert"
)
LABELLED = "text/csv; label_size=0 is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
ANSWERS = "['application/json', 'application/jsonlines', 'application/x-recordio-protobuf', 'text/csv']."


@pytest.mark.parametrize(
    ("body", "kind", "accept", "status", "words"),
    [
        (CSV, "application/json", "", 415, f"application/json is not an accepted ContentType: {ACCEPTED}application/x-recordio-"),
        (CSV, "text/csv; label_size=0", "", 415, LABELLED),
        (CSV, "application/x-parquet", "", 415, "Content-type application/x-parquet is not supported."),
        (b"a,b,c", "text/csv", "", 415, UNREADABLE),
        (CSV, "application/x-recordio-protobuf", "", 415, "Loading recordio-protobuf data failed with Exception"),
        (b"1,2,3,4,5,6", "text/csv", "", 400, "Number of columns does not match number of features in booster."),
        (
            CSV,
            "text/csv",
            "text/plain",
            406,
            f"Accept type text/plain is not supported. Please use supported accept types: {ANSWERS}",
        ),
        (b"", "text/csv", "", 204, ""),
    ],
)
def test_refusals(application: XGBoost, body: bytes, kind: str, accept: str, status: int, words: str) -> None:
    answer = invoke(application, body, kind, accept)
    assert (answer.status, answer.content_type) == (status, "text/html; charset=utf-8")
    assert words in answer.body.decode()


def test_paths(application: XGBoost) -> None:
    assert application.answer(Request("GET", "/ping")) == Response(200, b"", "text/html; charset=utf-8")
    parameters = json.loads(application.answer(Request("GET", "/execution-parameters")).body)
    assert (parameters["BatchStrategy"], parameters["MaxPayloadInMB"]) == ("MULTI_RECORD", 6)
    assert parameters["MaxConcurrentTransforms"] >= 1
    assert application.answer(Request("GET", "/invocations")).status == 405


def test_older_versions_take_indices_from_one(booster: xgboost.Booster, tmp_path: Path) -> None:
    old, new = served(tmp_path, booster, version="1.0-1"), served(tmp_path, booster, version="1.3-1")
    assert invoke(old, b"1 1:0.5 2:1 4:9", "").body == invoke(old, b"1 1:0.5 2:1", "").body
    assert invoke(new, b"1 1:0.5 2:1 4:9", "").status == 400
    assert invoke(old, b"1 1:0.5 5:9", "").status == 400


def test_older_versions_answer_one_line(booster: xgboost.Booster, tmp_path: Path) -> None:
    said = booster.predict(xgboost.DMatrix(ROWS)).tolist()
    answer = invoke(served(tmp_path, booster, version="1.0-1"), accept="application/json")
    assert (answer.content_type, answer.body.decode()) == ("text/csv; charset=utf-8", ",".join(map(str, said)))


def test_a_line_for_each_record_in_batches(booster: xgboost.Booster, tmp_path: Path) -> None:
    said = booster.predict(xgboost.DMatrix(ROWS)).tolist()
    answer = invoke(served(tmp_path, booster, SAGEMAKER_BATCH="true"), accept="text/csv")
    assert answer.body.decode() == "".join(f"{score}\n" for score in said)


def test_classes(tmp_path: Path) -> None:
    booster = train("multi:softprob", num_class=3)
    chances = booster.predict(xgboost.DMatrix(ROWS)).tolist()
    application = served(tmp_path, booster)
    assert [list(map(float, line.split(b","))) for line in invoke(application).body.splitlines()] == chances
    answer = json.loads(invoke(application, accept="application/json").body)
    assert answer == {"predictions": [{"score": row} for row in chances]}


def test_several_boosters_are_an_ensemble(booster: xgboost.Booster, tmp_path: Path) -> None:
    other = train(max_depth=1)
    each = [model.predict(xgboost.DMatrix(ROWS)) for model in (booster, other)]
    answer = json.loads(invoke(served(tmp_path, booster, other), accept="application/json").body)
    assert [entry["score"] for entry in answer["predictions"]] == pytest.approx(np.mean(each, axis=0))


def test_a_pickled_model_and_none(booster: xgboost.Booster, tmp_path: Path) -> None:
    application = XGBoost(NEWEST, {}, tmp_path)
    with pytest.raises(FileNotFoundError, match="The model holds no file"):
        application.load()
    (tmp_path / "xgboost-model").write_bytes(b"nothing")
    with pytest.raises(
        ValueError, match=r"(?s)Model /opt/ml/model/xgboost-model cannot be loaded:\nPickle load error=.*XGB load"
    ):
        application.load()
    (tmp_path / "xgboost-model").write_bytes(pickle.dumps(booster))
    application.load()
    assert invoke(application).body == "".join(f"{s}\n" for s in booster.predict(xgboost.DMatrix(ROWS)).tolist()).encode()


def test_selected_output(booster: xgboost.Booster, tmp_path: Path) -> None:
    said = booster.predict(xgboost.DMatrix(ROWS)).tolist()
    application = served(tmp_path, booster, SAGEMAKER_INFERENCE_OUTPUT="predicted_label, probabilities")
    rows = [{"predicted_label": int(score > 0.5), "probabilities": [1.0 - score, score]} for score in said]
    assert json.loads(invoke(application, accept="application/json").body) == {"predictions": rows}
    lines = invoke(application, accept="application/jsonlines").body.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert invoke(application).body.decode() == "\n".join(f'{row["predicted_label"]},"{row["probabilities"]}"' for row in rows)
    records = read_labels(invoke(application, accept="application/x-recordio-protobuf").body)
    assert [record["probabilities"] for record in records] == [pytest.approx(row["probabilities"]) for row in rows]
