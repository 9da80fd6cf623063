"""What a hyperparameter is to a training, by its name: the four that decide most, and the size of the model."""

from collections.abc import Mapping
from enum import StrEnum

from sm_tuning.analysis.metric_names import words


class Role(StrEnum):
    """What a hyperparameter is to a training."""

    RATE = "learning rate"
    EPOCHS = "epochs"
    PENALTY = "regularization"
    BATCH = "batch size"
    SIZE = "model size"


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
_ROLES: Mapping[str, Role] = {name: role for role, names in _NAMES.items() for name in names.split()}
# A word that makes it another thing: warm-up steps are no epochs, a decay of the rate is no rate.
_OTHERWISE = frozenset(
    """
    warmup warm patience per eval save log logging every min image shift gamma factor schedule scheduler accumulation
    """.split()  # noqa: SIM905 - as the names above
)


def role_of(name: str) -> Role | None:
    """The role of a hyperparameter; None for one of no such name."""
    parts = words(name)
    if parts[:2] == ["per", "device"]:
        parts = parts[2:]
    if not _OTHERWISE.isdisjoint(parts):
        return None
    ends = ("_".join(parts[start:]) for start in range(len(parts)))  # the longest first
    return next((_ROLES[end] for end in ends if end in _ROLES), None)
