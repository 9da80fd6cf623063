"""Container-ready training scripts: all print the same metric lines, one per epoch.

`minimal.py` with `contract.py` is what to begin with; `mlp.py` trains scikit-learn's multi-layer perceptron on images, with its
modules `images.py` and `network.py`; `analytic.py` follows formulas, for tests and benchmarks. They run as files, whose folder is on
the path: what they import of each other has no package in front.
"""

from training_scripts.contract import METRICS

__all__ = ["METRICS"]
