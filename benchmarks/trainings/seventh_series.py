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
