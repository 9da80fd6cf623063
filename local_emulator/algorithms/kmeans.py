"""K-means: `python -m local_emulator.algorithms.kmeans`."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus
from sklearn.metrics import pairwise_distances_argmin_min

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.adam import batches
from local_emulator.algorithms.contract import CustomerError, Floats, quality, say
from sm_tuning.rules.catalogue import Algorithm

_MOST_EXTRA = 10  # of the automatic extra_center_factor
_SCORES = ("msd", "ssd")
_TRIALS = 10  # of the automatic local_lloyd_num_trials


def train(algorithm: Algorithm) -> None:
    """Web-scale k-means for many centers over the stream of mini-batches, then Lloyd's over those centers for k."""
    hyperparameters = contract.hyperparameters(algorithm)
    wanted = [name for name in _SCORES if name in hyperparameters["eval_metrics"]]
    features, _ = data.load_train(algorithm, width=hyperparameters["feature_dim"], labelled=False)
    rows = features.shape[0]
    k = hyperparameters["k"]
    if rows < k:
        raise CustomerError(f"There are {rows} records, fewer than the {k} clusters of hyperparameter k.")
    extra = hyperparameters["extra_center_factor"]
    # AWS's automatic number grows with the data; this keeps to its bounds.
    extra = min(_MOST_EXTRA, max(1, math.floor(rows / (10 * k)))) if extra == "auto" else extra
    many = min(k * extra, rows)
    centers, counts = _stream(features, many, hyperparameters)
    final = _shrink(centers, np.maximum(counts, 1e-9), hyperparameters)
    for name, value in _scores(features, final, wanted).items():
        quality("train", name, value, kind="loss")
    test = data.load(algorithm, "test", width=hyperparameters["feature_dim"], labelled=False)
    if test is not None:
        contract.scores("test", _scores(test[0], final, wanted), dict.fromkeys(_SCORES, "loss"))
    contract.save(centers=final)


def _shrink(centers: Floats, weights: Floats, hyperparameters: Mapping[str, Any]) -> Floats:
    """The best of some runs of Lloyd's over weighted centers (many x features): k x features."""
    trials = hyperparameters["local_lloyd_num_trials"]
    best, least = centers, math.inf
    for attempt in range(_TRIALS if trials == "auto" else trials):
        lloyd = KMeans(
            n_clusters=hyperparameters["k"],
            init="k-means++" if hyperparameters["local_lloyd_init_method"] == "kmeans++" else "random",
            n_init=1,
            max_iter=hyperparameters["local_lloyd_max_iter"],
            tol=hyperparameters["local_lloyd_tol"],
            random_state=attempt,
        ).fit(centers, sample_weight=weights)
        distance = float(lloyd.inertia_ / weights.sum())
        say(f"local kmeans attempt #{attempt}. Current mean square distance {distance:f}")
        if distance < least:
            best, least = lloyd.cluster_centers_, distance
    say(f"finished shrinking process. Mean Square Distance = {int(least)}")  # a whole number in AWS
    return best


def _stream(features: Any, many: int, hyperparameters: Mapping[str, Any]) -> tuple[Floats, Floats]:  # noqa: ANN401 - dense or sparse
    chance = np.random.default_rng(0)
    size = max(hyperparameters["mini_batch_size"], many)  # the first mini-batch must hold a record for each center
    first = features[chance.permutation(features.shape[0])[:size]]
    if hyperparameters["init_method"] == "kmeans++":
        start, _ = kmeans_plusplus(first, many, random_state=0)
    else:
        start = first[chance.choice(first.shape[0], many, replace=False)]
    model = MiniBatchKMeans(
        n_clusters=many, init=data.dense(start), n_init=1, batch_size=size, random_state=0, reassignment_ratio=0
    )
    progress = contract.Progress("AWS/KMeansWebscale", hyperparameters["epochs"], features.shape[0])
    for epoch in range(hyperparameters["epochs"]):
        for some in batches(features.shape[0], size, chance):
            model.partial_fit(features[some])
        quality("train", "msd", _distances(features, model.cluster_centers_).mean(), kind="loss", epoch=epoch)
        progress.tell(epoch)
    labels = model.predict(features)
    return model.cluster_centers_, np.bincount(labels, minlength=many).astype(float)


def _distances(features: Any, centers: Floats) -> Floats:  # noqa: ANN401 - dense or sparse
    """Squared distances to the nearest center."""
    _, nearest = pairwise_distances_argmin_min(features, centers, metric="sqeuclidean")
    distances: Floats = nearest
    return distances


def _scores(features: Any, centers: Floats, wanted: list[str]) -> Mapping[str, float]:  # noqa: ANN401 - dense or sparse
    distances = _distances(features, centers)
    values = {"msd": float(distances.mean()), "ssd": float(distances.sum())}
    return {name: values[name] for name in wanted}


if __name__ == "__main__":
    contract.run("kmeans", train)
