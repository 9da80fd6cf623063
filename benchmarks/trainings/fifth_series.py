"""The fifth series: eight families that users tune; which category is chosen says in most which numbers count."""

from collections.abc import Mapping

from benchmarks.trainings import fifth_families, fifth_texts
from benchmarks.trainings.recipe import Recipe, choice, count, line, log, recipe, whole

FIFTH: Mapping[str, Recipe] = dict(
    [
        recipe(
            fifth_families.svc_sensors,
            choice("kernel", "rbf", "poly", "sigmoid", "linear"),
            choice("scaler", "standard", "minmax", "robust"),
            choice("class_weight", "none", "balanced"),
            whole("degree", 2, 5),
            log("C", 1e-3, 1e3),
            log("gamma", 1e-4, 10.0),
            line("coef0", -1.0, 2.0),
        ),
        recipe(
            fifth_families.perceptron_churn,
            choice("solver", "adam", "sgd", "lbfgs"),
            choice("activation", "relu", "tanh", "logistic"),
            choice("learning_rate", "constant", "invscaling", "adaptive"),
            whole("max_iter", 2, 40),
            count("hidden_units", 4, 96),
            count("batch_size", 16, 256),
            log("learning_rate_init", 1e-5, 0.5),
            log("alpha", 1e-6, 10.0),
            line("momentum", 0.0, 0.99),
        ),
        recipe(
            fifth_families.histogram_claims,
            choice("loss", "squared_error", "absolute_error", "poisson", "gamma"),
            count("max_iter", 5, 150),
            count("max_leaf_nodes", 2, 64),
            whole("max_depth", 1, 12),
            count("min_samples_leaf", 1, 100),
            count("max_bins", 8, 255),
            log("learning_rate", 1e-3, 1.0),
            log("l2_regularization", 1e-6, 100.0),
            line("max_features", 0.1, 1.0),
        ),
        recipe(
            fifth_families.trees_crops,
            choice("model", "random_forest", "extra_trees"),
            choice("criterion", "gini", "entropy"),
            choice("class_weight", "none", "balanced", "balanced_subsample"),
            count("n_estimators", 5, 120),
            whole("max_depth", 2, 20),
            count("min_samples_leaf", 1, 50),
            line("max_features", 0.05, 1.0),
            line("max_samples", 0.1, 1.0),
            log("ccp_alpha", 1e-6, 1e-1),
        ),
        recipe(
            fifth_families.sampler_galaxies,
            choice("sampler", "rbf", "nystroem", "sketch"),
            choice("loss", "hinge", "log_loss", "modified_huber"),
            choice("learning_rate", "optimal", "constant", "invscaling", "adaptive"),
            count("n_components", 8, 300),
            whole("max_iter", 1, 25),
            log("gamma", 1e-3, 10.0),
            log("alpha", 1e-7, 1e-1),
            log("eta0", 1e-4, 10.0),
            line("power_t", 0.1, 0.9),
        ),
        recipe(
            fifth_families.autoencoder_spectra,
            whole("epochs", 2, 30),
            count("hidden_units", 8, 96),
            count("latent_dim", 1, 24),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-5, 0.3),
            log("weight_decay", 1e-6, 10.0),
            line("beta_1", 0.0, 0.99),
            line("noise", 0.0, 1.0),
        ),
        recipe(
            fifth_texts.ngrams_docstrings,
            choice("classifier", "logistic", "svm", "naive_bayes"),
            choice("analyzer", "word", "char", "char_wb"),
            choice("sublinear_tf", "True", "False"),
            whole("ngram_max", 1, 5),
            whole("min_df", 1, 8),
            count("max_features", 50, 5000),
            log("C", 1e-3, 1e3),
            log("alpha", 1e-4, 10.0),
        ),
        recipe(
            fifth_texts.smoothing_code,
            choice("smoothing", "additive", "jelinek_mercer", "absolute", "kneser_ney", "witten_bell"),
            whole("order", 1, 8),
            whole("min_count", 1, 5),
            count("cache_size", 10, 1000),
            log("alpha", 1e-4, 10.0),
            line("interpolation", 0.05, 0.95),
            line("discount", 0.05, 1.0),
            line("cache_weight", 0.0, 0.5),
        ),
    ]
)
"""Recorded fifth, and looked at once."""
