"""Runs of the stand-ins with files of data, and the logs that AWS's metric definitions read."""

import json
import os
import struct
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import regex
import scipy.sparse

from local_emulator.algorithms.recordio import _record
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.program import start

RECORDIO = "application/x-recordio-protobuf"
NAMES = {
    "linear_learner": "linear-learner",
    "factorization_machines": "factorization-machines",
    "xgboost": "sagemaker-xgboost",
    "random_cut_forest": "randomcutforest",
    "deepar": "forecasting-deepar",
}  # of programs that are not called as their images
GOOD: Mapping[str, Mapping[str, object]] = {
    "linear_learner": {"predictor_type": "regressor"},
    "kmeans": {"k": 2, "feature_dim": 2},
    "knn": {"k": 2, "feature_dim": 2, "predictor_type": "regressor", "sample_size": 10},
    "factorization_machines": {"feature_dim": 2, "num_factors": 2, "predictor_type": "regressor"},
    "xgboost": {"num_round": 2},
    "pca": {"feature_dim": 2, "num_components": 1, "mini_batch_size": 2},
    "random_cut_forest": {"feature_dim": 2},
    "lda": {"feature_dim": 2, "num_topics": 2, "mini_batch_size": 2},
    "ntm": {"feature_dim": 2, "num_topics": 2},
    "blazingtext": {"mode": "supervised"},
    "deepar": {"time_freq": "D", "context_length": 7, "prediction_length": 7, "epochs": 2, "mini_batch_size": 8},
}


@dataclass
class Done:
    code: int
    log: str
    failure: str
    model: Path

    def metric(self, algorithm: str, name: str) -> list[float]:
        """Values that AWS's definition of a metric finds in the log, as the platform escapes it."""
        expression = catalogue.load(NAMES.get(algorithm, algorithm)).metrics[name]
        return [float(hit[1]) for line in self.log.replace("\t", "#011").splitlines() if (hit := regex.search(expression, line))]

    def check_lines(self, *expressions: str) -> None:
        """Assert that the log has lines that match, in this order."""
        lines = iter(self.log.splitlines())
        for expression in expressions:
            assert any(regex.fullmatch(expression, line) for line in lines), expression


def run(
    algorithm: str, root: Path, hyperparameters: Mapping[str, object], image: str = "", /, **channels: tuple[str, bytes]
) -> Done:
    """`docker run IMAGE train`, with channels of one file each."""
    return start_with(algorithm, root, hyperparameters, channels, image=image)


def start_with(
    algorithm: str,
    root: Path,
    hyperparameters: Mapping[str, object],
    channels: Mapping[str, tuple[str, bytes]],
    *,
    image: str = "",
    piped: bool = False,
) -> Done:
    """The same, with one FIFO for each channel if they are piped."""
    for folder in ("input/config", "input/data", "model", "output/data"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    texts = {name: str(value) for name, value in hyperparameters.items()}
    (root / "input/config/hyperparameters.json").write_text(json.dumps(texts))
    mode = {"TrainingInputMode": "Pipe"} if piped else {}
    kinds = {name: {"ContentType": kind, **mode} if kind else mode for name, (kind, _) in channels.items()}
    (root / "input/config/inputdataconfig.json").write_text(json.dumps(kinds))
    for name, (_, content) in channels.items():
        if piped:
            os.mkfifo(fifo := root / "input/data" / f"{name}_0")
            threading.Thread(target=fifo.write_bytes, args=(content,), daemon=True).start()
            continue
        (root / "input/data" / name).mkdir(exist_ok=True)
        (root / "input/data" / name / "part").write_bytes(content)
    log = root / "log"
    code = start(f"local_emulator.algorithms.{algorithm}", root, log, image)
    failure = root / "output/failure"
    return Done(code, log.read_text(), failure.read_text() if failure.exists() else "", root / "model")


def csv(features: Any, labels: Any = None) -> tuple[str, bytes]:
    table = features if labels is None else np.column_stack([labels, features])
    text = "\n".join(",".join(f"{value:.9g}" for value in row) for row in table)
    return "text/csv" if labels is not None else "text/csv;label_size=0", text.encode()


def recordio(features: Any, labels: Any = None) -> tuple[str, bytes]:
    """As the SageMaker SDK writes it; sparse features with keys and shape."""
    Record = _record()  # noqa: N806 - a class
    parts = []
    for row in range(features.shape[0]):
        record = Record()
        tensor = record.features["values"].float32_tensor
        if scipy.sparse.issparse(features):
            vector = features.getrow(row)
            tensor.values.extend(vector.data.tolist())
            tensor.keys.extend(vector.indices.tolist())
            tensor.shape.extend([features.shape[1]])
        else:
            tensor.values.extend(features[row].tolist())
        if labels is not None:
            record.label["values"].float32_tensor.values.append(float(labels[row]))
        payload = record.SerializeToString()
        parts += [struct.pack("<II", 0xCED7230A, len(payload)), payload, b"\0" * (-len(payload) % 4)]
    return RECORDIO, b"".join(parts)


def documents(count: int, seed: int, topics: int = 5) -> Any:
    """Counts of 60 words of a document (documents x 25) by planted topics, of 5 words each."""
    chance = np.random.default_rng(seed)
    words = np.kron(np.eye(topics), np.full((1, 25 // topics), topics / 25))
    return np.array([chance.multinomial(60, chance.dirichlet([0.2] * topics) @ words) for _ in range(count)], dtype=float)


def text(count: int, seed: int) -> tuple[str, bytes]:
    """Lines of 12 words with one of three labels, to which 4 of 10 words belong."""
    chance = np.random.default_rng(seed)
    lines = []
    for label in chance.integers(3, size=count):
        words = [f"w{label}{chance.integers(8)}" if chance.random() < 0.4 else f"any{chance.integers(30)}" for _ in range(12)]
        lines.append(f"__label__{label} {' '.join(words)}")
    return "text/plain", "\n".join(lines).encode()


def seasonal(count: int, seed: int, length: int = 84) -> list[dict[str, Any]]:
    """Daily series of many sizes with a planted week, whose last two days are high, and noise of a twentieth."""
    chance = np.random.default_rng(seed)
    week = np.array([1, 1.2, 0.9, 1.1, 1, 3, 2.5])
    sizes = chance.uniform(1, 100, count)
    noise = chance.normal(0, 0.05, (count, length))
    days = np.arange(length) % 7
    return [
        {"start": "2024-01-01 00:00:00", "target": (size * (week[days] + row)).tolist()}
        for size, row in zip(sizes, noise, strict=True)
    ]


def json_lines(entries: Iterable[Mapping[str, Any]]) -> tuple[str, bytes]:
    return "application/jsonlines", "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()


def libsvm(features: Any, labels: Any) -> tuple[str, bytes]:
    rows = [" ".join(f"{column}:{value:.9g}" for column, value in enumerate(row)) for row in features]
    return "text/libsvm", "\n".join(f"{label} {row}" for label, row in zip(labels, rows, strict=True)).encode()
