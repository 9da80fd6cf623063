"""Which application serves the models of which stand-in. Each is imported when it is served."""

from importlib import import_module

from local_emulator.inference.serving.messages import Application
from sm_tuning.rules.catalogue import Algorithm

SERVED = {
    "blazingtext": "blazingtext",
    "deepar": "deepar",
    "xgboost": "xgboost",
    **dict.fromkeys(
        ("factorization_machines", "kmeans", "knn", "lda", "linear_learner", "ntm", "pca", "random_cut_forest"), "predictors"
    ),
}
"""Program of the catalogue -> module of this package."""


def make(algorithm: Algorithm) -> Application:
    """The application for an algorithm whose program is among `SERVED`."""
    module = import_module(f"{__package__}.{SERVED[str(algorithm.program)]}")
    application: Application = module.make(algorithm)
    return application
