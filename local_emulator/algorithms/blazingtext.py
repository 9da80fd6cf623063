"""BlazingText, the classification of text: `python -m local_emulator.algorithms.blazingtext`.

The model is fastText's: vectors of words and of hashed n-grams of words, their mean, and a softmax over the labels. Mode `supervised`
only; word vectors are measured in AWS by word pairs that lie in its image.
"""

import json
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.contract import CustomerError, Floats
from sm_tuning.rules.catalogue import Algorithm

_PREFIX = "__label__"
_JSON_LINES = "application/jsonlines"


@dataclass(frozen=True)
class Document:
    """A line of a channel."""

    labels: tuple[str, ...]
    words: tuple[str, ...]


def train(algorithm: Algorithm) -> None:
    """Train, and tell the accuracy on both channels."""
    hyperparameters = contract.hyperparameters(algorithm)
    if hyperparameters["mode"] != "supervised":
        raise CustomerError(
            f"Hyperparameter mode: {hyperparameters['mode']} is not emulated, for AWS measures word vectors by word pairs of its "
            "image; supervised is."
        )
    documents = _documents(algorithm, "train")
    if documents is None:
        raise CustomerError("The channel 'train' is required.")
    validation = _documents(algorithm, "validation")
    model = Model.untrained(documents, hyperparameters)
    _print(f"Number of words in the vocabulary: {len(model.words)}, of labels: {len(model.labels)}")
    start = time.monotonic()
    model.fit(documents, validation)
    _print(f"Total training time in seconds: {time.monotonic() - start:.2f}\n")
    for name, held in (("train", documents), ("validation", validation)):
        if held is not None:
            _print(f"#{name}_accuracy: {model.accuracy(held):.4f}")
            _print(f"Number of {name} examples: {len(held)}\n")
    contract.save(
        labels=model.labels,
        words=list(model.words),
        rows=list(model.rows),
        vectors=model.vectors,
        output=model.output,
        word_ngrams=hyperparameters["word_ngrams"],
        buckets=hyperparameters["buckets"],
    )


class Model:
    """Vectors for the known words and n-grams (`rows`, in their order), and weights for each label, in the order of `labels`."""

    def __init__(self, hyperparameters: Mapping[str, Any], words: Iterable[str], labels: Sequence[str]) -> None:
        self.hyperparameters = hyperparameters
        self.words = dict.fromkeys(words)
        self.labels = labels
        self.rows: dict[str, int] = {}
        self.vectors: Floats = np.empty((0, 0))
        self.output: Floats = np.empty((0, 0))

    @classmethod
    def untrained(cls, documents: Sequence[Document], hyperparameters: Mapping[str, Any]) -> Self:
        """A model of the words and labels of documents, with vectors of chance; raises CustomerError."""
        counts = Counter(word for document in documents for word in document.words)
        words = [word for word in counts if counts[word] >= hyperparameters["min_count"]]
        model = cls(hyperparameters, words, sorted({label for document in documents for label in document.labels}))
        # Of the buckets only those that training meets have a row: two million vectors are for the most part never touched.
        keys = dict.fromkeys(key for document in documents for key in model._keys(document))
        if not keys:
            raise CustomerError(f"No word of the channel 'train' is there {hyperparameters['min_count']} times (min_count).")
        model.rows = {key: row for row, key in enumerate(keys)}
        size = hyperparameters["vector_dim"]
        model.vectors = np.random.default_rng(0).uniform(-1 / size, 1 / size, (len(keys), size))
        model.output = np.zeros((len(model.labels), size))
        return model

    def fit(self, documents: Sequence[Document], validation: Sequence[Document] | None) -> None:
        """Stochastic gradient descent with a learning rate that falls to 0; the best weights, if training may stop early."""
        epochs, rate = self.hyperparameters["epochs"], self.hyperparameters["learning_rate"]
        stops = self.hyperparameters["early_stopping"] == "True" and validation is not None
        numbers = {label: number for number, label in enumerate(self.labels)}
        examples = [(self._rows(document), [numbers[label] for label in document.labels]) for document in documents]
        chance = np.random.default_rng(0)
        best, waited, kept = -1.0, 0, (self.vectors, self.output)
        for epoch in range(1, epochs + 1):
            for step, index in enumerate(chance.permutation(len(examples))):
                done = (epoch - 1 + step / len(examples)) / epochs
                rows, targets = examples[index]
                self._step(rows, targets[chance.integers(len(targets))], rate * (1 - done))
            _print(f"##### Alpha: {rate * (1 - epoch / epochs):.4f}  Progress: {100 * epoch / epochs:.2f}% #####")
            if not stops or validation is None:
                continue
            _print(f"-------------- End of epoch: {epoch}")
            accuracy = self.accuracy(validation)
            _print(f"Validation accuracy: {accuracy:.6f}")
            if accuracy > best:
                _print("Validation accuracy improved! Storing best weights...")
                best, waited, kept = accuracy, 0, (self.vectors.copy(), self.output.copy())
            else:
                waited += 1
                if epoch >= self.hyperparameters["min_epochs"] and waited >= self.hyperparameters["patience"]:
                    _print("Validation accuracy has not improved: training stops early.")
                    break
        if stops:
            self.vectors, self.output = kept
        _print("Training finished.")

    def accuracy(self, documents: Sequence[Document]) -> float:
        """The share of documents one of whose labels is the likeliest."""
        said = np.argmax(self.scores(documents), axis=1)
        hits = [self.labels[number] in document.labels for number, document in zip(said, documents, strict=True)]
        return float(np.mean(hits))

    def scores(self, documents: Sequence[Document]) -> Floats:
        """The score of each label for each document (documents x labels), before the softmax."""
        scores: Floats = np.array([self._mean(self._rows(document)) for document in documents]) @ self.output.T
        return scores

    def _keys(self, document: Document) -> Iterator[str]:
        """A document's known words, and the buckets of its n-grams."""
        known = [word for word in document.words if word in self.words]
        yield from known
        for length in range(2, self.hyperparameters["word_ngrams"] + 1):
            for start in range(len(known) - length + 1):
                gram = " ".join(known[start : start + length])
                yield f" {zlib.crc32(gram.encode()) % self.hyperparameters['buckets']}"  # no word begins with a space

    def _rows(self, document: Document) -> npt.NDArray[np.int64]:
        return np.array([self.rows[key] for key in self._keys(document) if key in self.rows], dtype=np.int64)

    def _mean(self, rows: npt.NDArray[np.int64]) -> Floats:
        mean: Floats = self.vectors[rows].mean(axis=0) if len(rows) else np.zeros(self.vectors.shape[1])
        return mean

    def _step(self, rows: npt.NDArray[np.int64], target: int, rate: float) -> None:
        if not len(rows):
            return
        mean = self._mean(rows)
        raw = self.output @ mean
        error = np.exp(raw - raw.max())
        error /= -error.sum()
        error[target] += 1
        gradient = error @ self.output
        self.output += rate * error[:, None] * mean
        np.add.at(self.vectors, rows, rate * gradient / len(rows))


def _documents(algorithm: Algorithm, name: str) -> list[Document] | None:
    """The lines of a channel that have labels; None if there is no such channel. Raises CustomerError."""
    location = data.declared(algorithm, name, "text/plain", strict=False)  # AWS's examples give it text/csv
    if location is None:
        return None
    folder, kind, _ = location
    read = _of_json if kind == _JSON_LINES else _of_text
    documents = []
    for path in data.files(folder):
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise CustomerError(f"The file {path.name} is no text in UTF-8: {error}") from error
        documents += [read(line, f"{path.name}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    documents = [document for document in documents if document.labels]
    if not documents:
        raise CustomerError(f"The channel {name!r} holds no line with a label: a line begins with {_PREFIX} and the label.")
    return documents


def of_text(line: str) -> Document:
    """A line of text, whose words that begin with __label__ are labels."""
    return _of_text(line, "")


def _of_text(line: str, _: str) -> Document:
    """`__label__4 linux ready for prime time`."""
    words = line.split()
    labels = tuple(word.removeprefix(_PREFIX) for word in words if word.startswith(_PREFIX))
    return Document(labels, tuple(word for word in words if not word.startswith(_PREFIX)))


def _of_json(line: str, location: str) -> Document:
    """`{"source": "linux ready for prime time", "label": 4}`, or a list of labels."""
    try:
        entry = json.loads(line)
        labels = entry["label"] if isinstance(entry["label"], list) else [entry["label"]]
        return Document(tuple(map(str, labels)), tuple(entry["source"].split()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CustomerError(f"{location} is no JSON object with source and label.") from error


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a log; BlazingText's lines have no time


if __name__ == "__main__":
    contract.run("blazingtext", train)
