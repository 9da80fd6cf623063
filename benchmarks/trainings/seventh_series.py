"""The seventh series: half networks of kinds that no other series has, half other learners, with the names that libraries have."""

from collections.abc import Mapping

from benchmarks.trainings import seventh_families, seventh_networks
from benchmarks.trainings.recipe import Recipe, choice, count, line, log, recipe, whole

SEVENTH: Mapping[str, Recipe] = dict(
    [
        recipe(
            seventh_networks.cells_tides,
            choice("model", "LSTM", "GRU", "RNN_TANH"),
            whole("epochs", 1, 12),
            whole("bptt", 2, 12),
            count("nhid", 4, 64),
            count("batch_size", 16, 256),
            log("lr", 1e-4, 10.0),
            log("clip", 1e-2, 10.0),
        ),
        recipe(
            seventh_networks.deepbind_promoters,
            choice("optimizer", "adam", "nesterov", "lion"),
            choice("pooling", "max", "average"),
            whole("epochs", 2, 25),
            whole("kernel_size", 2, 14),
            count("filters", 2, 48),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-5, 1.0),
            log("weight_decay", 1e-6, 1e-1),
            line("dropout", 0.0, 0.7),
        ),
        recipe(
            seventh_networks.gcn_citations,
            choice("aggr", "gcn", "mean", "add"),
            whole("num_layers", 1, 5),
            count("epochs", 5, 100),
            count("hidden_channels", 4, 64),
            log("lr", 1e-4, 1.0),
            log("weight_decay", 1e-5, 1.0),
            line("dropout", 0.0, 0.8),
        ),
        recipe(
            seventh_networks.deepfm_adverts,
            choice("optimizer", "adam", "adagrad", "rmsprop", "sgd"),
            whole("epochs", 1, 20),
            count("embedding_dim", 2, 32),
            count("dnn_hidden_units", 8, 128),
            count("batch_size", 16, 512),
            log("learning_rate", 1e-4, 1.0),
            log("l2_reg_embedding", 1e-6, 1.0),
            line("dnn_dropout", 0.0, 0.7),
        ),
        recipe(
            seventh_families.kriging_rainfall,
            choice("kernel", "RBF", "Matern-0.5", "Matern-1.5", "Matern-2.5", "RationalQuadratic"),
            log("length_scale", 1e-2, 1e2),
            log("alpha", 1e-6, 10.0),
        ),
        recipe(
            seventh_families.hdbscan_stars,
            choice("metric", "euclidean", "manhattan", "chebyshev"),
            choice("cluster_selection_method", "eom", "leaf"),
            choice("allow_single_cluster", "True", "False"),
            count("min_cluster_size", 2, 100),
            count("min_samples", 1, 50),
            log("alpha", 0.5, 2.0),
        ),
        recipe(
            seventh_families.nca_fingerprints,
            choice("init", "pca", "lda", "identity", "random"),
            choice("weights", "uniform", "distance"),
            whole("n_components", 1, 7),
            whole("max_iter", 1, 30),
            count("n_neighbors", 1, 50),
        ),
        recipe(
            seventh_families.imbalanced_intrusions,
            whole("num_round", 5, 150),
            whole("max_depth", 1, 10),
            whole("max_delta_step", 0, 10),
            log("eta", 1e-2, 1.0),
            log("scale_pos_weight", 1.0, 100.0),
            line("gamma", 0.0, 5.0),
            line("subsample", 0.3, 1.0),
            line("colsample_bylevel", 0.2, 1.0),
        ),
    ]
)
"""Recorded to look at once: no search of any kind had seen them when they were recorded."""

MORE: Mapping[str, Recipe] = dict(
    [
        recipe(
            seventh_networks.vae_segments,
            whole("epochs", 2, 40),
            whole("latent_dim", 1, 20),
            count("hidden_dim", 8, 128),
            count("batch_size", 8, 256),
            log("learning_rate", 1e-5, 1e-1),
            log("beta", 1e-2, 10.0),
        ),
        recipe(
            seventh_networks.distilled_gestures,
            whole("epochs", 2, 40),
            count("hidden_units", 2, 64),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-4, 1.0),
            line("temperature", 1.0, 20.0),
            line("alpha", 0.0, 1.0),
        ),
        recipe(
            seventh_networks.makemore_entities,
            whole("block_size", 1, 8),
            count("max_steps", 20, 400),
            count("n_embd", 1, 16),
            count("n_hidden", 8, 64),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-4, 1.0),
            log("weight_decay", 1e-5, 1.0),
        ),
        recipe(
            seventh_networks.cnn_swatches,
            choice("activation", "relu", "tanh", "sigmoid"),
            choice("pooling", "max", "average"),
            whole("epochs", 2, 15),
            whole("kernel_size", 2, 6),
            count("num_filters", 2, 32),
            count("batch_size", 8, 128),
            log("lr", 1e-4, 1.0),
            log("weight_decay", 1e-6, 1e-1),
            line("momentum", 0.0, 0.99),
        ),
        recipe(
            seventh_families.nusvr_concrete,
            choice("kernel", "rbf", "poly", "sigmoid"),
            log("C", 1e-2, 1e3),
            log("gamma", 1e-4, 10.0),
            line("nu", 0.01, 1.0),
        ),
        recipe(
            seventh_families.splines_bikes,
            choice("knots", "uniform", "quantile"),
            choice("extrapolation", "constant", "linear", "continue"),
            whole("n_knots", 2, 25),
            whole("degree", 1, 5),
            log("alpha", 1e-6, 10.0),
        ),
        recipe(
            seventh_families.holtwinters_sales,
            choice("trend", "None", "add"),
            choice("seasonal", "None", "add", "mul"),
            whole("seasonal_periods", 2, 14),
            line("smoothing_level", 0.01, 1.0),
            line("smoothing_trend", 0.01, 1.0),
            line("smoothing_seasonal", 0.01, 1.0),
            line("damping_trend", 0.8, 1.0),
        ),
        recipe(
            seventh_families.ard_overtones,
            count("max_iter", 5, 300),
            log("alpha_1", 1e-8, 1e-1),
            log("alpha_2", 1e-8, 1e-1),
            log("lambda_1", 1e-8, 1e-1),
            log("lambda_2", 1e-8, 1e-1),
            log("threshold_lambda", 1e1, 1e6),
        ),
    ]
)
"""Not recorded yet."""
