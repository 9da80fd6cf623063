"""Neural topic model: `python -m local_emulator.algorithms.ntm`.

A variational autoencoder over counts of words, as AWS's guide describes it: layers that encode a document, a normal distribution of
its topics, their softmax, and a layer that decodes it into words.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.special

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.adam import Adam, batches
from local_emulator.algorithms.contract import CustomerError, Floats, quality, say
from local_emulator.algorithms.optimizers import Optimizer
from sm_tuning.rules.catalogue import Algorithm

_SHOWN = 20  # words of a topic
# Functions, and their derivatives from their values.
_ACTIVATIONS: Mapping[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "sigmoid": (scipy.special.expit, lambda value: value * (1 - value)),
    "tanh": (np.tanh, lambda value: 1 - value**2),
    "relu": (lambda value: np.maximum(value, 0), lambda value: (value > 0).astype(float)),
}


class Network:
    """The autoencoder; a layer is a matrix and a row of biases in `weights`."""

    def __init__(self, width: int, layers: Sequence[int], topics: int, activation: str) -> None:
        self._activate, self._slope = _ACTIVATIONS[activation]
        self._encoder = [f"encoder{number}" for number in range(len(layers))]
        sizes = [width, *layers]
        shapes = dict(zip(self._encoder, pairwise(sizes), strict=True))
        shapes |= {"mean": (sizes[-1], topics), "spread": (sizes[-1], topics), "topics": (topics, width)}
        chance = np.random.default_rng(0)
        self.weights: dict[str, Floats] = {}
        for name, (rows, columns) in shapes.items():
            self.weights[name] = chance.normal(0, np.sqrt(2 / (rows + columns)), (rows, columns))
            self.weights[f"{name}_bias"] = np.zeros((1, columns))

    def losses(self, counts: Floats) -> Floats:
        """Reconstruction and divergence of each document, at the mean of its topics."""
        *_, losses = self._forward(counts, np.zeros((len(counts), self.weights["topics"].shape[0])))
        return losses

    def topics(self, counts: Floats) -> Floats:
        """The weights of the topics of each document (documents x topics), at their mean."""
        _, _, _, topics, _, _ = self._forward(counts, np.zeros((len(counts), self.weights["topics"].shape[0])))
        return topics

    def gradients(self, counts: Floats, noise: Floats) -> dict[str, Floats]:
        """Of the mean loss of documents (documents x words), with noise (documents x topics) of the normal distribution."""
        values, mean, spread, topics, words, _ = self._forward(counts, noise)
        gradients: dict[str, Floats] = {}
        rows = len(counts)

        def back(name: str, entered: Floats, error: Floats) -> Floats:
            gradients[name], gradients[f"{name}_bias"] = entered.T @ error, error.sum(axis=0, keepdims=True)
            passed: Floats = error @ self.weights[name].T
            return passed

        error = back("topics", topics, (words * counts.sum(axis=1, keepdims=True) - counts) / rows)
        error = topics * (error - (error * topics).sum(axis=1, keepdims=True))
        hidden = back("mean", values[-1], error + mean / rows)
        hidden += back("spread", values[-1], error * noise * np.exp(spread / 2) / 2 + (np.exp(spread) - 1) / (2 * rows))
        for name, value, entered in zip(reversed(self._encoder), reversed(values[1:]), reversed(values[:-1]), strict=True):
            hidden = back(name, entered, hidden * self._slope(value))
        return gradients

    def _forward(self, counts: Floats, noise: Floats) -> tuple[list[Floats], Floats, Floats, Floats, Floats, Floats]:
        """Values of the layers, mean and log variance of the topics, topics, words, and the losses (documents x 2)."""
        values = [counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)]
        for name in self._encoder:
            values.append(self._activate(self._linear(name, values[-1])))
        mean, spread = self._linear("mean", values[-1]), self._linear("spread", values[-1])
        topics = scipy.special.softmax(mean + np.exp(spread / 2) * noise, axis=1)
        logarithms = scipy.special.log_softmax(self._linear("topics", topics), axis=1)
        divergence = (np.exp(spread) + mean**2 - 1 - spread).sum(axis=1) / 2
        losses = np.column_stack([-(counts * logarithms).sum(axis=1), divergence])
        return values, mean, spread, topics, np.exp(logarithms), losses

    def _linear(self, name: str, entered: Floats) -> Floats:
        value: Floats = entered @ self.weights[name] + self.weights[f"{name}_bias"]
        return value


def train(algorithm: Algorithm) -> None:
    """Train until the loss rests; the validation channel tells when, if there is one."""
    hyperparameters = contract.hyperparameters(algorithm)
    if hyperparameters["batch_norm"]:
        raise CustomerError("Hyperparameter batch_norm: true is not emulated; false is.")
    layers = _layers(hyperparameters)
    words = _vocabulary(hyperparameters["feature_dim"])
    counts = {name: _counts(algorithm, name, hyperparameters["feature_dim"]) for name in ("train", "validation", "test")}
    if counts["train"] is None:
        raise CustomerError("The channel 'train' is required.")
    activation = hyperparameters["encoder_layers_activation"]
    network = Network(hyperparameters["feature_dim"], layers, hyperparameters["num_topics"], activation)
    _fit(network, counts["train"], counts["validation"], hyperparameters)
    if counts["test"] is not None:
        contract.scores("test", {"total_loss": _loss(network, counts["test"], hyperparameters)}, {"total_loss": "loss"})
    if words is not None:
        _show(network.weights["topics"], words)
    contract.save(**network.weights, activation=activation)


def _fit(network: Network, counts: Any, validation: Any, hyperparameters: Mapping[str, Any]) -> None:  # noqa: ANN401 - dense or sparse
    rows, epochs = counts.shape[0], hyperparameters["epochs"]
    taken = max(1, round(rows * hyperparameters["sub_sample"]))
    rate, kind = hyperparameters["learning_rate"], hyperparameters["optimizer"]
    rates = dict.fromkeys(network.weights, rate)
    optimizer = Adam(network.weights, rates) if kind == "adam" else Optimizer(kind, network.weights, rate)
    progress = contract.Progress("AWS/NTM", epochs, taken)
    chance = np.random.default_rng(0)
    held: list[float] = []
    for epoch in range(epochs):
        sample = chance.permutation(rows)[:taken]
        for some in batches(taken, hyperparameters["mini_batch_size"], chance):
            noise = chance.normal(size=(len(some), hyperparameters["num_topics"]))
            gradients = network.gradients(data.dense(counts[sample[some]]), noise)
            for name, gradient in gradients.items():
                gradient *= hyperparameters["rescale_gradient"]  # noqa: PLW2901 - in place
                np.clip(gradient, -hyperparameters["clip_gradient"], hyperparameters["clip_gradient"], out=gradient)
                gradient += hyperparameters["weight_decay"] * network.weights[name]  # noqa: PLW2901 - in place
            optimizer.step(gradients)
        for name, channel in (("train", counts), ("validation", validation)):
            if channel is not None:
                loss = _loss(network, channel, hyperparameters)
                quality(name, "total_loss", loss, kind="loss", epoch=epoch)
        held.append(loss)
        progress.tell(epoch)
        if _rests(held, hyperparameters):
            say(
                f"The loss changed by less than the tolerance in {hyperparameters['num_patience_epochs']} epochs: training stops."
            )
            return


def _rests(losses: Sequence[float], hyperparameters: Mapping[str, Any]) -> bool:
    """Whether the loss changed by less than the tolerance in each of the last epochs."""
    recent = np.array(losses[-hyperparameters["num_patience_epochs"] - 1 :])
    changes = np.abs(np.diff(recent)) / np.abs(recent[:-1])
    return len(changes) == hyperparameters["num_patience_epochs"] and bool((changes < hyperparameters["tolerance"]).all())


def _loss(network: Network, counts: Any, hyperparameters: Mapping[str, Any]) -> float:  # noqa: ANN401 - dense or sparse
    """The mean loss of a channel's documents; raises CustomerError."""
    size = hyperparameters["mini_batch_size"]
    parts = [network.losses(data.dense(counts[start : start + size])).sum() for start in range(0, counts.shape[0], size)]
    loss = float(np.sum(parts) / counts.shape[0])
    if not np.isfinite(loss):
        raise CustomerError("The loss is not finite: the learning rate is too high.")
    return loss


def _counts(algorithm: Algorithm, name: str, width: int) -> Any:  # noqa: ANN401 - dense or sparse
    dataset = data.load(algorithm, name, width=width, labelled=False)
    if dataset is not None and dataset[0].min() < 0:
        raise CustomerError(f"The channel {name!r} must hold counts of words: none below 0.")
    return None if dataset is None else dataset[0]


def _layers(hyperparameters: Mapping[str, Any]) -> list[int]:
    text, topics = hyperparameters["encoder_layers"], hyperparameters["num_topics"]
    if text == "auto":
        return [3 * topics, 2 * topics]
    sizes = [size.strip() for size in text.strip().removeprefix("[").removesuffix("]").split(",")]
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise CustomerError(f"Hyperparameter encoder_layers: {text} is neither auto nor a list of sizes such as 100,50.")
    return list(map(int, sizes))


def _vocabulary(width: int) -> list[str] | None:
    """The words of the channel 'auxiliary'; None if there is no such channel. Raises CustomerError."""
    location = contract.channel("auxiliary")
    if location is None:
        return None
    path = location[0] / "vocab.txt"
    if not path.is_file():
        raise CustomerError("The channel 'auxiliary' has no file vocab.txt.")
    words = path.read_text(encoding="utf-8").splitlines()
    if len(words) != width:
        raise CustomerError(f"The file vocab.txt has {len(words)} words; feature_dim is {width}.")
    return words


def _show(topics: Floats, words: Sequence[str]) -> None:
    """The likeliest words of each topic with its uniqueness. AWS's coherence (wetc) needs word vectors, which are not here."""
    likeliest = np.argsort(-topics, axis=1)[:, :_SHOWN]
    times = np.bincount(likeliest.ravel(), minlength=topics.shape[1])
    uniqueness = (1 / times[likeliest]).mean(axis=1)
    say(f"Topics from epoch:final (num_topics:{len(topics)}) [tu {uniqueness.mean():.2f}]:")
    for row, unique in zip(likeliest, uniqueness, strict=True):
        say(f"[{unique:.2f}] {' '.join(words[word] for word in row)}")


if __name__ == "__main__":
    contract.run("ntm", train)
