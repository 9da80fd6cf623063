"""What is recorded for its learning curves, and the spaces that it is tuned in: for `halving.py`, not for searches."""

from collections.abc import Mapping

from benchmarks.trainings import curve_families
from benchmarks.trainings.recipes import RECIPES, Recipe, _choice, _count, _line, _log, _recipe, _whole

_TRAININGS = 360
CURVES: Mapping[str, Recipe] = dict(
    [
        _recipe(
            curve_families.robust_steps,
            _choice("loss", "squared_error", "absolute_error", "huber"),
            _count("max_leaf_nodes", 2, 48),
            _log("learning_rate", 5e-3, 1.0),
            _line("subsample", 0.2, 1.0),
            _line("max_features", 0.1, 1.0),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.poisson_counts,
            _whole("max_depth", 1, 10),
            _log("eta", 5e-3, 1.0),
            _log("min_child_weight", 0.1, 50.0),
            _line("subsample", 0.2, 1.0),
            _line("max_delta_step", 0.1, 2.0),
            _log("lambda", 1e-3, 100.0),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.annealed_spirals,
            _choice("schedule", "constant", "cosine", "step"),
            _count("width", 4, 48),
            _count("batch_size", 8, 128),
            _log("learning_rate", 1e-3, 2.0),
            _line("momentum", 0.0, 0.95),
            _log("decay", 1e-6, 1e-1),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.mislabelled_blobs,
            _choice("activation", "relu", "tanh"),
            _count("hidden", 4, 96),
            _whole("layers", 1, 2),
            _count("batch_size", 8, 128),
            _log("learning_rate", 1e-4, 1e-1),
            _log("alpha", 1e-4, 10.0),
            _line("beta", 0.0, 0.99),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.averaged_lowrank,
            _choice("loss", "squared_error", "huber"),
            _choice("penalty", "l2", "l1"),
            _choice("averaging", "yes", "no"),
            _count("average", 10, 2000),
            _log("alpha", 1e-6, 1.0),
            _log("learning_rate", 1e-5, 1e-1),
            _line("power_t", 0.0, 0.6),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.alternating_dishes,
            _count("rank", 1, 12),
            _log("penalty", 1e-2, 30.0),
            _line("fall", 0.75, 1.0),
            _line("part", 0.05, 1.0),
            _line("rows", 0.3, 1.0),
            _log("initial", 1e-3, 1.0),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.policy_offers,
            _count("width", 2, 48),
            _count("batch_size", 5, 150),
            _log("learning_rate", 1e-2, 10.0),
            _log("entropy", 1e-4, 1.0),
            _log("baseline", 1e-3, 1.0),
            _log("initial", 0.1, 10.0),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.process_waves,
            _log("learning_rate", 1e-2, 3.0),
            _line("momentum", 0.0, 0.95),
            _line("rows", 0.2, 1.0),
            _log("clip", 1e-2, 10.0),
            _log("length", 0.1, 10.0),
            _log("noise", 1e-3, 1.0),
            _line("spread", 0.0, 1.0),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.boltzmann_bars,
            _count("components", 2, 64),
            _count("batch_size", 4, 128),
            _log("learning_rate", 1e-3, 1.0),
            _line("fall", 0.7, 1.0),
            _log("decay", 1e-6, 1e-1),
            trainings=_TRAININGS,
        ),
        _recipe(
            curve_families.centres_clouds,
            _choice("init", "k-means++", "random"),
            _count("n_clusters", 2, 40),
            _count("batch_size", 5, 250),
            _log("reassignment_ratio", 1e-4, 0.5),
            trainings=_TRAININGS,
        ),
    ]
)
"""Recorded fourth, to look at once: today's Hyperband and its next rule had been chosen by then."""
ALL = {**RECIPES, **CURVES}
