"""Numbers that no shape of botocore's model holds."""

from collections.abc import Mapping

MAX_JOBS: Mapping[str, int] = {"Bayesian": 750, "Hyperband": 750, "Grid": 750, "Random": 10_000}
"""Training jobs of one tuning job, by strategy."""
MAX_PARALLEL = 100
MAX_RANGES = 30
MAX_HYPERPARAMETERS = 100
"""Ranges, static hyperparameters and the objective's name, which AWS adds."""
MAX_RUNTIME = 2_419_200
"""Seconds: 28 days."""
MAX_RESOURCE = 20_000
"""Of Hyperband."""
MAX_WARM_START_CHANGES = 10
RESOURCES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters that stand for Hyperband's MaxResource."""
PROFILING_INTERVALS = (100, 200, 500, 1000, 5000, 60_000)
"""Milliseconds."""
