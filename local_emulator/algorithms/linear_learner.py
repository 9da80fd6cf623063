"""Linear learner: `python -m local_emulator.algorithms.linear_learner`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
from sklearn import metrics

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.adam import Adam, batches
from local_emulator.algorithms.contract import CustomerError, Floats, quality, say
from sm_tuning.rules.catalogue import Algorithm

_NAME = "Linear Learner"
_REGRESSION = {
    "squared_loss",
    "absolute_loss",
    "eps_insensitive_squared_loss",
    "eps_insensitive_absolute_loss",
    "huber_loss",
    "quantile_loss",
}
_RATE = 0.005  # of learning_rate=auto


@dataclass
class Scale:
    """Shift and scale of features; sparse ones are scaled only."""

    shift: Floats
    scale: Floats

    def apply(self, features: Any) -> Any:  # noqa: ANN401 - dense or sparse
        """Features (rows x columns) as the model was trained with them."""
        return (
            (features - self.shift) / self.scale
            if isinstance(features, np.ndarray)
            else features.multiply(1 / self.scale).tocsr()
        )


def _scaled(features: Any) -> Scale:  # noqa: ANN401 - dense or sparse
    if isinstance(features, np.ndarray):
        shift, spread = features.mean(axis=0), features.std(axis=0)
    else:
        shift = np.zeros(features.shape[1])
        spread = np.sqrt(np.asarray(features.multiply(features).mean(axis=0)).ravel())
    return Scale(shift, np.where(spread > 0, spread, 1.0))


class Model:
    """A linear model with one output, or one for each class."""

    def __init__(self, hyperparameters: Mapping[str, Any], width: int) -> None:
        self.hyperparameters = hyperparameters
        self.kind = hyperparameters["predictor_type"]
        self.outputs = 1
        if self.kind == "multiclass_classifier":
            if hyperparameters["num_classes"] is None:
                raise CustomerError("No value(s) were specified for 'num_classes' which are required hyperparameter(s)")
            self.outputs = hyperparameters["num_classes"]
        default = {"regressor": "squared_loss", "binary_classifier": "logistic", "multiclass_classifier": "softmax_loss"}[
            self.kind
        ]
        self.loss = default if hyperparameters["loss"] == "auto" else hyperparameters["loss"]
        allowed = {
            "regressor": _REGRESSION,
            "binary_classifier": {"logistic", "hinge_loss"},
            "multiclass_classifier": {"softmax_loss"},
        }
        if self.loss not in allowed[self.kind]:
            raise CustomerError(f"Hyperparameter loss: {self.loss} cannot be used with predictor_type {self.kind}")
        chance = np.random.default_rng(0)
        size = (width, self.outputs)
        scale = hyperparameters["init_scale"]
        start = (
            chance.uniform(-scale, scale, size)
            if hyperparameters["init_method"] == "uniform"
            else chance.normal(0, hyperparameters["init_sigma"], size)
        )
        self.weights: dict[str, Floats] = {
            "weight": start,
            "bias": np.full((1, self.outputs), float(hyperparameters["init_bias"])),
        }
        self.threshold = 0.5

    @property
    def objective(self) -> str:
        """AWS's name of the loss in its log."""
        return {
            "logistic": "binary_classification_cross_entropy_objective",
            "hinge_loss": "hinge_loss_objective",
            "softmax_loss": "multiclass_cross_entropy_objective",
            "squared_loss": "mse_objective",
            "absolute_loss": "absolute_loss_objective",
        }.get(self.loss, f"{self.loss}_objective")

    def raw(self, features: Any) -> Floats:  # noqa: ANN401 - dense or sparse
        """The linear outputs (rows x outputs)."""
        return np.asarray(features @ self.weights["weight"]) + self.weights["bias"]

    def losses(self, raw: Floats, labels: Floats) -> tuple[Floats, Floats]:
        """The loss of each row, and its gradient by the outputs."""
        if self.loss == "softmax_loss":
            chances = scipy.special.softmax(raw, axis=1)
            rows = np.arange(len(labels))
            which = labels.astype(int)
            loss = -np.log(np.clip(chances[rows, which], 1e-15, 1))
            chances[rows, which] -= 1
            return loss, chances
        out = raw[:, 0]
        if self.loss == "logistic":
            loss = np.logaddexp(0, out) - labels * out
            gradient = scipy.special.expit(out) - labels
        elif self.loss == "hinge_loss":
            sign = 2 * labels - 1
            short = self.hyperparameters["margin"] - sign * out
            loss, gradient = np.maximum(short, 0), np.where(short > 0, -sign, 0.0)
        else:
            loss, gradient = self._regression(out - labels)
        return loss, gradient[:, None]

    def _regression(self, error: Floats) -> tuple[Floats, Floats]:
        size, sign = np.abs(error), np.sign(error)
        if self.loss == "squared_loss":
            return error**2, 2 * error
        if self.loss == "absolute_loss":
            return size, sign
        if self.loss == "huber_loss":
            delta = self.hyperparameters["huber_delta"]
            inside = size <= delta
            return np.where(inside, 0.5 * error**2, delta * (size - 0.5 * delta)), np.where(inside, error, delta * sign)
        if self.loss == "quantile_loss":
            part = self.hyperparameters["quantile"]
            return np.where(error < 0, -part * error, (1 - part) * error), np.where(error < 0, -part, 1 - part)
        over = np.maximum(size - self.hyperparameters["loss_insensitivity"], 0)
        if self.loss == "eps_insensitive_squared_loss":
            return over**2, 2 * over * sign
        return over, np.where(over > 0, sign, 0.0)

    def fit_batch(self, adam: Adam, features: Any, labels: Floats, weight: Floats) -> None:  # noqa: ANN401 - dense or sparse
        """One step on one mini-batch."""
        _, gradient = self.losses(self.raw(features), labels)
        gradient = gradient * weight[:, None] / len(labels)
        by_weight = np.asarray(features.T @ gradient)
        by_weight += _number(self.hyperparameters["wd"]) * self.weights["weight"] + _number(self.hyperparameters["l1"]) * np.sign(
            self.weights["weight"]
        )
        gradients = {"weight": by_weight}
        if self.hyperparameters["use_bias"]:
            gradients["bias"] = gradient.sum(axis=0, keepdims=True)
        adam.step(gradients)


def _number(value: object) -> float:
    return 0.0 if value == "auto" else float(str(value))


def train(algorithm: Algorithm) -> None:
    """Train, choose the threshold, tell the metrics, save."""
    hyperparameters = contract.hyperparameters(algorithm)
    width = None if hyperparameters["feature_dim"] == "auto" else hyperparameters["feature_dim"]
    sets = {
        name: dataset
        for name in ("train", "validation", "test")
        if (dataset := data.load(algorithm, name, width=width)) is not None
    }
    if "train" not in sets:
        raise CustomerError("The channel 'train' is required.")
    raw_features, labels = sets["train"]
    model = Model(hyperparameters, raw_features.shape[1])
    for name, (_, labels) in sets.items():
        _check_labels(labels, model, name)
    normalize = hyperparameters["normalize_data"] is not False
    scale = _scaled(raw_features) if normalize else Scale(np.zeros(raw_features.shape[1]), np.ones(raw_features.shape[1]))
    ready = {name: (scale.apply(features) if normalize else features, labels) for name, (features, labels) in sets.items()}
    shift, spread = 0.0, 1.0
    if model.kind == "regressor" and hyperparameters["normalize_label"] is not False:
        shift, spread = float(labels.mean()), float(labels.std()) or 1.0
        ready = {name: (features, (labels - shift) / spread) for name, (features, labels) in ready.items()}
    _fit(model, ready)
    _choose_threshold(model, *ready.get("validation", ready["train"]))
    for name in ("train", "validation", "test"):
        if name in ready:
            scores = _scores(model, *ready[name], spread)
            losses = {model.objective, "mse", "rmse", "absolute_loss"}
            contract.scores(name, scores, {score: "loss" if score in losses else "score" for score in scores})
        else:
            say(f"{name.capitalize()} data is not provided.")
    contract.save(
        **model.weights,
        shift=scale.shift,
        scale=scale.scale,
        label=(shift, spread),
        threshold=model.threshold,
        predictor_type=model.kind,
        loss=model.loss,
    )


def _check_labels(labels: Floats, model: Model, name: str) -> None:
    if model.kind == "regressor":
        return
    classes = 2 if model.kind == "binary_classifier" else model.outputs
    wrong = labels[(labels < 0) | (labels >= classes) | (labels != np.floor(labels))]
    if wrong.size:
        raise CustomerError(
            f"The channel {name!r} has the label {wrong[0]:g}; for {model.kind} labels must be 0 to {classes - 1}."
        )


def _example_weights(model: Model, labels: Floats) -> Floats:
    mult = model.hyperparameters["positive_example_weight_mult"]
    if model.kind != "binary_classifier":
        return np.ones(len(labels))
    positive = max(float(labels.mean()), 1e-12)
    ratio = {"balanced": (1 - positive) / positive, "auto": 1.0}.get(mult, mult)
    return np.where(labels == 1, ratio, 1.0)


def _fit(model: Model, ready: Mapping[str, tuple[Any, Floats]]) -> None:
    hyperparameters = model.hyperparameters
    features, labels = ready["train"]
    rate = _RATE if hyperparameters["learning_rate"] == "auto" else hyperparameters["learning_rate"]
    adam = Adam(model.weights, {"weight": rate, "bias": rate})
    weights = _example_weights(model, labels)
    progress = contract.Progress(_NAME, hyperparameters["epochs"], len(labels))
    chance = np.random.default_rng(0)
    best, best_weights, since = np.inf, {name: weight.copy() for name, weight in model.weights.items()}, 0
    for epoch in range(hyperparameters["epochs"]):
        for some in batches(len(labels), hyperparameters["mini_batch_size"], chance):
            model.fit_batch(adam, features[some], labels[some], weights[some])
        watched = np.inf
        for name in ("train", "validation"):
            if name in ready:
                watched = float(model.losses(model.raw(ready[name][0]), ready[name][1])[0].mean())
                quality(name, model.objective, watched, kind="loss", epoch=epoch)
        say(f"#early_stopping_criteria_metric: host=algo-1, epoch={epoch}, criteria={model.objective}, value={watched}")
        progress.tell(epoch)
        if not np.isfinite(watched):
            raise contract.CustomerError("The loss is not finite: the learning rate is too high.")
        since = 0 if watched < best * (1 - hyperparameters["early_stopping_tolerance"]) else since + 1
        if watched < best:
            say(f"Epoch {epoch}: Loss improved. Updating best model")
            best, best_weights = watched, {name: weight.copy() for name, weight in model.weights.items()}
        if since >= hyperparameters["early_stopping_patience"]:
            say("Early stopping condition met. Stopping training.")
            break
    model.weights.update(best_weights)


def _choose_threshold(model: Model, features: Any, labels: Floats) -> None:  # noqa: ANN401 - dense or sparse
    """The threshold that is best by the selection criterion, on a grid of what the model says."""
    criterion = model.hyperparameters["binary_classifier_model_selection_criteria"]
    if model.kind != "binary_classifier" or criterion in {"loss_function", "cross_entropy_loss"} or len(set(labels)) == 1:
        return
    chances = scipy.special.expit(model.raw(features)[:, 0])
    tried = np.unique(np.quantile(chances, np.linspace(0, 1, 201)))

    def worth(threshold: float) -> float:
        said = chances >= threshold
        hits = float((said & (labels == 1)).sum())
        precision = hits / max(float(said.sum()), 1.0)
        recall = hits / max(float(labels.sum()), 1.0)
        if criterion == "accuracy":
            return float((said == labels).mean())
        if criterion in {"f1", "f_beta"}:
            beta = 1.0 if criterion == "f1" else float(model.hyperparameters["f_beta"])
            return (1 + beta**2) * precision * recall / max(beta**2 * precision + recall, 1e-12)
        if criterion == "precision_at_target_recall":
            return precision if recall >= model.hyperparameters["target_recall"] else recall - 1
        return recall if precision >= model.hyperparameters["target_precision"] else precision - 1

    model.threshold = float(max(tried, key=worth))


def _scores(model: Model, features: Any, labels: Floats, spread: float) -> Mapping[str, float]:  # noqa: ANN401 - dense or sparse
    raw = model.raw(features)
    loss = {model.objective: float(model.losses(raw, labels)[0].mean())}
    if model.kind == "regressor":
        error = (raw[:, 0] - labels) * spread
        mse = float((error**2).mean())
        return loss | {"mse": mse, "rmse": mse**0.5, "absolute_loss": float(np.abs(error).mean())}
    return {**loss, **(_binary if model.kind == "binary_classifier" else _several)(model, raw, labels)}


def _binary(model: Model, raw: Floats, labels: Floats) -> Mapping[str, float]:
    chances = scipy.special.expit(raw[:, 0])
    said = (chances >= model.threshold).astype(float)
    beta = float(model.hyperparameters["f_beta"])
    scores = {
        "binary_classification_accuracy": float((said == labels).mean()),
        f"binary_f_{beta:.3f}": float(metrics.fbeta_score(labels, said, beta=beta, zero_division=0)),
        "precision": float(metrics.precision_score(labels, said, zero_division=0)),
        "recall": float(metrics.recall_score(labels, said, zero_division=0)),
    }
    return scores | ({"roc_auc_score": float(metrics.roc_auc_score(labels, chances))} if len(set(labels)) > 1 else {})


def _several(model: Model, raw: Floats, labels: Floats) -> Mapping[str, float]:
    said = raw.argmax(axis=1)
    ranks = (raw > raw[np.arange(len(labels)), labels.astype(int)][:, None]).sum(axis=1)
    top = model.hyperparameters["accuracy_top_k"]
    beta = float(model.hyperparameters["f_beta"])
    average: dict[str, Any] = {"average": "macro", "zero_division": 0}
    return {
        "multiclass_accuracy": float((said == labels).mean()),
        f"multiclass_top_k_accuracy_{top}": float((ranks < top).mean()),
        "dcg": float((1 / np.log2(ranks + 2)).mean()),
        "macro_recall": float(metrics.recall_score(labels, said, **average)),
        "macro_precision": float(metrics.precision_score(labels, said, **average)),
        f"macro_f_{beta:.3f}": float(metrics.fbeta_score(labels, said, beta=beta, **average)),
    }


if __name__ == "__main__":
    contract.run("linear-learner", train)
