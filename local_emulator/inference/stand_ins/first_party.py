"""The server of AWS's own algorithms: content types, failures and log of their toolkit."""

import os
import sys
import traceback
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from local_emulator.algorithms.contract import MODEL, ROOT, say
from local_emulator.inference.serving import messages
from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.stand_ins import records
from local_emulator.inference.stand_ins.algorithm_server import EMPTY, AlgorithmServer
from local_emulator.inference.stand_ins.records import Row
from sm_tuning.rules.catalogue import Algorithm

Arrays = Mapping[str, Any]


class Predictor(Protocol):
    """The model of an algorithm."""

    key: str
    """Name of the list of answers in JSON."""
    csv: bool
    """Whether it answers CSV."""
    width: int
    """Number of features."""

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401 - dense or sparse
        """An answer for each record (rows x width)."""


class FirstParty(AlgorithmServer):
    """Serves the model of an algorithm."""

    def __init__(
        self,
        algorithm: Algorithm,
        make_predictor: Callable[[Arrays], Predictor],
        environment: Mapping[str, str] = os.environ,
        model: Path = ROOT / "model",
    ) -> None:
        self._algorithm = algorithm
        self._make = make_predictor
        self._default = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", records.JSON)
        self._file = model / MODEL

    def load(self) -> None:
        """Load the model; raises ValueError for a file that the stand-in has not written."""
        say("loading model...")
        self._predictor = self._make(arrays(self._file, self._algorithm))
        say("...model loaded.")

    def invoke(self, request: Request) -> Response:
        """Answer a request to `/invocations`."""
        declared = request.headers.get("content-type", "")
        kind = declared.partition(";")[0].strip().lower()
        if kind not in {records.JSON, records.LINES, records.CSV, records.RECORDIO}:
            return failure(415, f"content-type {declared} not supported")
        accept, verbose = records.accepted(request.headers.get("accept", ""), self._default, csv=self._predictor.csv)
        try:
            features = records.features(request.body, kind, self._predictor.width)
            rows = self._predictor.predict(features, verbose=verbose)
        except Exception:  # noqa: BLE001 - AWS's code and sentence for whatever cannot be predicted
            return failure(400, "unable to evaluate payload provided")
        return Response(200, records.encode(rows, self._predictor.key, accept), accept)


def arrays(file: Path, algorithm: Algorithm) -> Arrays:
    """The arrays of a model; raises ValueError for a file that the stand-in has not written."""
    if not file.is_file():
        raise ValueError(f"The model holds no file {file.name}, which the training of {algorithm.title} writes.")
    try:
        with np.load(file, allow_pickle=False) as archive:
            return _Arrays(archive)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{file.name} is no model of sm-tuning's stand-in for {algorithm.title}; one that was trained in AWS cannot be served "
            f"here: {error}"
        ) from error


class _Arrays(dict[str, Any]):
    """A model that lacks what is asked for is an older stand-in's."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - dict's
        raise ValueError(f"The model lacks {name!r}: an older sm-tuning trained it. Train it again.")


def failure(status: int, text: str) -> Response:
    """A failure in AWS's words; the log has the reason."""
    error = sys.exception()
    say(text if error is None else f"{text}\n{traceback.format_exc().rstrip()}")
    return Response(status, text.encode(), EMPTY, {} if error is None else messages.failure(error))
