"""Container-ready training scripts. Each is one file that runs alone; all print the same metric lines, one per epoch.

`mlp.py` trains scikit-learn's multi-layer perceptron on images; `analytic.py` follows formulas, for tests and benchmarks.
"""

from training_scripts.mlp import METRICS

__all__ = ["METRICS"]
