"""What `sm-tuning init` writes, and docs/scripts.md shows: for each framework a training script and what a job file says of it.

A job file is head.toml, the framework's tuned.toml and tail.toml, one after the other.
"""

# The framework as users call it, the modules of Python that it takes, and the distributions of PyPI; "plain" needs none.
FRAMEWORKS = {
    "plain": ("sys", ""),
    "scikit-learn": ("sklearn", "scikit-learn"),
    "xgboost": ("xgboost", "xgboost"),
    "pytorch": ("torch", "torch"),
    "lightning": ("lightning", "lightning"),
    "keras": ("keras torch", "keras torch"),
    "transformers": ("transformers torch accelerate", "transformers[torch]"),
}
