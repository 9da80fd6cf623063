"""What is served of a stand-in's model is what its training measured of it: metrics of the log, computed anew from the answers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.metrics import f1_score

from local_emulator.inference.serving.messages import Request
from local_emulator.inference.stand_ins.first_party import FirstParty
from local_emulator.inference.stand_ins.predictors import PREDICTORS, LatentDirichlet, NeuralTopics
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.running import NAMES, Done, documents, recordio, run

CHANCE = np.random.default_rng(3)
INPUTS = CHANCE.normal(size=(240, 3)) * [1, 2, 3] + 1
NUMBERS = INPUTS @ [1.0, -2.0, 0.5] + 3
BINARY = np.greater(NUMBERS, np.median(NUMBERS)).astype(float)
CLASSES = np.digitize(NUMBERS, np.quantile(NUMBERS, [1 / 3, 2 / 3])).astype(float)
TRAIN, TEST = slice(0, 160), slice(160, 240)


def train(program: str, root: Path, hyperparameters: Mapping[str, object], features: Any, labels: Any = None) -> Done:
    parts = [recordio(features[part], None if labels is None else labels[part]) for part in (TRAIN, TEST)]
    done = run(program, root, hyperparameters, train=parts[0], test=parts[1])
    assert done.code == 0, done.log
    return done


def served(program: str, done: Done) -> FirstParty:
    application = FirstParty(catalogue.load(NAMES.get(program, program)), PREDICTORS[program], {}, done.model)
    application.load()
    return application


def answers(application: FirstParty, features: Any, accept: str = "application/json") -> Any:
    body = json.dumps({"instances": [{"features": row} for row in features.tolist()]}).encode()
    headers = {"content-type": "application/json", "accept": accept}
    response = application.answer(Request("POST", "/invocations", body, headers))
    assert (response.status, response.content_type) == (200, accept.partition(";")[0]), response.body
    (rows,) = json.loads(response.body).values()
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize(
    ("kind", "labels", "hyperparameters", "metric"),
    [
        ("regressor", NUMBERS, {}, "test:mse"),
        (
            "binary_classifier",
            BINARY,
            {"binary_classifier_model_selection_criteria": "f1"},
            "test:binary_classification_accuracy",
        ),
        ("binary_classifier", BINARY, {"loss": "hinge_loss", "normalize_data": "false"}, "test:binary_classification_accuracy"),
        ("multiclass_classifier", CLASSES, {"num_classes": 3}, "test:multiclass_accuracy"),
    ],
)
def test_linear_learner(tmp_path: Path, kind: str, labels: Any, hyperparameters: Mapping[str, object], metric: str) -> None:
    given = {"predictor_type": kind, "mini_batch_size": 40, "epochs": 3, **hyperparameters}
    done = train("linear_learner", tmp_path, given, INPUTS, labels)
    said = answers(served("linear_learner", done), INPUTS[TEST])
    values = ((said["score"] - labels[TEST]) ** 2) if kind == "regressor" else said["predicted_label"] == labels[TEST]
    assert values.mean() == pytest.approx(done.metric("linear_learner", metric)[0], rel=1e-5)
    if kind == "multiclass_classifier":
        assert (said["score"].argmax(axis=1) == said["predicted_label"]).all()
        assert said["score"].sum(axis=1) == pytest.approx(np.ones(80))


@pytest.mark.parametrize(
    ("kind", "labels", "metric"), [("regressor", NUMBERS, "rmse"), ("binary_classifier", BINARY, "accuracy")]
)
def test_factorization_machines(tmp_path: Path, kind: str, labels: Any, metric: str) -> None:
    given = {"predictor_type": kind, "feature_dim": 3, "num_factors": 2, "mini_batch_size": 40, "epochs": 2}
    done = train("factorization_machines", tmp_path, given, INPUTS, labels)
    said = answers(served("factorization_machines", done), INPUTS[TEST])
    if metric == "rmse":
        assert ((said["score"] - labels[TEST]) ** 2).mean() ** 0.5 == pytest.approx(
            done.metric("factorization_machines", "test:rmse")[0], rel=1e-5
        )
    else:
        accuracy = done.metric("factorization_machines", "test:binary_classification_accuracy")[0]
        assert (said["predicted_label"] == labels[TEST]).mean() == accuracy
        assert ((said["score"] > 0.5) == said["predicted_label"]).all()


def test_kmeans(tmp_path: Path) -> None:
    given = {"k": 3, "feature_dim": 3, "eval_metrics": '["msd"]'}
    done = train("kmeans", tmp_path, given, INPUTS)
    application = served("kmeans", done)
    said = answers(application, INPUTS[TEST])
    assert (said["distance_to_cluster"] ** 2).mean() == pytest.approx(done.metric("kmeans", "test:msd")[0], rel=1e-5)
    with np.load(done.model / "model_algo-1") as model:
        centers = model["centers"][said["closest_cluster"].astype(int)]
    assert np.linalg.norm(INPUTS[TEST] - centers, axis=1) == pytest.approx(said["distance_to_cluster"], rel=1e-5)
    body = b"\n".join(",".join(map(str, row)).encode() for row in INPUTS[:2].tolist())
    headers = {"content-type": "text/csv; label_size=0", "accept": "text/csv"}
    lines = application.answer(Request("POST", "/invocations", body, headers)).body.decode().split("\n")
    first = answers(application, INPUTS[:2])
    assert lines == [
        f"{cluster}.0,{d}" for cluster, d in zip(first["closest_cluster"].astype(int), first["distance_to_cluster"], strict=True)
    ]


@pytest.mark.parametrize("reduction", [{}, {"dimension_reduction_type": "sign", "dimension_reduction_target": 2}])
@pytest.mark.parametrize("metric", ["L2", "COSINE"])
def test_knn(tmp_path: Path, reduction: Mapping[str, object], metric: str) -> None:
    given = {"predictor_type": "classifier", "k": 3, "sample_size": 160, "index_metric": metric, **reduction}
    done = train("knn", tmp_path, given, INPUTS, CLASSES)
    said = answers(served("knn", done), INPUTS[TEST], "application/json; verbose=true")
    assert (said["predicted_label"] == CLASSES[TEST]).mean() == done.metric("knn", "test:accuracy")[0]
    assert (np.diff(said["distances"], axis=1) >= 0).all()
    assert said["labels"].shape == (80, 3)
    assert list(answers(served("knn", done), INPUTS[TEST])) == ["predicted_label"]


def test_pca(tmp_path: Path) -> None:
    done = train("pca", tmp_path, {"feature_dim": 3, "num_components": 2, "mini_batch_size": 40}, INPUTS)
    said = answers(served("pca", done), INPUTS[TEST])["projection"]
    mean = INPUTS[TRAIN].mean(axis=0)
    _, _, components = np.linalg.svd(INPUTS[TRAIN] - mean, full_matrices=False)
    expected = (INPUTS[TEST] - mean) @ components[:2].T
    assert np.abs(said) == pytest.approx(np.abs(expected), rel=1e-3, abs=1e-3)  # a component's sign is arbitrary


def test_random_cut_forest(tmp_path: Path) -> None:
    inputs = INPUTS.copy()
    labels = np.zeros(240)
    inputs[160::8] += 30
    labels[160::8] = 1
    done = train("random_cut_forest", tmp_path, {"feature_dim": 3, "num_trees": 50, "num_samples_per_tree": 3}, inputs, labels)
    application = served("random_cut_forest", done)
    usual = answers(application, inputs[TRAIN])["score"]
    anomalies = answers(application, inputs[TEST])["score"] > usual.mean() + 3 * usual.std()
    assert f1_score(labels[TEST], anomalies) == pytest.approx(done.metric("random_cut_forest", "test:f1")[0])


def test_lda(tmp_path: Path) -> None:
    counts = documents(240, 0)
    done = train("lda", tmp_path, {"feature_dim": 25, "num_topics": 5, "mini_batch_size": 40, "alpha0": 1.0}, counts)
    said = answers(served("lda", done), counts[TEST])["topic_mixture"]
    assert said.sum(axis=1) == pytest.approx(np.ones(80))
    with np.load(done.model / "model_algo-1") as model:  # each document is of the words of its topics
        likely = np.log(np.maximum(said @ model["beta"], 1e-12))
    assert (likely * counts[TEST]).sum() > (np.log(np.full((80, 25), 1 / 25)) * counts[TEST]).sum()


def test_lda_is_scikit_learns() -> None:
    counts = documents(60, 1)
    model = LatentDirichletAllocation(n_components=5, doc_topic_prior=0.3, random_state=0).fit(counts)
    predictor = LatentDirichlet({"components": model.components_, "alpha": np.full(5, 0.3)})
    mixtures = np.array([row["topic_mixture"] for row in predictor.predict(counts, verbose=False)])
    assert mixtures == pytest.approx(model.transform(counts), rel=1e-5, abs=1e-7)


def test_ntm(tmp_path: Path) -> None:
    counts = documents(240, 0)
    done = train(
        "ntm", tmp_path, {"feature_dim": 25, "num_topics": 5, "mini_batch_size": 40, "epochs": 2, "encoder_layers": "[8]"}, counts
    )
    said = answers(served("ntm", done), counts[TEST])["topic_weights"]
    with np.load(done.model / "model_algo-1") as model:
        hidden = 1 / (
            1 + np.exp(-(counts[TEST] / counts[TEST].sum(axis=1, keepdims=True) @ model["encoder0"] + model["encoder0_bias"]))
        )
        raw = hidden @ model["mean"] + model["mean_bias"]
        predictor = NeuralTopics(dict(model))
    weights = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    assert said == pytest.approx(weights, rel=1e-5)
    sparse = predictor.predict(scipy.sparse.csr_matrix(counts[TEST]), verbose=False)
    assert np.array([row["topic_weights"] for row in sparse]) == pytest.approx(weights, rel=1e-5)
