"""Latent Dirichlet allocation: `python -m local_emulator.algorithms.lda`.

Fitted by variational Bayes, where AWS decomposes the moments of the words; so `max_restarts` and `tol` change nothing here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
from sklearn.decomposition import LatentDirichletAllocation

from local_emulator.algorithms import contract, data
from local_emulator.algorithms.adam import batches
from local_emulator.algorithms.contract import CustomerError, say
from sm_tuning.rules.catalogue import Algorithm

_LEAST_GAIN = 1e-3  # of the log-likelihood of a word: a pass that gains less is the last
_MOST_PASSES = 100  # variational passes do the work of many iterations of AWS's decomposition


def train(algorithm: Algorithm) -> None:
    """Find the topics, and score the test channel."""
    hyperparameters = contract.hyperparameters(algorithm)
    width = hyperparameters["feature_dim"]
    documents, _ = data.load_train(algorithm, width=width, labelled=False)
    test = data.load(algorithm, "test", width=width, labelled=False)
    for name, counts in (("train", documents), *((("test", test[0]),) if test is not None else ())):
        if counts.min() < 0 or not counts.sum() > 0:
            raise CustomerError(f"The channel {name!r} must hold counts of words: none below 0, and some above.")
    say("The hyperparameters max_restarts and tol have no effect in this stand-in, which does not decompose tensors as AWS does.")
    model = _fit(documents, hyperparameters)
    if test is not None:
        contract.scores("test", {"pwll": _likelihood(model, test[0])}, {"pwll": "score"})
    topics = model.components_ / model.components_.sum(axis=1, keepdims=True)
    alpha = np.full(hyperparameters["num_topics"], model.doc_topic_prior)
    contract.save(alpha=alpha, beta=topics, components=model.components_)


def _fit(counts: Any, hyperparameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 - dense or sparse; scikit-learn has no types
    """Passes over the documents in mini-batches, until they gain little."""
    topics, rows = hyperparameters["num_topics"], counts.shape[0]
    model = LatentDirichletAllocation(
        n_components=topics,
        doc_topic_prior=hyperparameters["alpha0"] / topics,  # alpha0 is the sum over the topics
        total_samples=rows,
        random_state=0,
    )
    chance = np.random.default_rng(0)
    before = -np.inf
    for number in range(min(hyperparameters["max_iterations"], _MOST_PASSES)):
        for some in batches(rows, hyperparameters["mini_batch_size"], chance):
            with sklearn.config_context(skip_parameter_validation=True):  # it allows no prior above 1; the mathematics does
                model.partial_fit(counts[some])
        likelihood = _likelihood(model, counts)
        say(f"pass {number}: per-word log-likelihood {likelihood:f}")
        if likelihood - before < _LEAST_GAIN:
            break
        before = likelihood
    return model


def _likelihood(model: Any, counts: Any) -> float:  # noqa: ANN401 - as above
    """The log-likelihood of a word: a lower bound of it."""
    return -float(np.log(model.perplexity(counts)))


if __name__ == "__main__":
    contract.run("lda", train)
