"""What is recorded for its learning curves, and the spaces that it is tuned in: for `halving.py`, not for searches."""

from collections.abc import Mapping

from benchmarks.trainings import curve_families
from benchmarks.trainings.recipe import Recipe, choice, count, line, log, recipe, whole
from benchmarks.trainings.recipes import RECIPES

_TRAININGS = 360
CURVES: Mapping[str, Recipe] = dict(
    [
        recipe(
            curve_families.robust_steps,
            choice("loss", "squared_error", "absolute_error", "huber"),
            count("max_leaf_nodes", 2, 48),
            log("learning_rate", 5e-3, 1.0),
            line("subsample", 0.2, 1.0),
            line("max_features", 0.1, 1.0),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.poisson_counts,
            whole("max_depth", 1, 10),
            log("eta", 5e-3, 1.0),
            log("min_child_weight", 0.1, 50.0),
            line("subsample", 0.2, 1.0),
            line("max_delta_step", 0.1, 2.0),
            log("lambda", 1e-3, 100.0),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.annealed_spirals,
            choice("schedule", "constant", "cosine", "step"),
            count("width", 4, 48),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-3, 2.0),
            line("momentum", 0.0, 0.95),
            log("decay", 1e-6, 1e-1),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.mislabelled_blobs,
            choice("activation", "relu", "tanh"),
            count("hidden", 4, 96),
            whole("layers", 1, 2),
            count("batch_size", 8, 128),
            log("learning_rate", 1e-4, 1e-1),
            log("alpha", 1e-4, 10.0),
            line("beta", 0.0, 0.99),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.averaged_lowrank,
            choice("loss", "squared_error", "huber"),
            choice("penalty", "l2", "l1"),
            choice("averaging", "yes", "no"),
            count("average", 10, 2000),
            log("alpha", 1e-6, 1.0),
            log("learning_rate", 1e-5, 1e-1),
            line("power_t", 0.0, 0.6),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.alternating_dishes,
            count("rank", 1, 12),
            log("penalty", 1e-2, 30.0),
            line("fall", 0.75, 1.0),
            line("part", 0.05, 1.0),
            line("rows", 0.3, 1.0),
            log("initial", 1e-3, 1.0),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.policy_offers,
            count("width", 2, 48),
            count("batch_size", 5, 150),
            log("learning_rate", 1e-2, 10.0),
            log("entropy", 1e-4, 1.0),
            log("baseline", 1e-3, 1.0),
            log("initial", 0.1, 10.0),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.process_waves,
            log("learning_rate", 1e-2, 3.0),
            line("momentum", 0.0, 0.95),
            line("rows", 0.2, 1.0),
            log("clip", 1e-2, 10.0),
            log("length", 0.1, 10.0),
            log("noise", 1e-3, 1.0),
            line("spread", 0.0, 1.0),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.boltzmann_bars,
            count("components", 2, 64),
            count("batch_size", 4, 128),
            log("learning_rate", 1e-3, 1.0),
            line("fall", 0.7, 1.0),
            log("decay", 1e-6, 1e-1),
            trainings=_TRAININGS,
        ),
        recipe(
            curve_families.centres_clouds,
            choice("init", "k-means++", "random"),
            count("n_clusters", 2, 40),
            count("batch_size", 5, 250),
            log("reassignment_ratio", 1e-4, 0.5),
            trainings=_TRAININGS,
        ),
    ]
)
"""Recorded apart, to look at once: today's Hyperband and its next rule had been chosen by then."""
ALL = {**RECIPES, **CURVES}
