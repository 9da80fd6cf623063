"""K-nearest neighbours: `python -m local_emulator.algorithms.knn`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.contract import CustomerError, Knob, quality, say

_METRICS = {"L2": "sqeuclidean", "COSINE": "cosine", "INNER_PRODUCT": "inner"}

KNOBS: Mapping[str, Knob] = {
    "feature_dim": Knob(kind=int, low=1, required=True),
    "k": Knob(kind=int, low=1, required=True),
    "predictor_type": Knob(choices=("classifier", "regressor"), required=True),
    "sample_size": Knob(kind=int, low=1, required=True),
    "dimension_reduction_target": Knob(kind=int, low=1),
    "dimension_reduction_type": Knob(choices=("sign", "fjlt")),
    "index_metric": Knob(choices=tuple(_METRICS), default="L2"),
    "mini_batch_size": Knob(kind=int, low=1, default=5000),
    # The index is exact here, whichever of faiss's AWS would build.
    "index_type": Knob(choices=("faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"), default="faiss.Flat"),
    "faiss_index_ivf_nlists": Knob(kind=int, low=1, words=("auto",), default="auto"),
    "faiss_index_pq_m": Knob(kind=int, low=1),
}


def train() -> None:
    """Sample, reduce, index, and score the test channel."""
    knobs = contract.hyperparameters(KNOBS)
    width = knobs["feature_dim"]
    found = data.load("train", width=width)
    if found is None:
        raise CustomerError("The channel 'train' is required.")
    target = knobs["dimension_reduction_target"]
    if knobs["dimension_reduction_type"] is not None and (target is None or target >= width):
        raise CustomerError(
            f"Hyperparameter dimension_reduction_target: {target} must be given and be less than feature_dim {width}."
        )
    chance = np.random.default_rng(0)
    some = chance.permutation(found[0].shape[0])[: knobs["sample_size"]]
    features, labels = found[0][some], found[1][some]
    if knobs["k"] > len(labels):
        raise CustomerError(f"Hyperparameter k: {knobs['k']} is more than the {len(labels)} records of the sample.")
    reduce = None
    if knobs["dimension_reduction_type"] is not None:
        kind = GaussianRandomProjection if knobs["dimension_reduction_type"] == "fjlt" else SparseRandomProjection
        reduce = kind(n_components=target, random_state=0).fit(features)
        features = reduce.transform(features)
    model = _model(knobs).fit(features, labels)
    say(f"The index holds {len(labels)} records of {features.shape[1]} features.")
    test = data.load("test", width=width)
    if test is not None:
        said = model.predict(reduce.transform(test[0]) if reduce is not None else test[0])
        if knobs["predictor_type"] == "classifier":
            quality("test", "accuracy", float((said == test[1]).mean()), kind="score")
        else:
            quality("test", "mse", float(((said - test[1]) ** 2).mean()), kind="loss")
    dense = features if isinstance(features, np.ndarray) else features.toarray()
    contract.save(features=dense, labels=labels, k=knobs["k"])


def _model(knobs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - scikit-learn has no types
    metric = _METRICS[knobs["index_metric"]]
    how: dict[str, Any] = {"metric": metric, "algorithm": "brute"}
    if metric == "inner":
        how["metric"] = _inner
    kind = KNeighborsClassifier if knobs["predictor_type"] == "classifier" else KNeighborsRegressor
    return kind(n_neighbors=knobs["k"], **how)


def _inner(one: Any, other: Any) -> float:  # noqa: ANN401 - rows
    return -float(np.dot(one, other))


if __name__ == "__main__":
    contract.run("k-nearest neighbours", train)
