"""The server of AWS's own algorithms: paths, failures, and models that it does not take."""

import json
from pathlib import Path

import numpy as np
import pytest

from local_emulator.inference.serving.messages import FAILURE, Request, Response
from local_emulator.inference.stand_ins import applications
from local_emulator.inference.stand_ins.first_party import FirstParty
from local_emulator.inference.stand_ins.predictors import PREDICTORS
from local_emulator.runs.images import stand_in_algorithm
from sm_tuning.rules import catalogue
from tests.conftest import ROOT
from tests.integration.local_emulator.inference.containers import serving

KMEANS = catalogue.load("kmeans")


def application(folder: Path, **environment: str) -> FirstParty:
    return FirstParty(KMEANS, PREDICTORS["kmeans"], environment, folder)


@pytest.fixture
def served(tmp_path: Path) -> FirstParty:
    with (tmp_path / "model_algo-1").open("wb") as file:
        np.savez(file, centers=np.array([[0.0, 0.0], [3.0, 4.0]]))
    loaded = application(tmp_path)
    loaded.load()
    return loaded


def invoke(served: FirstParty, body: bytes, kind: str = "text/csv", accept: str = "") -> Response:
    return served.answer(Request("POST", "/invocations", body, {"content-type": kind, "accept": accept}))


def test_answers(served: FirstParty) -> None:
    answer = invoke(served, b"3,4\n0,1\n")
    assert answer.content_type == "application/json"
    assert json.loads(answer.body)["predictions"] == [
        {"closest_cluster": 1.0, "distance_to_cluster": 0.0},
        {"closest_cluster": 0.0, "distance_to_cluster": 1.0},
    ]
    assert invoke(served, b"3,4\n0,1", accept="text/csv").body == b"1.0,0.0\n0.0,1.0"


def test_failures_in_aws_s_words(served: FirstParty, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert invoke(served, b"x", "application/octet-stream") == Response(
        415, b"content-type application/octet-stream not supported", "text/html; charset=utf-8"
    )
    assert "Traceback" not in capsys.readouterr().out
    sentence = "The records have 3 features; those that the model was trained with had 2."
    assert invoke(served, b"1,2,3") == Response(
        400,
        b"unable to evaluate payload provided",
        "text/html; charset=utf-8",
        {FAILURE: f"local_emulator.inference.stand_ins.records.UnreadableError: {sentence}"},
    )
    assert sentence in capsys.readouterr().out


def test_paths(served: FirstParty) -> None:
    assert served.answer(Request("GET", "/ping")).status == 200
    assert json.loads(served.answer(Request("GET", "/execution-parameters")).body)["BatchStrategy"] == "MULTI_RECORD"
    assert served.answer(Request("POST", "/ping")).status == 405


def test_models_that_it_does_not_take(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"The model holds no file model_algo-1, which the training of K-Means writes\."):
        application(tmp_path).load()
    (tmp_path / "model_algo-1").write_bytes(b"MXNet's")
    with pytest.raises(
        ValueError, match="is no model of sm-tuning's stand-in for K-Means; one that was trained in AWS cannot be"
    ):
        application(tmp_path).load()
    with (tmp_path / "model_algo-1").open("wb") as file:
        np.savez(file, middles=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"The model lacks 'centers': an older sm-tuning trained it\. Train it again\."):
        application(tmp_path).load()


def test_the_program(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with (tmp_path / "model" / "model_algo-1").open("wb") as file:
        np.savez(file, centers=np.array([[0.0, 0.0], [3.0, 4.0]]))
    words = ("-m", "local_emulator.inference.stand_ins", "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1")
    with serving(words, tmp_path, {"PYTHONPATH": str(ROOT)}) as program:
        assert program.invoke(b"3,4", accept="text/csv").body == b"1.0,0.0"
        assert program.end() == 0


def test_every_stand_in_is_served() -> None:
    programs = {algorithm.program for algorithm in map(catalogue.load, catalogue.names()) if algorithm.program}
    assert set(applications.SERVED) == programs
    assert {program for program, module in applications.SERVED.items() if module == "predictors"} == set(PREDICTORS)
    assert stand_in_algorithm("382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1", {}) is not None
    assert isinstance(applications.make(KMEANS), FirstParty)
