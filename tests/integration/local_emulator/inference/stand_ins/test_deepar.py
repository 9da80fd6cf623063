"""DeepAR's forecasts, of a model that its stand-in has trained."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.stand_ins.deepar import DeepAr
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.running import Done, json_lines, run, seasonal

WHOLE = seasonal(20, seed=0)
CUT = [{**entry, "target": entry["target"][:-7]} for entry in WHOLE]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    hyperparameters = {
        "time_freq": "D", "context_length": 14, "prediction_length": 7, "epochs": 20, "mini_batch_size": 32,
    }  # fmt: skip
    done = run("deepar", tmp_path_factory.mktemp("deepar"), hyperparameters, train=json_lines(CUT), test=json_lines(WHOLE))
    assert done.code == 0, done.log
    return done


def served(done: Done, environment: Mapping[str, str] | None = None) -> DeepAr:
    application = DeepAr(catalogue.load("forecasting-deepar"), environment or {}, done.model)
    application.load()
    return application


def ask(application: DeepAr, content: bytes, kind: str = "application/json") -> Response:
    return application.answer(Request("POST", "/invocations", content, {"content-type": kind}))


def body(instances: Iterable[Any], **configuration: Any) -> bytes:
    return json.dumps({"instances": list(instances), "configuration": configuration}).encode()


def test_forecasts_are_those_of_the_test_channel(done: Done) -> None:
    response = ask(
        served(done), body(CUT, num_samples=50, output_types=["mean", "quantiles", "samples"], quantiles=["0.1", "0.9"])
    )
    assert (response.status, response.content_type) == (200, "application/json")
    predictions = json.loads(response.body)["predictions"]
    assert [set(prediction) for prediction in predictions] == [{"mean", "quantiles", "samples"}] * 20
    actual = np.array([entry["target"][-7:] for entry in WHOLE])
    means = np.array([prediction["mean"] for prediction in predictions])
    assert np.sqrt(np.mean((means - actual) ** 2)) == pytest.approx(done.metric("deepar", "test:RMSE")[0], rel=0.3)
    low, high = (np.array([prediction["quantiles"][level] for prediction in predictions]) for level in ("0.1", "0.9"))
    assert 0.5 < np.mean((low <= actual) & (actual <= high)) <= 1
    samples = np.array(predictions[0]["samples"])
    assert samples.shape == (50, 7)
    assert np.allclose(samples.mean(axis=0), means[0], rtol=1e-5)


def test_defaults_are_aws_s(done: Done) -> None:
    (prediction,) = json.loads(ask(served(done), json.dumps({"instances": CUT[:1]}).encode()).body)["predictions"]
    assert list(prediction) == ["quantiles", "mean"]
    assert list(prediction["quantiles"]) == [f"0.{digit}" for digit in range(1, 10)]


def test_lines_of_a_batch_transform_are_configured_by_the_environment(done: Done) -> None:
    environment = {
        "DEEPAR_INFERENCE_CONFIG": '{"num_samples": 20, "output_types": ["mean"]}',
        "DEEPAR_FORWARDED_FIELDS": '["name"]',
    }
    lines = [CUT[0] | {"name": "first"}, {"start": "2024-02-01", "target": [1.0, "NaN"]}]
    response = ask(served(done, environment), json_lines(lines)[1], "application/jsonlines")
    first, second = map(json.loads, response.body.splitlines())
    assert response.content_type == "application/jsonlines"
    assert (first["name"], len(first["mean"])) == ("first", 7)
    assert set(second) == {"mean"}


@pytest.mark.parametrize(
    ("kind", "content", "status", "words"),
    [
        ("text/csv", b"1,2", 415, b"Customer Error: Content-Type header value 'text/csv' not supported"),
        ("application/json", b"{}", 400, b"Unable to evaluate payload provided"),
        ("application/json", body([{"start": "x", "target": [1]}]), 400, b"Unable to evaluate payload provided"),
        ("application/json", body(CUT[:1], num_samples=0), 400, b"Unable to evaluate payload provided"),
        ("application/json", body(CUT[:1], output_types=["median"]), 400, b"Unable to evaluate payload provided"),
        ("application/json", body(CUT[:1], quantiles=["1.5"]), 400, b"Unable to evaluate payload provided"),
    ],
)
def test_what_cannot_be_answered(done: Done, kind: str, content: bytes, status: int, words: bytes) -> None:
    """Recorded: issues 785 and 1800 of aws/amazon-sagemaker-examples."""
    response = ask(served(done), content, kind)
    assert (response.status, response.body) == (status, words)


def test_a_configuration_that_cannot_be_is_said_at_the_start(done: Done) -> None:
    for name in ("DEEPAR_INFERENCE_CONFIG", "DEEPAR_FORWARDED_FIELDS"):
        with pytest.raises(ValueError, match=f"The variable {name}"):
            served(done, {name: "3"})
