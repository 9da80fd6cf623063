"""BlazingText's answers, of a model that its stand-in has trained."""

import json
from pathlib import Path

import numpy as np
import pytest

from local_emulator.inference.serving.messages import Request
from local_emulator.inference.stand_ins.blazingtext import BlazingText
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.running import run, text


def test_blazingtext(tmp_path: Path) -> None:
    lines = text(200, 0)
    done = run(
        "blazingtext",
        tmp_path,
        {"mode": "supervised", "epochs": 5, "word_ngrams": 2, "vector_dim": 10},
        train=lines,
        validation=lines,
    )
    assert done.code == 0, done.log
    application = BlazingText(catalogue.load("blazingtext"), {}, done.model)
    application.load()
    documents_ = [line.split(" ", 1) for line in lines[1].decode().splitlines()]
    body = json.dumps({"instances": [words for _, words in documents_]}).encode()
    response = application.answer(Request("POST", "/invocations", body, {"content-type": "application/json"}))
    said = json.loads(response.body)
    accuracy = np.mean([row["label"] == [label] for row, (label, _) in zip(said, documents_, strict=True)])
    assert accuracy == pytest.approx(done.metric("blazingtext", "validation:accuracy")[0], abs=1e-4)
    assert set(said[0]) == {"label", "prob"}
    body = json.dumps({"source": documents_[0][1], "k": 3}).encode() + b"\n" + json.dumps({"source": "unknown words"}).encode()
    response = application.answer(Request("POST", "/invocations", body, {"content-type": "application/jsonlines"}))
    first, second = map(json.loads, response.body.splitlines())
    assert (sorted(first["label"]), sum(first["prob"])) == (["__label__0", "__label__1", "__label__2"], pytest.approx(1))
    assert (first["prob"], len(second["label"])) == (sorted(first["prob"], reverse=True), 1)
    for kind, content, status, words in (
        ("application/octet-stream", b"x", 415, b"content-type application/octet-stream not supported"),
        ("application/json", b"{}", 400, b"unable to evaluate payload provided"),
        ("application/jsonlines", b'{"source": "a", "k": 0}', 400, b"unable to evaluate payload provided"),
    ):
        response = application.answer(Request("POST", "/invocations", content, {"content-type": kind}))
        assert (response.status, response.body) == (status, words)
