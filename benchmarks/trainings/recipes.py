"""What is recorded: real trainings in six series, and the spaces that they are tuned in."""

from collections.abc import Mapping

from benchmarks.trainings import families, later_families, third_families
from benchmarks.trainings.families import BRANCHES
from benchmarks.trainings.fifth_series import FIFTH
from benchmarks.trainings.fourth_series import FOURTH
from benchmarks.trainings.recipe import Recipe, choice, count, line, log, recipe, whole
from benchmarks.trainings.seventh_series import SEVENTH
from benchmarks.trainings.sixth_series import SIXTH

FOREST = (
    count("n_estimators", 2, 40),
    whole("max_depth", 1, 15),
    line("max_features", 0.05, 1.0),
    count("min_samples_leaf", 1, 30),
)

NETWORK = (
    choice("activation", "relu", "tanh", "logistic"),
    count("hidden", 4, 96),
    count("batch_size", 16, 256),
    log("learning_rate", 1e-4, 1.0),
    log("alpha", 1e-6, 10.0),
)


_PENALTIES = choice("penalty", "l2", "l1", "elasticnet")
FIRST: Mapping[str, Recipe] = dict(
    [
        recipe(
            families.boosting_cancer,
            log("learning_rate", 1e-3, 1.0),
            whole("max_depth", 1, 8),
            line("subsample", 0.1, 1.0),
            line("max_features", 0.05, 1.0),
            count("min_samples_leaf", 1, 50),
            trainings=300,
        ),
        recipe(
            families.boosting_classes,
            log("learning_rate", 1e-3, 1.0),
            count("max_leaf_nodes", 2, 64),
            count("min_samples_leaf", 1, 100),
            log("l2_regularization", 1e-6, 100.0),
            line("max_features", 0.1, 1.0),
            count("max_bins", 4, 255),
            choice("interactions", *BRANCHES),
            trainings=300,
        ),
        recipe(families.forest_diabetes, *FOREST, choice("bootstrap", "yes", "no"), choice("kind", "random", "extra")),
        recipe(
            families.forest_wine,
            *FOREST,
            choice("bootstrap", "yes", "no"),
            choice("criterion", "gini", "entropy"),
            trainings=300,
        ),
        recipe(
            families.kernel_houses,
            log("alpha", 1e-6, 100.0),
            log("gamma", 1e-4, 10.0),
            choice("kernel", "rbf", "laplacian", "polynomial"),
            whole("degree", 1, 5),
        ),
        recipe(
            families.logistic_cancer,
            log("C", 1e-5, 1e4),
            line("l1_ratio", 0.0, 1.0),
            log("tol", 1e-5, 1e-1),
            count("max_iter", 2, 100),
            choice("class_weight", "none", "balanced"),
        ),
        recipe(families.mlp_digits, *NETWORK, choice("solver", "adam", "sgd"), line("momentum", 0.0, 0.99), trainings=300),
        recipe(families.mlp_friedman, *NETWORK, whole("layers", 1, 3), trainings=300),
        recipe(
            families.sgd_diabetes,
            choice("loss", "squared_error", "huber", "epsilon_insensitive"),
            _PENALTIES,
            choice("schedule", "constant", "invscaling"),
            log("alpha", 1e-7, 1.0),
            log("learning_rate", 1e-6, 1.0),
            line("power_t", 0.1, 0.9),
            log("epsilon", 1e-3, 3.0),
        ),
        recipe(
            families.sgd_digits,
            choice("loss", "log_loss", "modified_huber"),
            _PENALTIES,
            choice("schedule", "constant", "invscaling", "optimal"),
            choice("average", "yes", "no"),
            log("alpha", 1e-7, 1.0),
            line("l1_ratio", 0.0, 1.0),
            log("learning_rate", 1e-5, 10.0),
            line("power_t", 0.1, 0.9),
            trainings=300,
        ),
        recipe(
            families.svm_diabetes,
            log("C", 1e-3, 1e3),
            log("gamma", 1e-5, 10.0),
            log("epsilon", 1e-3, 3.0),
            choice("kernel", "rbf", "sigmoid", "linear"),
        ),
        recipe(
            families.svm_digits,
            log("C", 1e-3, 1e3),
            log("gamma", 1e-6, 1.0),
            choice("kernel", "rbf", "poly", "sigmoid"),
            whole("degree", 2, 5),
            line("coef0", -1.0, 2.0),
            trainings=300,
        ),
    ]
)
"""Six families, two of each."""

LATER: Mapping[str, Recipe] = dict(
    [
        recipe(
            later_families.xgboost_hastie,
            choice("booster", "gbtree", "dart"),
            log("eta", 1e-3, 1.0),
            count("num_round", 2, 60),
            whole("max_depth", 1, 10),
            log("min_child_weight", 0.1, 100.0),
            line("subsample", 0.1, 1.0),
            line("colsample_bytree", 0.1, 1.0),
            log("lambda", 1e-3, 100.0),
        ),
        recipe(
            later_families.neighbours_quantiles,
            choice("scaling", "none", "quantiles"),
            choice("whiten", "no", "yes"),
            choice("weights", "uniform", "distance"),
            whole("components", 1, 8),
            count("n_neighbors", 1, 100),
            line("p", 1.0, 4.0),
        ),
        recipe(
            later_families.mixture_iris,
            choice("covariance_type", "full", "tied", "diag", "spherical"),
            choice("init_params", "kmeans", "random_from_data"),
            whole("n_components", 1, 20),
            log("reg_covar", 1e-6, 1.0),
            log("tol", 1e-5, 1.0),
            count("max_iter", 1, 100),
        ),
        recipe(
            later_families.features_friedman,
            choice("kernel", "rbf", "laplacian", "polynomial"),
            choice("loss", "squared", "huber"),
            count("components", 2, 200),
            whole("degree", 1, 5),
            log("gamma", 1e-4, 10.0),
            line("coef0", 0.0, 2.0),
            log("alpha", 1e-6, 100.0),
        ),
        recipe(
            later_families.spreading_moons,
            choice("kernel", "rbf", "knn"),
            whole("n_neighbors", 2, 60),
            count("max_iter", 1, 200),
            log("gamma", 1e-2, 1e3),
            line("alpha", 0.01, 0.99),
            log("tol", 1e-5, 1e-1),
        ),
        recipe(
            later_families.reservoir_series,
            choice("activation", "tanh", "relu"),
            count("units", 4, 100),
            whole("washout", 0, 200),
            log("spectral_radius", 0.05, 5.0),
            line("leak", 0.05, 1.0),
            log("input_scale", 1e-2, 10.0),
            line("density", 0.05, 1.0),
            log("ridge", 1e-8, 10.0),
        ),
        recipe(
            later_families.factors_ratings,
            choice("biases", "yes", "no"),
            count("rank", 1, 20),
            count("batch_size", 4, 128),
            count("epochs", 2, 30),
            log("learning_rate", 1e-4, 1.0),
            log("decay", 1e-5, 1.0),
            line("rate_decay", 0.6, 1.0),
            log("initial", 1e-3, 1.0),
        ),
        recipe(
            later_families.dropout_linnerud,
            choice("activation", "tanh", "relu"),
            count("width", 2, 64),
            count("batch_size", 2, 64),
            whole("components", 1, 8),
            log("learning_rate", 1e-4, 1.0),
            line("momentum", 0.0, 0.99),
            line("dropout", 0.0, 0.8),
            log("decay", 1e-6, 1.0),
            log("initial", 0.01, 10.0),
        ),
    ]
)
"""Recorded later: eight other families, looked at once."""

THIRD: Mapping[str, Recipe] = dict(
    [
        recipe(
            third_families.text_descriptions,
            choice("analyzer", "word", "char", "char_wb"),
            choice("model", "multinomial", "complement"),
            choice("norm", "l2", "l1", "none"),
            choice("sublinear", "yes", "no"),
            whole("longest", 1, 4),
            whole("min_df", 1, 5),
            count("max_features", 20, 2000),
            log("alpha", 1e-4, 10.0),
        ),
        recipe(
            third_families.convolution_shapes,
            choice("pooling", "max", "mean"),
            whole("size", 2, 6),
            count("filters", 1, 24),
            count("batch_size", 4, 128),
            log("learning_rate", 1e-3, 10.0),
            line("momentum", 0.0, 0.95),
            log("decay", 1e-6, 1.0),
            log("initial", 0.01, 10.0),
        ),
        recipe(
            third_families.adaboost_roll,
            choice("loss", "linear", "square", "exponential"),
            choice("splitter", "best", "random"),
            count("n_estimators", 2, 60),
            whole("max_depth", 1, 12),
            count("min_samples_leaf", 1, 40),
            log("learning_rate", 1e-2, 10.0),
            line("max_features", 0.1, 1.0),
        ),
        recipe(
            third_families.elastic_impedance,
            choice("scaling", "standard", "robust", "quantiles"),
            choice("products", "only", "powers"),
            choice("selection", "cyclic", "random"),
            whole("degree", 1, 3),
            count("max_iter", 1, 200),
            log("alpha", 1e-5, 10.0),
            line("l1_ratio", 0.01, 1.0),
            log("tol", 1e-5, 1.0),
        ),
        recipe(
            third_families.novelty_rings,
            choice("kernel", "rbf", "poly", "sigmoid"),
            choice("shrinking", "yes", "no"),
            whole("degree", 1, 5),
            log("nu", 1e-3, 1.0),
            log("gamma", 1e-3, 1e3),
            line("coef0", -1.0, 2.0),
        ),
        recipe(
            third_families.lags_lorenz,
            choice("differences", "yes", "no"),
            count("lags", 2, 30),
            whole("apart", 1, 3),
            count("max_iter", 2, 40),
            count("max_leaf_nodes", 2, 32),
            count("min_samples_leaf", 1, 80),
            log("learning_rate", 1e-2, 3.0),
            log("l2_regularization", 1e-4, 1e3),
        ),
        recipe(
            third_families.dictionary_waves,
            choice("fit", "lars", "cd"),
            choice("transform", "omp", "lasso_cd", "threshold"),
            count("n_components", 2, 48),
            count("max_iter", 1, 10),
            count("batch_size", 8, 256),
            whole("nonzero", 1, 8),
            log("alpha", 1e-2, 10.0),
            log("threshold", 1e-2, 10.0),
        ),
        recipe(
            third_families.recurrent_echoes,
            choice("activation", "tanh", "relu"),
            choice("start", "orthogonal", "diagonal"),
            count("width", 2, 32),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-4, 1.0),
            line("momentum", 0.0, 0.95),
            line("radius", 0.1, 1.5),
            log("clip", 1e-2, 100.0),
            log("decay", 1e-6, 1.0),
        ),
        recipe(
            third_families.chain_tags,
            choice("scaling", "none", "root", "share"),
            choice("class_weight", "none", "balanced"),
            choice("chain", "yes", "no"),
            count("max_iter", 1, 60),
            log("C", 1e-4, 1e2),
            line("l1_ratio", 0.0, 1.0),
            line("shrink", 0.0, 0.9),
        ),
        recipe(
            third_families.qlearning_maze,
            choice("update", "q", "sarsa"),
            count("episodes", 2, 40),
            log("learning_rate", 1e-2, 2.0),
            line("discount", 0.5, 1.0),
            line("trace", 0.0, 0.95),
            line("optimism", -0.5, 1.5),
            line("curious", 0.0, 0.8),
            line("fall", 0.8, 1.0),
        ),
    ]
)
"""Recorded third, and looked at once."""

HELD_OUT = SEVENTH
"""Recorded last, and looked at once, with the search of decision 87."""
RECIPES = {**FIRST, **LATER, **THIRD, **FOURTH, **FIFTH, **SIXTH, **HELD_OUT}


def half(name: str) -> str:
    """Which half a recipe is in: the last series is held out, what is before it is to develop on."""
    return "held-out" if name in HELD_OUT else "development"
