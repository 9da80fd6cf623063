"""K-nearest neighbours: `python -m local_emulator.algorithms.knn`."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.contract import CustomerError, Floats, say
from sm_tuning.rules.catalogue import Algorithm

_METRICS = {"L2": "sqeuclidean", "COSINE": "cosine", "INNER_PRODUCT": "inner"}


def train(algorithm: Algorithm) -> None:
    """Sample, reduce, index, and score the test channel."""
    hyperparameters = contract.hyperparameters(algorithm)
    width = None if hyperparameters["feature_dim"] == "auto" else hyperparameters["feature_dim"]
    dataset = data.load_train(algorithm, width=width)
    features, labels, reduce = _sample(hyperparameters, *dataset)
    with _timed("Training index", "Finished training index"):
        model = index(hyperparameters["predictor_type"], hyperparameters["index_metric"], hyperparameters["k"], len(labels))
    with _timed("Adding data to index", "Finished adding data to index"):
        model.fit(features, labels)
    test = data.load(algorithm, "test", width=width)
    if test is not None:
        with _timed("Searching index", "Done searching index"):
            said = model.predict(reduce.transform(test[0]) if reduce is not None else test[0])
        contract.scores(
            "test", _scores(hyperparameters, said, test[1]), {"accuracy": "score", "macro_f_1.000": "score", "mse": "loss"}
        )
    contract.save(
        features=data.dense(features),
        labels=labels,
        k=hyperparameters["k"],
        predictor_type=hyperparameters["predictor_type"],
        index_metric=hyperparameters["index_metric"],
        projection=np.empty((0, 0)) if reduce is None else data.dense(reduce.components_),
    )


@contextmanager
def _timed(begin: str, end: str) -> Iterator[None]:
    """AWS's lines before and after a step, with its whole seconds."""
    say(f"{begin}...")
    start = time.monotonic()
    yield
    say(f"...{end} in {time.monotonic() - start:.0f} second(s)")


def _sample(hyperparameters: Mapping[str, Any], features: Any, labels: Floats) -> tuple[Any, Floats, Any]:  # noqa: ANN401 - dense or sparse
    """Sampled and reduced features, their labels, and what reduces further ones (None: nothing)."""
    progress = contract.Progress("AWS/KNN", 1, len(labels))
    some = np.random.default_rng(0).permutation(features.shape[0])[: hyperparameters["sample_size"]]
    features, labels = features[some], labels[some]
    progress.tell(0)
    say("Getting reservoir sample from algo-1...")
    missing = np.isnan(features.data if scipy.sparse.issparse(features) else features).sum()
    say(f"...Got reservoir sample from algo-1: data={features.shape}, labels={labels.shape}, NaNs={missing}")
    if hyperparameters["dimension_reduction_type"] is None:
        return features, labels, None
    target = hyperparameters["dimension_reduction_target"]
    if target is None or target >= features.shape[1]:
        raise CustomerError(
            f"Hyperparameter dimension_reduction_target: {target} must be given and be less than {features.shape[1]}."
        )
    kind = GaussianRandomProjection if hyperparameters["dimension_reduction_type"] == "fjlt" else SparseRandomProjection
    reduce = kind(n_components=target, random_state=0).fit(features)
    return reduce.transform(features), labels, reduce


def _scores(hyperparameters: Mapping[str, Any], said: Floats, labels: Floats) -> Mapping[str, float]:
    if hyperparameters["predictor_type"] == "classifier":
        return {"accuracy": float((said == labels).mean()), "macro_f_1.000": float(f1_score(labels, said, average="macro"))}
    return {"mse": float(((said - labels) ** 2).mean())}


def index(predictor_type: str, index_metric: str, k: int, size: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """The index of `size` records; exact, whichever of faiss's AWS would build. A k beyond them takes them all."""
    metric = _METRICS[index_metric]
    how: dict[str, Any] = {"metric": metric, "algorithm": "brute"}
    if metric == "inner":
        how["metric"] = _inner
    kind = KNeighborsClassifier if predictor_type == "classifier" else KNeighborsRegressor
    return kind(n_neighbors=min(k, size), **how)


def _inner(row: Any, other: Any) -> float:  # noqa: ANN401 - rows
    return -float(np.dot(row, other))


if __name__ == "__main__":
    contract.run("knn", train)
