"""What hyperparameters are to a training, by the names that frameworks give them."""

import pytest

from sm_tuning.rules.roles import Role, role_of

NAMES = {
    Role.RATE: "learning_rate lr eta learningRate learning_rate_init base_lr max_lr head_lr lr0 rate",
    Role.EPOCHS: "epochs num_train_epochs num_round num_boost_round n_estimators max_iter iterations max_steps",
    Role.PENALTY: "weight_decay weightDecay dropout dropout_rate attention_dropout l2 lambda_l1 l2_regularization alpha reg_lambda "
    "reg_alpha",
    Role.BATCH: "batch_size mini_batch_size per_device_train_batch_size batchSize",
    Role.SIZE: "max_depth depth num_leaves max_leaf_nodes num_layers hidden_units width hidden_size embedding_dim num_filters "
    "hiddenLayers",
    Role.LEAF: "min_samples_leaf min_samples_split min_child_weight minChildWeight min_data_in_leaf",
    Role.SAMPLE: "subsample colsample_bytree feature_fraction max_features",
    None: "momentum optimizer warmup_steps lr_decay min_lr steps_per_epoch eval_steps early_stopping_patience gamma image_width "
    "lr_scheduler train_fraction C gradient_accumulation_steps label_smoothing",
}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in NAMES.items() for name in names.split()])
def test_the_role_of_a_name(role: Role | None, name: str) -> None:
    assert role_of(name) is role
