"""mlp.py in this process: beside conftest.py, which must not import scikit-learn, as every process of the tests reads it."""

from collections.abc import Sequence

import contract

from training_scripts import mlp


def MLP(words: Sequence[str]) -> int:  # noqa: N802 - stands for the script
    """mlp.py with these words."""
    return contract.main(mlp.train, mlp.HYPERPARAMETERS, words)
