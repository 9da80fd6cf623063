"""What a hyperparameter is to a training, by its name: the four that decide most, and the size of the model."""

import re
from collections.abc import Mapping
from enum import StrEnum

_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


class Role(StrEnum):
    """What a hyperparameter is to a training."""

    RATE = "learning rate"
    EPOCHS = "epochs"
    PENALTY = "regularization"
    BATCH = "batch size"
    SIZE = "model size"
    LEAF = "least content or gain of a leaf"
    SAMPLE = "share of rows or columns for a tree"


# A name ends with one of these: `per_device_train_batch_size`. The last role that fits counts: `dropout_rate` is no rate.
_NAMES: Mapping[Role, str] = {
    Role.RATE: "learning_rate lr eta rate learning_rate_init lr_init lr0 step_size",
    Role.BATCH: "batch_size batch minibatch",
    Role.EPOCHS: """
        epochs epoch num_round num_rounds nrounds num_boost_round n_estimators num_trees max_iter n_iter iterations max_steps steps
        """,
    Role.SIZE: """
        depth leaves leaf_nodes layers layer hidden units width neurons filters hidden_size hidden_dim layer_sizes d_model
        embedding_dim
        """,
    Role.PENALTY: """
        regularization regularisation weight_decay wd dropout dropout_rate dropout_prob drop_rate penalty reg lambda alpha l1 l2
        l2_leaf_reg
        """,
}
# What regularizes trees beside their size, by whole names: more of a leaf's least, less of a sample. XGBoost's `gamma` is also
# the width of a kernel and a factor of schedules.
_OF_TREES: Mapping[Role, str] = {
    Role.LEAF: """
        min_samples_leaf min_samples_split min_child_weight min_child_samples min_data_in_leaf min_sum_hessian_in_leaf
        min_split_loss min_split_gain min_gain_to_split min_impurity_decrease
        """,
    Role.SAMPLE: """
        subsample bagging_fraction feature_fraction colsample_bytree colsample_bylevel colsample_bynode max_features max_samples rsm
        """,
}
_TREES: Mapping[str, Role] = {name: role for role, names in _OF_TREES.items() for name in names.split()}
_TREE_SIZES = frozenset({"max_depth", "num_leaves", "max_leaves", "max_leaf_nodes"})
_ROLES: Mapping[str, Role] = {name: role for role, names in _NAMES.items() for name in names.split()}
# A word that makes it another thing: warm-up steps are no epochs, a decay of the rate is no rate.
_OTHERWISE = frozenset(
    """
    warmup warm patience per eval save log logging every min image shift gamma factor schedule scheduler accumulation
    """.split()  # noqa: SIM905 - as the names above
)


def words(name: str) -> list[str]:
    """A name's words in small letters, however they are joined."""
    return [word.lower() for word in _WORD.findall(name)]


def role_of(name: str) -> Role | None:
    """The role of a hyperparameter; None for one of no such name."""
    parts = words(name)
    if (role := _TREES.get("_".join(parts))) is not None:
        return role
    if parts[:2] == ["per", "device"]:
        parts = parts[2:]
    if not _OTHERWISE.isdisjoint(parts):
        return None
    ends = ("_".join(parts[start:]) for start in range(len(parts)))  # the longest first
    return next((_ROLES[end] for end in ends if end in _ROLES), None)


def limits_trees(name: str) -> bool:
    """Whether a hyperparameter limits the size of trees, which is their regularization."""
    return "_".join(words(name)) in _TREE_SIZES
