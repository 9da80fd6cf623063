"""DeepAR's forecasts: time series in, mean, quantiles and sample paths of what follows out."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from local_emulator.algorithms.contract import MODEL, ROOT, say
from local_emulator.algorithms.forecaster import Forecaster, Shape
from local_emulator.algorithms.series import Series
from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.stand_ins.algorithm_server import AlgorithmServer
from local_emulator.inference.stand_ins.first_party import arrays, failure
from local_emulator.inference.stand_ins.records import JSON, LINES, single
from sm_tuning.rules.catalogue import Algorithm

_CONFIGURATION = "DEEPAR_INFERENCE_CONFIG"
_FORWARDED = "DEEPAR_FORWARDED_FIELDS"
_TYPES = ("mean", "quantiles", "samples")


@dataclass(frozen=True)
class Configuration:
    """What is wanted of a forecast; the defaults are AWS's."""

    samples: int = 100
    types: Sequence[str] = ("mean", "quantiles")
    quantiles: Sequence[str] = tuple(f"0.{digit}" for digit in range(1, 10))

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """`{"num_samples": 50, "output_types": ["mean"], "quantiles": ["0.5"]}`; raises ValueError."""
        default = cls()
        samples = int(content.get("num_samples", default.samples))
        types = content.get("output_types", default.types)
        quantiles = [str(level) for level in content.get("quantiles", default.quantiles)]
        if samples < 1:
            raise ValueError(f"num_samples is {samples}; it must be at least 1")
        if not set(types) <= set(_TYPES):
            raise ValueError(f"output_types is {types}; it must be some of {', '.join(_TYPES)}")
        if not all(0 < float(level) < 1 for level in quantiles):
            raise ValueError(f"quantiles is {quantiles}; they must be between 0 and 1")
        return cls(samples, types, quantiles)


class DeepAr(AlgorithmServer):
    """Serves a model."""

    def __init__(self, algorithm: Algorithm, environment: Mapping[str, str] = os.environ, model: Path = ROOT / "model") -> None:
        self._algorithm = algorithm
        self._file = model / MODEL
        self._environment = environment

    def load(self) -> None:
        """Load the model; raises ValueError for a file that the stand-in has not written, or a configuration that cannot be."""
        say("loading model...")
        try:
            self._default = Configuration.of(json.loads(self._environment.get(_CONFIGURATION) or "{}"))
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"The variable {_CONFIGURATION} cannot be read: {error}.") from error
        try:
            self._forwarded = list(map(str, json.loads(self._environment.get(_FORWARDED) or "[]")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"The variable {_FORWARDED} is no list of names in JSON: {error}.") from error
        saved = dict(arrays(self._file, self._algorithm))
        shape, width = Shape(**json.loads(str(saved.pop("shape")))), int(saved.pop("width"))
        self._forecaster = Forecaster(shape, width, saved)
        say("...model loaded.")

    def invoke(self, request: Request) -> Response:
        """Answer a request to `/invocations`."""
        declared = request.headers.get("content-type", "")
        kind = declared.partition(";")[0].strip().lower()
        if kind not in {JSON, LINES}:
            return failure(415, f"Customer Error: Content-Type header value '{declared}' not supported")
        try:
            if kind == JSON:
                content = json.loads(request.body)
                text = json.dumps({"predictions": self._forecasts(content["instances"], _configuration(content, self._default))})
            else:
                entries = [json.loads(line) for line in request.body.decode().splitlines() if line.strip()]
                rows = self._forecasts(entries, self._default)
                kept = [{name: entry[name] for name in self._forwarded if name in entry} for entry in entries]
                text = "".join(f"{json.dumps(more | row)}\n" for row, more in zip(rows, kept, strict=True))
        except Exception:  # noqa: BLE001 - AWS's code and sentence, recorded of DeepAR, for whatever cannot be
            return failure(400, "Unable to evaluate payload provided")
        return Response(200, text.encode(), kind)

    def _forecasts(self, entries: Sequence[Any], configuration: Configuration) -> list[dict[str, Any]]:
        instances = [Series.of(entry) for entry in entries]
        for number, series in enumerate(instances):
            problem = self._forecaster.shape.problem(series, future=True)
            if problem is not None:
                raise ValueError(f"instance {number}: {problem}")
        paths = self._forecaster.paths(instances, configuration.samples, np.random.default_rng()) if instances else ()
        return [_forecast(drawn, configuration) for drawn in paths]


def make(algorithm: Algorithm) -> DeepAr:
    """The application."""
    return DeepAr(algorithm)


def _configuration(content: Mapping[str, Any], default: Configuration) -> Configuration:
    return Configuration.of(content["configuration"]) if "configuration" in content else default


def _forecast(paths: Any, configuration: Configuration) -> dict[str, Any]:  # noqa: ANN401 - an array, samples x points
    forecast: dict[str, Any] = {}
    if "quantiles" in configuration.types:
        levels = np.quantile(paths, [float(level) for level in configuration.quantiles], axis=0)
        forecast["quantiles"] = dict(zip(configuration.quantiles, single(levels), strict=True))
    if "samples" in configuration.types:
        forecast["samples"] = single(paths)
    if "mean" in configuration.types:
        forecast["mean"] = single(paths.mean(axis=0))
    return forecast
