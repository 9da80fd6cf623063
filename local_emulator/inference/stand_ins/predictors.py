"""Answers of AWS's own algorithms, from the models that their stand-ins write."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.special
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.metrics import pairwise_distances_argmin_min

from local_emulator.algorithms import data, factorization_machines, knn, ntm, random_cut_forest
from local_emulator.algorithms.linear_learner import Scale
from local_emulator.inference.stand_ins.first_party import Arrays, FirstParty, Predictor
from local_emulator.inference.stand_ins.records import Row, single
from sm_tuning.rules.catalogue import Algorithm


class _Predictor:
    key = "predictions"
    csv = False


class LinearLearner(_Predictor):
    """A score for each record, and of classifiers the label that it means."""

    def __init__(self, arrays: Arrays) -> None:
        self._weight, self._bias = arrays["weight"], arrays["bias"]
        self._scale = Scale(arrays["shift"], arrays["scale"])
        self._shift, self._spread = arrays["label"]
        self._threshold = float(arrays["threshold"])
        self._kind, self._loss = str(arrays["predictor_type"]), str(arrays["loss"])
        self.width = len(self._weight)

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - dense or sparse; there is no more
        """An answer for each record."""
        raw = np.asarray(self._scale.apply(features) @ self._weight) + self._bias
        if self._kind == "multiclass_classifier":
            return _rows(score=scipy.special.softmax(raw, axis=1), predicted_label=raw.argmax(axis=1))
        if self._kind == "regressor":
            return _rows(score=raw[:, 0] * self._spread + self._shift)
        chances = scipy.special.expit(raw[:, 0])
        return _rows(score=chances if self._loss == "logistic" else raw[:, 0], predicted_label=chances >= self._threshold)


class FactorizationMachines(_Predictor):
    """A score for each record, and of classifiers the label that it means."""

    def __init__(self, arrays: Arrays) -> None:
        self._weights = {name: arrays[name] for name in ("bias", "linear", "factors")}
        self._binary = str(arrays["predictor_type"]) == "binary_classifier"
        self.width = len(self._weights["linear"])

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - see above
        """An answer for each record."""
        raw = factorization_machines.raw(self._weights, features)
        return _rows(score=scipy.special.expit(raw), predicted_label=raw > 0) if self._binary else _rows(score=raw)


class KMeans(_Predictor):
    """The nearest cluster of each record, and the distance to its center."""

    csv = True

    def __init__(self, arrays: Arrays) -> None:
        self._centers = arrays["centers"]
        self.width = self._centers.shape[1]

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - see above
        """An answer for each record."""
        nearest, distances = pairwise_distances_argmin_min(features, self._centers)
        return _rows(closest_cluster=nearest, distance_to_cluster=distances)


class NearestNeighbors(_Predictor):
    """The label of each record; in verbose mode also distances and labels of its neighbours, the nearest first."""

    def __init__(self, arrays: Arrays) -> None:
        features, self._labels, self._projection = arrays["features"], arrays["labels"], arrays["projection"]
        self._index = knn.index(str(arrays["predictor_type"]), str(arrays["index_metric"]), int(arrays["k"]), len(features))
        self._index.fit(features, self._labels)
        self.width = self._projection.shape[1] or features.shape[1]

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401 - see above
        """An answer for each record."""
        reduced = np.asarray(features @ self._projection.T) if self._projection.size else data.dense(features)
        said = self._index.predict(reduced)
        if not verbose:
            return _rows(predicted_label=said)
        distances, neighbours = self._index.kneighbors(reduced)
        return _rows(predicted_label=said, distances=distances, labels=self._labels[neighbours])


class PrincipalComponents(_Predictor):
    """The projection of each record on the components, the largest first."""

    key = "projections"

    def __init__(self, arrays: Arrays) -> None:
        self._mean, self._components = arrays["mean"], arrays["v"][:, ::-1]
        self.width = len(self._components)

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - see above
        """An answer for each record."""
        return _rows(projection=np.asarray(features @ self._components) - self._mean @ self._components)


class RandomCutForest(_Predictor):
    """The anomaly score of each record."""

    key = "scores"

    def __init__(self, arrays: Arrays) -> None:
        self._trees = random_cut_forest.restored(arrays)
        self.width = arrays["low"].shape[1]

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - see above
        """An answer for each record."""
        return _rows(score=random_cut_forest.scores(self._trees, data.dense(features)))


class LatentDirichlet(_Predictor):
    """The mixture of topics of each document."""

    def __init__(self, arrays: Arrays) -> None:
        components = arrays["components"]
        self._model = LatentDirichletAllocation(n_components=len(components))
        self._model.components_ = components
        self._model.exp_dirichlet_component_ = np.exp(
            scipy.special.psi(components) - scipy.special.psi(components.sum(axis=1, keepdims=True))
        )
        self._model.doc_topic_prior_ = float(arrays["alpha"][0])
        self._model.n_features_in_ = self.width = components.shape[1]

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - see above
        """An answer for each document."""
        return _rows(topic_mixture=self._model.transform(features))


class NeuralTopics(_Predictor):
    """The weights of the topics of each document."""

    def __init__(self, arrays: Arrays) -> None:
        weights = {name: value for name, value in arrays.items() if name != "activation"}
        layers = [
            weights[f"encoder{number}"].shape[1] for number in range(sum(f"encoder{n}" in weights for n in range(len(weights))))
        ]
        topics, self.width = weights["topics"].shape
        self._network = ntm.Network(self.width, layers, topics, str(arrays["activation"]))
        self._network.weights = weights

    def predict(self, features: Any, *, verbose: bool) -> Sequence[Row]:  # noqa: ANN401, ARG002 - see above
        """An answer for each document."""
        return _rows(topic_weights=self._network.topics(data.dense(features)))


PREDICTORS: Mapping[str, Callable[[Arrays], Predictor]] = {
    "factorization_machines": FactorizationMachines,
    "kmeans": KMeans,
    "knn": NearestNeighbors,
    "lda": LatentDirichlet,
    "linear_learner": LinearLearner,
    "ntm": NeuralTopics,
    "pca": PrincipalComponents,
    "random_cut_forest": RandomCutForest,
}
"""By the programs of the catalogue."""


def make(algorithm: Algorithm) -> FirstParty:
    """The application for an algorithm."""
    return FirstParty(algorithm, PREDICTORS[str(algorithm.program)])


def _rows(**columns: Any) -> Sequence[Row]:  # noqa: ANN401 - arrays
    """A row for each record of arrays, of single precision."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*map(single, columns.values()), strict=True)]
