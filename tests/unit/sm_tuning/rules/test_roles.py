"""What hyperparameters are to a training, by the names that documentation gives them: a false role is worse than none."""

import pytest

from sm_tuning.rules.roles import Role, is_seed, limits_trees, role_of

NAMES: dict[str, dict[Role | None, str]] = {
    "common": {
        Role.RATE: "learning_rate lr learningRate learn_rate base_lr max_lr head_lr init_lr initial_learning_rate rate",
        Role.EPOCHS: """
            epochs epoch num_epochs n_epochs max_epochs train_epochs iterations max_iterations steps max_steps
            num_steps
        """,
        Role.PENALTY: """
            weight_decay weightDecay dropout dropout_rate attention_dropout dropout_hidden l1 l2 l2_reg alpha lambda
            lambda_ reg
        """,
        Role.BATCH: "batch_size batchSize batch train_batch_size micro_batch_size",
        Role.SIZE: """
            depth num_layers hidden_units width hidden_size embedding_dim num_filters hiddenLayers dense_units
            first_layer_units
        """,
        None: """
            momentum optimizer activation seed gamma image_width window_width bin_width lr_decay decay_rate
            lr_decay_rate decay_steps min_lr end_learning_rate final_lr cos_lr warmup_lr warmup_steps warmup_epochs
            cooldown_epochs early_stopping_epochs steps_per_epoch eval_steps save_steps validation_steps
            early_stopping_patience label_smoothing train_fraction test_batch_size val_batch_size freeze_epochs
            freeze_layers num_frozen_layers trainable_layers sampling_rate mutation_rate growth_rate mask_rate
            noise_rate diffusion_steps num_inference_steps time_steps forecast_steps burn_in_steps use_dropout
            gae_lambda mixup_alpha cutmix_alpha focal_alpha distill_alpha ema_alpha gradient_penalty
        """,
    },
    "AWS's algorithms": {
        Role.RATE: "eta learning_rate bias_lr factors_lr linear_lr",
        Role.EPOCHS: "num_round epochs max_num_epochs num_boost_round n_epochs",
        Role.PENALTY: """
            alpha lambda rate_drop bias_wd factors_wd linear_wd wd mlp_dropout embed_dropout_source
            rnn_decoder_hidden_dropout regularizers_l2 attn_dropout
        """,
        Role.BATCH: "mini_batch_size batch_size",
        Role.SIZE: """
            max_depth max_leaves num_layers rnn_num_hidden enc0_layers enc0_token_embedding_dim mlp_layers
            encoder_layers num_cells num_factors vector_dim enc_dim mlp_dim n_blocks num_layers_encoder
            num_layers_decoder num_embed_source num_embed_target num_ip_encoder_layers
        """,
        None: """
            validation_mini_batch_size negative_sampling_rate random_negative_sampling_rate local_lloyd_max_iter
            bucket_width label_width output_layer reinitialize_top_layer train_only_on_top_layer
            rnn_attention_in_upper_layers rnn_first_residual_layer feature_dim num_classes k num_topics skip_drop
            lr_scheduler_factor lr_scheduler_minimum_lr lr_scheduler_step fixed_rate_lr_half_life bias_lr_mult
            embedding_dimension input_dim num_entity_vectors enc0_cnn_filter_width bias_wd_mult alpha0 num_samples_per_tree
            min_epochs early_stopping_rounds num_parallel_tree huber_delta positive_example_weight_mult min_count
            f_beta
        """,
    },
    "XGBoost": {
        Role.RATE: "eta learning_rate",
        Role.EPOCHS: "n_estimators num_boost_round",
        Role.PENALTY: "reg_alpha reg_lambda alpha lambda rate_drop",
        Role.SIZE: "max_depth max_leaves",
        Role.LEAF: "min_child_weight min_split_loss",
        Role.SAMPLE: "subsample colsample_bytree colsample_bylevel colsample_bynode",
        None: """
            gamma max_delta_step scale_pos_weight base_score max_bin skip_drop one_drop tweedie_variance_power
            grow_policy
        """,
    },
    "LightGBM": {
        Role.RATE: "learning_rate shrinkage_rate eta",
        Role.EPOCHS: "num_iterations num_iteration n_iter num_tree num_trees num_rounds nrounds n_estimators max_iter",
        Role.PENALTY: "lambda_l1 lambda_l2 reg_alpha l2_regularization drop_rate linear_lambda path_smooth cat_l2",
        Role.SIZE: "num_leaves num_leaf max_leaf max_leaves max_depth",
        Role.LEAF: """
            min_data_in_leaf min_data_per_leaf min_data min_child_samples min_sum_hessian_in_leaf min_hessian
            min_gain_to_split
        """,
        Role.SAMPLE: "bagging_fraction sub_row subsample feature_fraction sub_feature feature_fraction_bynode",
        None: """
            top_rate other_rate refit_decay_rate bagging_freq max_drop skip_drop cat_smooth max_bin
            min_data_in_bin monotone_penalty num_iteration_predict fair_c
        """,
    },
    "CatBoost": {
        Role.RATE: "learning_rate",
        Role.EPOCHS: "iterations num_boost_round n_estimators num_trees",
        Role.PENALTY: "l2_leaf_reg reg_lambda",
        Role.SIZE: "depth max_depth max_leaves num_leaves",
        Role.LEAF: "min_data_in_leaf min_child_samples",
        Role.SAMPLE: "rsm colsample_bylevel subsample",
        None: """
            model_shrink_rate leaf_estimation_iterations model_size_reg mvs_reg random_strength bagging_temperature
            border_count od_wait diffusion_temperature one_hot_max_size fold_len_multiplier
        """,
    },
    "scikit-learn": {
        Role.RATE: "learning_rate_init eta0 learning_rate mlp__learning_rate_init",
        Role.EPOCHS: "max_iter n_iter n_estimators rf__n_estimators",
        Role.PENALTY: "alpha ridge__alpha elasticnet__alpha ccp_alpha l2_regularization reg_param ridge_alpha penalty",
        Role.SIZE: "hidden_layer_sizes max_depth max_leaf_nodes",
        Role.LEAF: "min_samples_leaf min_samples_split min_impurity_decrease min_weight_fraction_leaf forest__min_samples_leaf",
        Role.SAMPLE: "max_features max_samples subsample",
        None: """
            C svc__C gamma nu tol l1_ratio degree n_neighbors power_t threshold_lambda alpha_1 lambda_1 force_alpha
            n_iter_no_change leaf_size max_no_improvement shrinkage n_components validation_fraction
        """,
    },
    "Hugging Face": {
        Role.RATE: "learning_rate",
        Role.EPOCHS: "num_train_epochs max_steps",
        Role.PENALTY: """
            weight_decay lora_dropout hidden_dropout_prob attention_probs_dropout_prob classifier_dropout resid_pdrop
            layerdrop
        """,
        Role.BATCH: "per_device_train_batch_size per_gpu_train_batch_size",
        Role.SIZE: """
            lora_r lora_rank encoder_hidden_size num_hidden_layers n_layer n_embd d_model d_ff hidden_size intermediate_size
        """,
        None: """
            lora_alpha adalora_alpha neftune_noise_alpha sft_alpha rpo_alpha cpo_alpha beta per_device_eval_batch_size
            warmup_ratio auto_find_batch_size torch_empty_cache_steps gradient_accumulation_steps max_grad_norm
            adam_beta1 adam_epsilon logging_steps label_smoothing_factor num_ppo_epochs kl_penalty repetition_penalty
            length_penalty num_virtual_tokens use_rslora init_r target_r peft_type lora_bias generation_batch_size
            precompute_ref_batch_size local_rollout_forward_batch_size disable_dropout num_generations
        """,
    },
    "Lightning, Keras, fastai and torch": {
        Role.RATE: "learning_rate lr max_lr lr_max base_lr initial_learning_rate",
        Role.EPOCHS: "max_epochs max_steps epochs n_epoch nb_epoch total_steps",
        Role.PENALTY: """
            weight_decay wd recurrent_dropout drop_mult drop_path_rate drop_connect_rate embed_p l1_regularization_strength
            l2_regularization_strength
        """,
        Role.BATCH: "batch_size bs",
        Role.SIZE: "units filters layers n_layers num_layers num_encoder_layers dim_feedforward key_dim",
        None: """
            min_epochs min_steps annealing_epochs num_sanity_val_steps limit_train_batches accumulate_grad_batches
            gradient_clip_val dilation_rate kernel_size strides clipnorm beta_1 rho initial_epoch decay_rate
            alpha_pattern steps_per_execution pct_start moms freeze_epochs lr_mult wd_bn_bias decouple_wd step_size
            last_epoch T_max eta_min div_factor div_final lr_decay check_val_every_n_epoch log_every_n_steps overfit_batches
            reload_dataloaders_every_n_epochs profile_batch depth_multiplier num_heads
        """,
    },
}
CASES = [(role, name) for table in NAMES.values() for role, names in table.items() for name in names.split()]


@pytest.mark.parametrize(("role", "name"), dict.fromkeys(CASES))
def test_the_role_of_a_name(role: Role | None, name: str) -> None:
    assert role_of(name) is role


def test_no_name_has_two_roles() -> None:
    assert len({name for _, name in CASES}) == len(set(CASES))


def test_what_limits_trees() -> None:
    assert all(map(limits_trees, ["max_depth", "num_leaves", "maxLeaves", "forest__max_leaf_nodes", "num_leaf"]))
    assert not any(map(limits_trees, ["depth", "num_layers", "min_data_in_leaf"]))


def test_what_a_seed_is_called() -> None:
    assert all(map(is_seed, ["seed", "random_seed", "rng-seed", "randomState", "forest__random_state"]))
    assert not any(map(is_seed, ["seeds", "state", "seed_fraction", "random"]))
