"""Writes docs/algorithms.md out of the catalogue: `python -m tests.unit.algorithms_page`, or `make pages`."""

from collections.abc import Iterator, Mapping

from local_emulator.domain.spec import AlgorithmSpec
from local_emulator.runs import images
from local_emulator.runs.script_mode import PROGRAM, SUBMIT_DIRECTORY
from local_emulator.settings import Settings
from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "algorithms.md"

_HEAD = """# AWS's built-in algorithms

What the emulator does with a training job of each of AWS's algorithms. `make pages` makes this page.

* **Stand-in**: a program of sm-tuning's (`pip install 'sm-tuning[algorithms]'`), which reads AWS's formats and prints AWS's lines. It
  is other code than AWS's, so it finds other numbers.
* **Refused**: there is none. `serve --image` maps the image to a program of yours, or to its container; AWS's metric definitions then
  read what that prints.

What is tuned for is the objective of a tuning job: metrics of a held-out channel, by AWS's names.
"""

# How a stand-in differs from AWS's program, beyond its numbers.
DIFFERENCES: Mapping[str, str] = {
    "blazingtext": "`mode` `supervised` only, the other modes fail with `ClientError`; the model is numpy's, not fastText's",
    "factorization_machines": "`eps`, `rescale_grad` and `batch_metrics_publish_interval` have no effect; the model is numpy's",
    "kmeans": "`half_life_time_size` has no effect; the model is numpy's",
    "knn": "`index_type` is always exact; the model is numpy's",
    "lda": "variational Bayes: `max_restarts` and `tol` have no effect, at most 100 passes; the model is numpy's",
    "linear_learner": "trains one model with Adam at one learning rate: `num_models`, `optimizer`, `momentum`, `beta_1`, `beta_2`, "
    "`bias_lr_mult`, `bias_wd_mult`, `use_lr_scheduler` and what sets it have no effect, nor have `unbias_data`, `unbias_label`, "
    "`balance_multiclass_weights`, `num_calibration_samples` and `num_point_for_scaler`; the model is numpy's",
    "ntm": "`batch_norm` `true` fails with `ClientError`; topics are shown without coherence (`wetc`); the model is numpy's",
    "pca": "a test channel is not scored; the model is numpy's, with AWS's arrays `s`, `v` and `mean`",
    "random_cut_forest": "an anomaly scores more than 3 standard deviations above the mean of the train channel; the model is numpy's",
    "xgboost": "no `_kfold`; `sketch_eps`, `lambda_bias`, `prob_buffer_row`, `dsplit`, `predictor`, `deterministic_histogram`, "
    "`single_precision_histogram`, `save_model_on_termination` and `use_dask_gpu_training` have no effect; the model is XGBoost's own",
}


def page() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD.rstrip("\n"), *_table(), *_refusals()]) + "\n"


def refusal(algorithm: Algorithm) -> str | None:
    """What CreateTrainingJob says of an algorithm's job in us-east-1; None if it is taken."""
    if algorithm.sources:
        archive = f"s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/{algorithm.sources[0]}/x/sourcedir.tar.gz"
        hyperparameters = {PROGRAM: "transfer_learning.py", SUBMIT_DIRECTORY: archive}
    else:
        hyperparameters = {}
    return images.runnable(AlgorithmSpec(image=image(algorithm)), hyperparameters, Settings(), private=True)


def image(algorithm: Algorithm) -> str:
    """The algorithm's image in us-east-1, or the framework's in which AWS's script runs."""
    accounts = [accounts["us-east-1"] for accounts in catalogue.registries().values() if "us-east-1" in accounts]
    uris = [f"{account}.dkr.ecr.us-east-1.amazonaws.com/{algorithm.name}:{algorithm.version}" for account in accounts]
    return next((uri for uri in uris if catalogue.find(uri)), "IMAGE")


def algorithms() -> list[Algorithm]:
    """The newest version of each, stand-ins first."""
    newest = [catalogue.load(name) for name in catalogue.names()]
    return sorted(newest, key=lambda algorithm: (algorithm.program is None, algorithm.title))


def _table() -> Iterator[str]:
    yield from ("", "| algorithm | image | here | what is tuned for | ContentType |", "|---|---|---|---|---|")
    for algorithm in algorithms():
        name = "a script of AWS's" if algorithm.sources else f"`{algorithm.name}`"
        here = f"stand-in: {DIFFERENCES[algorithm.program]}" if algorithm.program else "refused"
        kinds = " ".join(f"`{kind}`" for kind in algorithm.content_types)
        yield f"| {algorithm.title} | {name} | {here} | {_objectives(algorithm)} | {kinds} |"


def _objectives(algorithm: Algorithm) -> str:
    """Metrics that are not of the train channel."""
    names = [name for name in algorithm.metrics if not name.startswith("train:")]
    listed = " ".join(f"`{name}`" for name in names[:6]) or "nothing"
    return listed if len(names) <= len(names[:6]) else f"{listed} and {len(names) - 6} more"


def _refusals() -> Iterator[str]:
    yield from ("", "A refusal of an image, and of a script of AWS's:")
    for name in ("forecasting-deepar", "lightgbm"):
        yield from ("", f"> {refusal(catalogue.load(name))}")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
