"""What is recorded: real trainings in three series, and the spaces that they are tuned in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.trainings import families, later_families, third_families
from benchmarks.trainings.families import BRANCHES
from benchmarks.trainings.losses import Curve
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space


@dataclass(frozen=True)
class Recipe:
    """What is tuned, and how it is trained."""

    space: Space
    train: Callable[[int, Point], Curve]
    trainings: int = 600


def _log(name: str, low: float, high: float) -> Parameter:
    return Continuous(name=name, low=low, high=high, scaling=Scaling.LOGARITHMIC)


def _line(name: str, low: float, high: float) -> Parameter:
    return Continuous(name=name, low=low, high=high, scaling=Scaling.LINEAR)


def _whole(name: str, low: int, high: int, scaling: Scaling = Scaling.LINEAR) -> Parameter:
    return Integer(name=name, low=low, high=high, scaling=scaling)


def _count(name: str, low: int, high: int) -> Parameter:
    return _whole(name, low, high, Scaling.LOGARITHMIC)


def _choice(name: str, *values: str) -> Parameter:
    return Categorical(name=name, values=values)


FOREST = (
    _count("n_estimators", 2, 40),
    _whole("max_depth", 1, 15),
    _line("max_features", 0.05, 1.0),
    _count("min_samples_leaf", 1, 30),
)

NETWORK = (
    _choice("activation", "relu", "tanh", "logistic"),
    _count("hidden", 4, 96),
    _count("batch_size", 16, 256),
    _log("learning_rate", 1e-4, 1.0),
    _log("alpha", 1e-6, 10.0),
)


def _recipe(train: Callable[[int, Point], Curve], *parameters: Parameter, trainings: int = 600) -> tuple[str, Recipe]:
    kinds = (Categorical, Integer, Continuous)
    space = Space(parameters=tuple(sorted(parameters, key=lambda parameter: kinds.index(type(parameter)))))
    return train.__name__, Recipe(space, train, trainings)


_PENALTIES = _choice("penalty", "l2", "l1", "elasticnet")
FIRST: Mapping[str, Recipe] = dict(
    [
        _recipe(
            families.boosting_cancer,
            _log("learning_rate", 1e-3, 1.0),
            _whole("max_depth", 1, 8),
            _line("subsample", 0.1, 1.0),
            _line("max_features", 0.05, 1.0),
            _count("min_samples_leaf", 1, 50),
            trainings=300,
        ),
        _recipe(
            families.boosting_classes,
            _log("learning_rate", 1e-3, 1.0),
            _count("max_leaf_nodes", 2, 64),
            _count("min_samples_leaf", 1, 100),
            _log("l2_regularization", 1e-6, 100.0),
            _line("max_features", 0.1, 1.0),
            _count("max_bins", 4, 255),
            _choice("interactions", *BRANCHES),
            trainings=300,
        ),
        _recipe(families.forest_diabetes, *FOREST, _choice("bootstrap", "yes", "no"), _choice("kind", "random", "extra")),
        _recipe(
            families.forest_wine,
            *FOREST,
            _choice("bootstrap", "yes", "no"),
            _choice("criterion", "gini", "entropy"),
            trainings=300,
        ),
        _recipe(
            families.kernel_houses,
            _log("alpha", 1e-6, 100.0),
            _log("gamma", 1e-4, 10.0),
            _choice("kernel", "rbf", "laplacian", "polynomial"),
            _whole("degree", 1, 5),
        ),
        _recipe(
            families.logistic_cancer,
            _log("C", 1e-5, 1e4),
            _line("l1_ratio", 0.0, 1.0),
            _log("tol", 1e-5, 1e-1),
            _count("max_iter", 2, 100),
            _choice("class_weight", "none", "balanced"),
        ),
        _recipe(families.mlp_digits, *NETWORK, _choice("solver", "adam", "sgd"), _line("momentum", 0.0, 0.99), trainings=300),
        _recipe(families.mlp_friedman, *NETWORK, _whole("layers", 1, 3), trainings=300),
        _recipe(
            families.sgd_diabetes,
            _choice("loss", "squared_error", "huber", "epsilon_insensitive"),
            _PENALTIES,
            _choice("schedule", "constant", "invscaling"),
            _log("alpha", 1e-7, 1.0),
            _log("learning_rate", 1e-6, 1.0),
            _line("power_t", 0.1, 0.9),
            _log("epsilon", 1e-3, 3.0),
        ),
        _recipe(
            families.sgd_digits,
            _choice("loss", "log_loss", "modified_huber"),
            _PENALTIES,
            _choice("schedule", "constant", "invscaling", "optimal"),
            _choice("average", "yes", "no"),
            _log("alpha", 1e-7, 1.0),
            _line("l1_ratio", 0.0, 1.0),
            _log("learning_rate", 1e-5, 10.0),
            _line("power_t", 0.1, 0.9),
            trainings=300,
        ),
        _recipe(
            families.svm_diabetes,
            _log("C", 1e-3, 1e3),
            _log("gamma", 1e-5, 10.0),
            _log("epsilon", 1e-3, 3.0),
            _choice("kernel", "rbf", "sigmoid", "linear"),
        ),
        _recipe(
            families.svm_digits,
            _log("C", 1e-3, 1e3),
            _log("gamma", 1e-6, 1.0),
            _choice("kernel", "rbf", "poly", "sigmoid"),
            _whole("degree", 2, 5),
            _line("coef0", -1.0, 2.0),
            trainings=300,
        ),
    ]
)
"""Six families, two of each."""

LATER: Mapping[str, Recipe] = dict(
    [
        _recipe(
            later_families.xgboost_hastie,
            _choice("booster", "gbtree", "dart"),
            _log("eta", 1e-3, 1.0),
            _count("num_round", 2, 60),
            _whole("max_depth", 1, 10),
            _log("min_child_weight", 0.1, 100.0),
            _line("subsample", 0.1, 1.0),
            _line("colsample_bytree", 0.1, 1.0),
            _log("lambda", 1e-3, 100.0),
        ),
        _recipe(
            later_families.neighbours_quantiles,
            _choice("scaling", "none", "quantiles"),
            _choice("whiten", "no", "yes"),
            _choice("weights", "uniform", "distance"),
            _whole("components", 1, 8),
            _count("n_neighbors", 1, 100),
            _line("p", 1.0, 4.0),
        ),
        _recipe(
            later_families.mixture_iris,
            _choice("covariance_type", "full", "tied", "diag", "spherical"),
            _choice("init_params", "kmeans", "random_from_data"),
            _whole("n_components", 1, 20),
            _log("reg_covar", 1e-6, 1.0),
            _log("tol", 1e-5, 1.0),
            _count("max_iter", 1, 100),
        ),
        _recipe(
            later_families.features_friedman,
            _choice("kernel", "rbf", "laplacian", "polynomial"),
            _choice("loss", "squared", "huber"),
            _count("components", 2, 200),
            _whole("degree", 1, 5),
            _log("gamma", 1e-4, 10.0),
            _line("coef0", 0.0, 2.0),
            _log("alpha", 1e-6, 100.0),
        ),
        _recipe(
            later_families.spreading_moons,
            _choice("kernel", "rbf", "knn"),
            _whole("n_neighbors", 2, 60),
            _count("max_iter", 1, 200),
            _log("gamma", 1e-2, 1e3),
            _line("alpha", 0.01, 0.99),
            _log("tol", 1e-5, 1e-1),
        ),
        _recipe(
            later_families.reservoir_series,
            _choice("activation", "tanh", "relu"),
            _count("units", 4, 100),
            _whole("washout", 0, 200),
            _log("spectral_radius", 0.05, 5.0),
            _line("leak", 0.05, 1.0),
            _log("input_scale", 1e-2, 10.0),
            _line("density", 0.05, 1.0),
            _log("ridge", 1e-8, 10.0),
        ),
        _recipe(
            later_families.factors_ratings,
            _choice("biases", "yes", "no"),
            _count("rank", 1, 20),
            _count("batch_size", 4, 128),
            _count("epochs", 2, 30),
            _log("learning_rate", 1e-4, 1.0),
            _log("decay", 1e-5, 1.0),
            _line("rate_decay", 0.6, 1.0),
            _log("initial", 1e-3, 1.0),
        ),
        _recipe(
            later_families.dropout_linnerud,
            _choice("activation", "tanh", "relu"),
            _count("width", 2, 64),
            _count("batch_size", 2, 64),
            _whole("components", 1, 8),
            _log("learning_rate", 1e-4, 1.0),
            _line("momentum", 0.0, 0.99),
            _line("dropout", 0.0, 0.8),
            _log("decay", 1e-6, 1.0),
            _log("initial", 0.01, 10.0),
        ),
    ]
)
"""Recorded later: eight other families, looked at once."""

THIRD: Mapping[str, Recipe] = dict(
    [
        _recipe(
            third_families.text_descriptions,
            _choice("analyzer", "word", "char", "char_wb"),
            _choice("model", "multinomial", "complement"),
            _choice("norm", "l2", "l1", "none"),
            _choice("sublinear", "yes", "no"),
            _whole("longest", 1, 4),
            _whole("min_df", 1, 5),
            _count("max_features", 20, 2000),
            _log("alpha", 1e-4, 10.0),
        ),
        _recipe(
            third_families.convolution_shapes,
            _choice("pooling", "max", "mean"),
            _whole("size", 2, 6),
            _count("filters", 1, 24),
            _count("batch_size", 4, 128),
            _log("learning_rate", 1e-3, 10.0),
            _line("momentum", 0.0, 0.95),
            _log("decay", 1e-6, 1.0),
            _log("initial", 0.01, 10.0),
        ),
        _recipe(
            third_families.adaboost_roll,
            _choice("loss", "linear", "square", "exponential"),
            _choice("splitter", "best", "random"),
            _count("n_estimators", 2, 60),
            _whole("max_depth", 1, 12),
            _count("min_samples_leaf", 1, 40),
            _log("learning_rate", 1e-2, 10.0),
            _line("max_features", 0.1, 1.0),
        ),
        _recipe(
            third_families.elastic_impedance,
            _choice("scaling", "standard", "robust", "quantiles"),
            _choice("products", "only", "powers"),
            _choice("selection", "cyclic", "random"),
            _whole("degree", 1, 3),
            _count("max_iter", 1, 200),
            _log("alpha", 1e-5, 10.0),
            _line("l1_ratio", 0.01, 1.0),
            _log("tol", 1e-5, 1.0),
        ),
        _recipe(
            third_families.novelty_rings,
            _choice("kernel", "rbf", "poly", "sigmoid"),
            _choice("shrinking", "yes", "no"),
            _whole("degree", 1, 5),
            _log("nu", 1e-3, 1.0),
            _log("gamma", 1e-3, 1e3),
            _line("coef0", -1.0, 2.0),
        ),
        _recipe(
            third_families.lags_lorenz,
            _choice("differences", "yes", "no"),
            _count("lags", 2, 30),
            _whole("apart", 1, 3),
            _count("max_iter", 2, 40),
            _count("max_leaf_nodes", 2, 32),
            _count("min_samples_leaf", 1, 80),
            _log("learning_rate", 1e-2, 3.0),
            _log("l2_regularization", 1e-4, 1e3),
        ),
        _recipe(
            third_families.dictionary_waves,
            _choice("fit", "lars", "cd"),
            _choice("transform", "omp", "lasso_cd", "threshold"),
            _count("n_components", 2, 48),
            _count("max_iter", 1, 10),
            _count("batch_size", 8, 256),
            _whole("nonzero", 1, 8),
            _log("alpha", 1e-2, 10.0),
            _log("threshold", 1e-2, 10.0),
        ),
        _recipe(
            third_families.recurrent_echoes,
            _choice("activation", "tanh", "relu"),
            _choice("start", "orthogonal", "diagonal"),
            _count("width", 2, 32),
            _count("batch_size", 8, 128),
            _log("learning_rate", 1e-4, 1.0),
            _line("momentum", 0.0, 0.95),
            _line("radius", 0.1, 1.5),
            _log("clip", 1e-2, 100.0),
            _log("decay", 1e-6, 1.0),
        ),
        _recipe(
            third_families.chain_tags,
            _choice("scaling", "none", "root", "share"),
            _choice("class_weight", "none", "balanced"),
            _choice("chain", "yes", "no"),
            _count("max_iter", 1, 60),
            _log("C", 1e-4, 1e2),
            _line("l1_ratio", 0.0, 1.0),
            _line("shrink", 0.0, 0.9),
        ),
        _recipe(
            third_families.qlearning_maze,
            _choice("update", "q", "sarsa"),
            _count("episodes", 2, 40),
            _log("learning_rate", 1e-2, 2.0),
            _line("discount", 0.5, 1.0),
            _line("trace", 0.0, 0.95),
            _line("optimism", -0.5, 1.5),
            _line("curious", 0.0, 0.8),
            _line("fall", 0.8, 1.0),
        ),
    ]
)
"""Recorded third, to look at once: both series before had been looked at by then."""

RECIPES = {**FIRST, **LATER, **THIRD}


def half(name: str) -> str:
    """Which half a recipe is in: the first two series are to develop on, the third was held out and is now looked at as well."""
    return "held-out" if name in THIRD else "development"
