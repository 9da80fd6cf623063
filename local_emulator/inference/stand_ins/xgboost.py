"""XGBoost's image without a script: content types, answers and failures of its algorithm mode."""

import json
import os
import pickle
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import scipy.stats
import xgboost

from local_emulator.algorithms import data, recordio
from local_emulator.algorithms.contract import ROOT
from local_emulator.algorithms.xgboost import PICKLED, content_type, say
from local_emulator.inference.serving.messages import JSON, Request, Response, with_charset
from local_emulator.inference.stand_ins import xgboost_output
from local_emulator.inference.stand_ins.algorithm_server import EMPTY, AlgorithmServer
from local_emulator.inference.toolkits.encoding import CONTAINERS, CSV
from local_emulator.inference.toolkits.xgboost import of_csv, of_libsvm
from sm_tuning.rules.catalogue import Algorithm

_MIB = 2**20
_ACCEPTS = [JSON, "application/jsonlines", "application/x-recordio-protobuf", CSV]
_ONE_LINE = PICKLED - {"1.2-2"}  # versions that answer CSV alone, all predictions in one line
_BY_VOTE = {"multi:softmax", "binary:hinge"}


class XGBoost(AlgorithmServer):
    """Serves the boosters of a model; several are an ensemble."""

    def __init__(self, algorithm: Algorithm, environment: Mapping[str, str] = os.environ, model: Path = ROOT / "model") -> None:
        self._algorithm = algorithm
        self._environment = environment
        self._folder = model
        self._guard = threading.Lock()  # a booster predicts for one thread at a time in AWS too
        self.max_body = int(environment.get("MAX_CONTENT_LENGTH", 6 * _MIB))

    def load(self) -> None:
        """Load the boosters."""
        paths = sorted(path for path in self._folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if not paths:
            raise FileNotFoundError(f"The model holds no file: {self._folder} must have xgboost-model.")
        together = self._environment.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true"
        self._boosters = [_load(path) for path in (paths if together else paths[:1])]
        learner = json.loads(self._boosters[0].save_config())["learner"]
        self._objective = str(learner["objective"]["name"])
        self._classes = int(learner["learner_model_param"].get("num_class", "0"))
        say(f"Model objective : {self._objective}")

    def invoke(self, request: Request) -> Response:
        """Answer a request to `/invocations`."""
        if not request.body:
            return Response(204, b"", EMPTY)
        try:
            matrix = self._matrix(request)
        except Exception as error:  # noqa: BLE001 - AWS's code for whatever cannot be read
            return _failure(415, str(error))
        try:
            with self._guard:
                predictions = self._predict(matrix)
        except Exception as error:  # noqa: BLE001 - AWS's code for whatever cannot be predicted
            return _failure(400, f"Unable to evaluate payload provided: {error}")
        if self._algorithm.version in _ONE_LINE:
            separator = "\n" if self._in_batch else ","
            text = separator.join(map(str, predictions.tolist())) + ("\n" if self._in_batch else "")
            return Response(200, text.encode(), with_charset(CSV))
        accept = request.headers.get("accept", "").partition(";")[0].strip()
        accept = self._environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", CSV) if accept in {"", "*/*"} else accept.lower()
        if accept not in _ACCEPTS:
            return _failure(406, f"Accept type {accept} is not supported. Please use supported accept types: {_ACCEPTS}.")
        return self._encoded(predictions, accept)

    @property
    def _in_batch(self) -> bool:
        return bool(self._environment.get("SAGEMAKER_BATCH"))

    def _encoded(self, predictions: Any, accept: str) -> Response:  # noqa: ANN401 - an array
        asked = self._environment.get("SAGEMAKER_INFERENCE_OUTPUT")
        if asked is not None:
            try:
                body = xgboost_output.encode(predictions, asked, self._objective, self._classes, accept)
            except xgboost_output.UnsupportedError as error:
                return _failure(500, str(error))
            newline = b"\n" if self._in_batch and accept == CSV else b""
            return Response(200, body + newline, with_charset(accept))
        if self._in_batch:
            body = "".join(f"{prediction}\n" for prediction in predictions.tolist()).encode()
        elif accept == JSON:
            body = json.dumps({"predictions": [{"score": score} for score in predictions.tolist()]}).encode()
        else:
            body = CONTAINERS.encode(predictions.tolist(), accept).encode()
        return Response(200, body, with_charset(accept))

    def _matrix(self, request: Request) -> xgboost.DMatrix:
        declared = request.headers.get("content-type", "")
        kind = content_type(self._algorithm, declared)
        if kind == "parquet":
            raise ValueError(f"Content-type {declared} is not supported.")
        try:
            if kind == "csv":
                return of_csv(request.body.strip().decode())
            if kind == "libsvm":
                features = self._boosters[0].num_features() if self._algorithm.version in PICKLED else None
                return of_libsvm(request.body.strip().decode(), features)
            features, _ = recordio.read(request.body, "the request")
            return xgboost.DMatrix(data.dense(features) if not scipy.sparse.issparse(features) else features)
        except Exception as error:
            gap = " " if kind == "recordio-protobuf" else "\n "
            raise ValueError(
                f"Loading {kind} data failed with Exception, please ensure data is in {kind} format:{gap}{type(error)}{gap}{error}"
            ) from error

    def _predict(self, matrix: xgboost.DMatrix) -> Any:  # noqa: ANN401 - an array
        each = [booster.predict(matrix, validate_features=False) for booster in self._boosters]
        if len(each) == 1:
            return each[0]
        return scipy.stats.mode(each).mode if self._objective in _BY_VOTE else np.mean(each, axis=0)


def make(algorithm: Algorithm) -> XGBoost:
    """The application for a version."""
    return XGBoost(algorithm)


def _load(path: Path) -> xgboost.Booster:
    """A booster that was pickled, or saved by XGBoost."""
    say(f"Loading the model from /opt/ml/model/{path.name}")
    content = path.read_bytes()
    try:
        booster = pickle.loads(content)  # noqa: S301 - the user's own model, as AWS's image reads it
    except Exception as as_pickle:  # noqa: BLE001 - whatever the bytes bring about
        booster = xgboost.Booster()
        try:
            booster.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            first = str(error).strip().splitlines()[0]
            raise ValueError(
                f"Model /opt/ml/model/{path.name} cannot be loaded:\nPickle load error={as_pickle}\nXGB load model error={first}"
            ) from error
    if not isinstance(booster, xgboost.Booster):
        booster = booster.get_booster()  # of XGBoost's classes for scikit-learn
    booster.set_param({"nthread": 1})
    loaded: xgboost.Booster = booster
    return loaded


def _failure(status: int, text: str) -> Response:
    if status >= 500:  # noqa: PLR2004 - HTTP
        traceback.print_exc()
    say(text)
    return Response(status, text.encode(), EMPTY)
