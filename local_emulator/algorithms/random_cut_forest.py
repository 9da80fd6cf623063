"""Random cut forest: `python -m local_emulator.algorithms.random_cut_forest`.

Trees and scores are those of "Robust Random Cut Forest Based Anomaly Detection on Streams" (Guha et al., 2016).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.contract import CustomerError, Floats, say
from sm_tuning.rules.catalogue import Algorithm

_SCORES: Mapping[str, Sequence[str]] = {"accuracy": ("accuracy",), "precision_recall_fscore": ("precision", "recall", "f1")}
_DEVIATIONS = 3  # beyond the mean score: what AWS's guide recommends to call an anomaly
_MOST_SCORED = 10_000  # records whose scores make mean and deviation

_Indices = npt.NDArray[np.int64]


@dataclass
class Node:
    """A node over `mass` records within a box; a leaf (`cut` None) has equal records only."""

    low: Floats
    high: Floats
    mass: int
    feature: int = 0
    cut: float | None = None
    children: list[int] = field(default_factory=list)


class Tree:
    """A tree over a sample of records; node 0 is its root."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    @classmethod
    def grown(cls, sample: Floats, chance: np.random.Generator) -> Self:
        """A tree of random cuts over a sample (records x features)."""
        nodes: list[Node] = []
        waiting: list[tuple[Floats, int | None]] = [(sample, None)]
        while waiting:
            records, parent = waiting.pop()
            node = Node(records.min(axis=0), records.max(axis=0), len(records))
            if parent is not None:
                nodes[parent].children.append(len(nodes))
            nodes.append(node)
            span = node.high - node.low
            total = span.sum()
            if not total > 0:
                continue
            node.feature = int(np.searchsorted(span.cumsum(), chance.uniform(0, total), side="right").clip(max=len(span) - 1))
            node.cut = _between(node.low[node.feature], node.high[node.feature], chance)
            below = records[:, node.feature] <= node.cut
            waiting += [(records[~below], len(nodes) - 1), (records[below], len(nodes) - 1)]
        return cls(nodes)

    def scores(self, records: Floats) -> Floats:
        """How early each record would be cut off from the sample, as a multiple of what is usual."""
        size = self.nodes[0].mass
        scores = np.zeros(len(records))
        waiting: list[tuple[int, int, _Indices, Floats]] = [(0, 0, np.arange(len(records)), np.ones(len(records)))]
        while waiting:
            index, depth, some, left = waiting.pop()
            node, points = self.nodes[index], records[some]
            beyond = (np.maximum(node.low - points, 0) + np.maximum(points - node.high, 0)).sum(axis=1)
            total = beyond + (node.high - node.low).sum()
            apart = np.divide(beyond, total, out=np.zeros(len(some)), where=total > 0)  # chance of a cut off here
            scores[some] += left * apart / (depth + 1)
            left = left * (1 - apart)
            if node.cut is None:
                seen = (1 - node.mass / (2 * size)) / (depth + np.log2(node.mass + 1))
                scores[some] += left * seen
                continue
            below = points[:, node.feature] <= node.cut
            for child, side in zip(node.children, (below, ~below), strict=True):
                if side.any():
                    waiting.append((child, depth + 1, some[side], left[side]))
        scores *= np.log2(size + 1)
        return scores


def _between(low: float, high: float, chance: np.random.Generator) -> float:
    """A cut that leaves a record on both sides."""
    cut = float(chance.uniform(low, high))
    return cut if low <= cut < high else float(low)


def train(algorithm: Algorithm) -> None:
    """Build the forest of a sample, and score the test channel."""
    hyperparameters = contract.hyperparameters(algorithm)
    wanted = _wanted(hyperparameters["eval_metrics"])
    features = data.dense(data.load_train(algorithm, width=hyperparameters["feature_dim"], labelled=False)[0])
    trees = _forest(features, hyperparameters)
    _save(trees)
    test = data.load(algorithm, "test", width=hyperparameters["feature_dim"])
    if test is None:
        say("Test data is not provided.")
        return
    records, labels = data.dense(test[0]), test[1]
    if not np.isin(labels, (0, 1)).all():
        raise CustomerError("The channel 'test' has labels that are neither 0 (normal) nor 1 (anomalous).")
    usual = scores(trees, features[np.random.default_rng(0).permutation(len(features))[:_MOST_SCORED]])
    said = scores(trees, records) > usual.mean() + _DEVIATIONS * usual.std()
    values = _values(labels, said, wanted)
    contract.scores("test", values, dict.fromkeys(values, "score"))


def scores(trees: Sequence[Tree], records: Floats) -> Floats:
    """The anomaly score of each record: about 1 is usual, more is unusual."""
    mean: Floats = np.mean([tree.scores(records) for tree in trees], axis=0)
    return mean


def _wanted(text: str) -> list[str]:
    """The names of `eval_metrics`; raises CustomerError."""
    try:
        names = json.loads(text.replace("'", '"'))
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) and name in _SCORES for name in names):
        raise CustomerError(f"Hyperparameter eval_metrics: {text} is not a list of some of {', '.join(_SCORES)}.")
    return names


def _forest(features: Floats, hyperparameters: Mapping[str, Any]) -> list[Tree]:
    count, rows = hyperparameters["num_trees"], len(features)
    if rows < count:
        raise CustomerError(f"There are {rows} records, fewer than the {count} trees of hyperparameter num_trees.")
    say("Sampling training data...")
    progress = contract.Progress("RandomCutForest", 1, rows)
    size = min(hyperparameters["num_samples_per_tree"], rows // count)  # no record is in two trees, as in AWS
    chance = np.random.default_rng(0)
    samples = features[chance.permutation(rows)[: count * size]].reshape(count, size, -1)
    say("Sampling training data completed.")
    say("Early stop condition met. Stopping training.")
    progress.tell(0)
    say("Master node: building Random Cut Forest...")
    say("Gathering samples...")
    say(f"{count * size} samples gathered")
    say("Building Random Cut Forest...")
    trees = [Tree.grown(sample, chance) for sample in samples]
    nodes = [len(tree.nodes) for tree in trees]
    say(
        f"Random Cut Forest built: \n\nForestInfo{{num_trees: {count}, num_samples_in_forest: {count * size}, num_samples_per_tree: "
        f"{size}, sample_dim: {features.shape[1]}, shingle_size: 1, max_num_nodes: {max(nodes)}, min_num_nodes: {min(nodes)}, "
        f"avg_num_nodes: {sum(nodes) // count}}}"
    )
    return trees


def _values(labels: Floats, said: npt.NDArray[np.bool_], wanted: Sequence[str]) -> Mapping[str, float]:
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, said, average="binary", zero_division=0)
    values = {"accuracy": (labels == said).mean(), "precision": precision, "recall": recall, "f1": f1}
    return {name: float(values[name]) for metric in wanted for name in _SCORES[metric]}


def restored(arrays: Mapping[str, Any]) -> list[Tree]:
    """The forest that was saved."""
    trees, start = [], 0
    for size in arrays["sizes"]:
        trees.append(Tree([_node(arrays, row) for row in range(start, start + size)]))
        start += size
    return trees


def _node(arrays: Mapping[str, Any], row: int) -> Node:
    cut = float(arrays["cut"][row])
    children = [int(child) for child in arrays["children"][row] if child >= 0]
    node = Node(arrays["low"][row], arrays["high"][row], int(arrays["mass"][row]), int(arrays["feature"][row]), children=children)
    node.cut = None if np.isnan(cut) else cut
    return node


def _save(trees: Sequence[Tree]) -> None:
    """A row for each node, tree after tree; `children` count within the tree, (-1, -1) are a leaf's."""
    say("Master node: Serializing the RandomCutForest model")
    nodes = [node for tree in trees for node in tree.nodes]
    contract.save(
        sizes=[len(tree.nodes) for tree in trees],
        low=[node.low for node in nodes],
        high=[node.high for node in nodes],
        mass=[node.mass for node in nodes],
        feature=[node.feature for node in nodes],
        cut=[np.nan if node.cut is None else node.cut for node in nodes],
        children=[node.children or [-1, -1] for node in nodes],
    )


if __name__ == "__main__":
    contract.run("randomcutforest", train)
