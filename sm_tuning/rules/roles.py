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
_ENDS: Mapping[Role, str] = {
    Role.RATE: "learning_rate learn_rate shrinkage_rate lr eta eta0 learning_rate_init lr_init lr0 lr_max",
    Role.BATCH: "batch_size batch minibatch",
    Role.EPOCHS: """
        num_epochs n_epochs nb_epochs max_epochs train_epochs training_epochs total_epochs num_epoch n_epoch nb_epoch max_epoch
        num_round num_rounds nrounds n_rounds num_boost_round boosting_rounds n_estimators num_trees num_tree n_trees ntrees ntree
        max_iter max_iters n_iter n_iters num_iter num_iters num_iteration num_iterations n_iterations max_iterations
        max_steps num_steps train_steps training_steps total_steps
        """,
    Role.SIZE: """
        depth leaves num_leaf max_leaf leaf_nodes layers n_layer num_layer hidden units neurons filters hidden_size hidden_dim
        layer_sizes d_model d_ff intermediate_size n_embd embedding_dim embed_dim embedding_size lora_r lora_rank num_cells
        num_factors vector_dim enc_dim mlp_dim key_dim dim_feedforward n_blocks num_blocks layers_encoder layers_decoder
        num_embed_source num_embed_target
        """,
    Role.PENALTY: """
        regularization regularisation regularization_strength reg_param weight_decay wd dropout dropout_rate dropout_prob pdrop
        drop_rate rate_drop drop_mult drop_path drop_path_rate drop_connect_rate layerdrop stochastic_depth embed_p reg_lambda
        reg_alpha ccp_alpha ridge_alpha lasso_alpha xgb_alpha xgb_lambda l1_lambda l2_lambda linear_lambda l1 l2 l1_reg l2_reg
        l2_leaf_reg l1_penalty l2_penalty weight_penalty regularizers_l2 path_smooth
        """,
}
# These say it alone: with another word before them they are something else (`lora_alpha`, `decay_rate`, `diffusion_steps`).
_WHOLE: Mapping[Role, str] = {
    Role.RATE: "rate",
    Role.BATCH: "bs",
    Role.EPOCHS: "epochs epoch iterations steps",
    Role.SIZE: "width",
    Role.PENALTY: "penalty reg lambda alpha",
}
# What regularizes trees beside their size, by whole names: more of a leaf's least, less of a sample. XGBoost's `gamma` is also
# the width of a kernel and a factor of schedules.
_OF_TREES: Mapping[Role, str] = {
    Role.LEAF: """
        min_samples_leaf min_samples_split min_child_weight min_child_samples min_data_in_leaf min_sum_hessian_in_leaf
        min_split_loss min_split_gain min_gain_to_split min_impurity_decrease min_data min_data_per_leaf min_hessian min_sum_hessian
        min_sum_hessian_per_leaf min_weight_fraction_leaf
        """,
    Role.SAMPLE: """
        subsample bagging_fraction feature_fraction colsample_bytree colsample_bylevel colsample_bynode max_features max_samples rsm
        sub_row sub_feature feature_fraction_bynode sub_feature_bynode
        """,
}
_TREE_SIZES = frozenset({"max_depth", "num_leaves", "max_leaves", "max_leaf_nodes", "num_leaf", "max_leaf"})


def _roles(*tables: Mapping[Role, str]) -> Mapping[str, Role]:
    return {name: role for table in tables for role, names in table.items() for name in names.split()}


_BY_WHOLE, _BY_END = _roles(_WHOLE, _OF_TREES), _roles(_ENDS)
# A word that makes it another thing: warm-up steps are no epochs, the size of validation's batches and frozen layers decide nothing.
_OTHERWISE = frozenset(
    """
    warmup warm patience per eval val valid validation test predict prediction inference save log logging every min minimum end final
    image shift gamma factor schedule scheduler accumulation auto find use no exclude cos decouple decoupled freeze frozen unfreeze
    trainable top upper output return local generation precompute profile disable
    """.split()  # noqa: SIM905 - as the names above
)


def words(name: str) -> list[str]:
    """A name's words in small letters, however they are joined."""
    return [word.lower() for word in _WORD.findall(name)]


def role_of(name: str) -> Role | None:
    """The role of a hyperparameter; None for one of no such name."""
    parts = _own_words(name)
    if (role := _BY_WHOLE.get("_".join(parts))) is not None:
        return role
    if not _OTHERWISE.isdisjoint(parts):
        return None
    if "dropout" in parts:
        return Role.PENALTY  # `embed_dropout_source`
    ends = ("_".join(parts[start:]) for start in range(len(parts)))  # the longest first
    return next((_BY_END[end] for end in ends if end in _BY_END), None)


def _own_words(name: str) -> list[str]:
    """Without the step of a scikit-learn pipeline (`ridge__alpha`), and without the device of a size for each."""
    parts = words(name.rpartition("__")[2] or name)
    return parts[2:] if parts[:2] in (["per", "device"], ["per", "gpu"]) else parts


def is_seed(name: str) -> bool:
    """Whether a hyperparameter says where random numbers begin: `seed`, `rng_seed`, `random_state`."""
    parts = _own_words(name)
    return parts[-1:] == ["seed"] or parts[-2:] == ["random", "state"]


def limits_trees(name: str) -> bool:
    """Whether a hyperparameter limits the size of trees, which is their regularization."""
    return "_".join(_own_words(name)) in _TREE_SIZES
