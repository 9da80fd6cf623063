"""BlazingText's text classification: sentences in, the likeliest labels out."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import scipy.special

from local_emulator.algorithms import blazingtext
from local_emulator.algorithms.contract import MODEL, ROOT, say
from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.stand_ins.algorithm_server import AlgorithmServer
from local_emulator.inference.stand_ins.first_party import arrays, failure
from local_emulator.inference.stand_ins.records import JSON, LINES, single
from sm_tuning.rules.catalogue import Algorithm

_PREFIX = "__label__"


class BlazingText(AlgorithmServer):
    """Serves a model of mode `supervised`."""

    def __init__(self, algorithm: Algorithm, environment: Mapping[str, str] = os.environ, model: Path = ROOT / "model") -> None:
        self._algorithm = algorithm
        self._default = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "")
        self._file = model / MODEL

    def load(self) -> None:
        """Load the model; raises ValueError for a file that the stand-in has not written."""
        say("loading model...")
        saved = arrays(self._file, self._algorithm)
        hyperparameters = {name: int(saved[name]) for name in ("word_ngrams", "buckets")}
        model = blazingtext.Model(hyperparameters, saved["words"].tolist(), saved["labels"].tolist())
        model.rows = {key: row for row, key in enumerate(saved["rows"].tolist())}
        model.vectors, model.output = saved["vectors"], saved["output"]
        self._model = model
        say("...model loaded.")

    def invoke(self, request: Request) -> Response:
        """Answer a request to `/invocations`."""
        declared = request.headers.get("content-type", "")
        kind = declared.partition(";")[0].strip().lower()
        if kind not in {JSON, LINES}:
            return failure(415, f"content-type {declared} not supported")
        try:
            sentences, counts = _of_json(request.body) if kind == JSON else _of_lines(request.body)
            rows = self._rows(sentences, counts)
        except Exception:  # noqa: BLE001 - AWS's code and sentence for whatever cannot be predicted
            return failure(400, "unable to evaluate payload provided")
        accept = request.headers.get("accept", "").partition(";")[0].strip().lower()
        accept = next((name for name in (accept, self._default, kind) if name in {JSON, LINES}), JSON)
        text = json.dumps(rows) if accept == JSON else "".join(f"{json.dumps(row)}\n" for row in rows)
        return Response(200, text.encode(), accept)

    def _rows(self, sentences: Sequence[str], counts: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        chances = scipy.special.softmax(self._model.scores([blazingtext.of_text(text) for text in sentences]), axis=1)
        rows = []
        for row, count in zip(chances, counts, strict=True):
            order = (-row).argsort(kind="stable")[:count]
            rows.append({"label": [f"{_PREFIX}{self._model.labels[index]}" for index in order], "prob": single(row[order])})
        return rows


def make(algorithm: Algorithm) -> BlazingText:
    """The application."""
    return BlazingText(algorithm)


def _of_json(body: bytes) -> tuple[Sequence[str], Sequence[int]]:
    """Sentences, and how many labels are wanted of each: `{"instances": ["…"], "configuration": {"k": 2}}`."""
    content = json.loads(body)
    sentences = [str(text) for text in content["instances"]]
    return sentences, [_count(content.get("configuration", {}))] * len(sentences)


def _of_lines(body: bytes) -> tuple[Sequence[str], Sequence[int]]:
    """The same of a line for each: `{"source": "…", "k": 2}`."""
    lines = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
    return [str(line["source"]) for line in lines], [_count(line) for line in lines]


def _count(configuration: Mapping[str, Any]) -> int:
    count = int(configuration.get("k", 1))
    if count < 1:
        raise ValueError(f"k is {count}; it must be at least 1")
    return count
