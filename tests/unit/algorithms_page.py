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
  is other code than AWS's, so it finds other numbers. [What serves its models](inference.md#awss-algorithms) answers in AWS's formats.
  LightGBM and CatBoost are scripts as in AWS, in the archives that AWS's SDK finds for their models
  ([how](emulator.md#lightgbm-and-catboost), `pip install 'sm-tuning[boosting]'`).
* **Refused**: there is none. `serve --image` maps the image to a program of yours, or to an image of yours; AWS's metric definitions
  then read what that prints. AWS's own images of these algorithms cannot be pulled (`not authorized to perform: ecr:BatchGetImage`).
  A script of AWS's runs once its archive is [copied into the S3 here](emulator.md#lightgbm-and-catboost).

On several instances XGBoost's hosts train together. Of the other stand-ins the first host gets the parts of all hosts
(`ShardedByS3Key`), or has all of it (`FullyReplicated`), and trains alone: the model is that of one instance. Where AWS's program
trains on one instance only, a job with several is refused.

What is tuned for is the objective of a tuning job: metrics of a held-out channel, by AWS's names.
"""

# How a stand-in differs from AWS's program, beyond its numbers.
DIFFERENCES: Mapping[str, str] = {
    "catboost": "defaults are the developer guide's; no ready model to deploy or to go on from; the model is CatBoost's own",
    "lightgbm": "defaults are the developer guide's; several hosts, of which the first trains, without early stopping as in AWS, and "
    "`ShardedByS3Key` is refused; no ready model to deploy or to go on from; the model is LightGBM's own",
    "blazingtext": "`mode` `supervised` only, the other modes fail with `ClientError`; the model is numpy's, not fastText's",
    "deepar": "a feed-forward network over the context and past seasons, not a recurrent one; the model is numpy's",
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

# Why there is no stand-in: what it would take.
REASONS: Mapping[str, str] = {
    "autogluon-tabular": "a script of AWS's, and gigabytes of libraries; one of yours that imports autogluon runs",
    "image-classification": "ResNets in MXNet, which is no longer maintained; a PyTorch script of yours runs",
    "ipinsights": "embeddings of users and IP addresses in MXNet, which is no longer maintained",
    "object-detection": "detectors in MXNet, which is no longer maintained; a PyTorch script of yours runs",
    "object2vec": "encoders in MXNet, which is no longer maintained; numpy is too slow for them",
    "semantic-segmentation": "networks in MXNet, which is no longer maintained; a PyTorch script of yours runs",
    "seq2seq": "encoders and decoders in MXNet, which is no longer maintained; numpy is too slow for them",
    "tabtransformer": "a script of AWS's that trains a transformer in PyTorch; one of yours that imports torch runs",
    "tensorflow-image-classification": "a script of AWS's for models of TensorFlow Hub; one of yours that imports tensorflow runs",
    "tensorflow-object-detection": "a script of AWS's for models of TensorFlow Hub; one of yours that imports tensorflow runs",
    "tensorflow-text-classification": "a script of AWS's for models of TensorFlow Hub; one of yours that imports tensorflow runs",
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
    return images.runnable(AlgorithmSpec(image=image(algorithm)), hyperparameters, Settings(python="another"), private=True)


def image(algorithm: Algorithm) -> str:
    """The algorithm's image in us-east-1, or the framework's in which AWS's script runs."""
    accounts = [accounts["us-east-1"] for accounts in catalogue.registries().values() if "us-east-1" in accounts]
    uris = [f"{account}.dkr.ecr.us-east-1.amazonaws.com/{algorithm.name}:{algorithm.version}" for account in accounts]
    return next((uri for uri in uris if catalogue.find(uri)), "IMAGE")


def algorithms() -> list[Algorithm]:
    """The newest version of each, stand-ins first."""
    newest = [catalogue.load(name) for name in catalogue.names()]
    return sorted(newest, key=lambda algorithm: (not algorithm.emulated, algorithm.title))


def _table() -> Iterator[str]:
    yield from ("", "| algorithm | image | here | instances | what is tuned for | ContentType |", "|---|---|---|---|---|---|")
    for algorithm in algorithms():
        name = "a script of AWS's" if algorithm.sources else f"`{algorithm.name}`"
        stand_in = algorithm.program or algorithm.script
        here = f"stand-in: {DIFFERENCES[stand_in]}" if stand_in else f"refused: {REASONS[algorithm.name]}"
        kinds = " ".join(f"`{kind}`" for kind in algorithm.content_types)
        yield f"| {algorithm.title} | {name} | {here} | {algorithm.hosts} | {_objectives(algorithm)} | {kinds} |"


def _objectives(algorithm: Algorithm) -> str:
    """Metrics that are not of the train channel."""
    names = [name for name in algorithm.metrics if not name.startswith("train:")]
    listed = " ".join(f"`{name}`" for name in names[:6]) or "nothing"
    return listed if len(names) <= len(names[:6]) else f"{listed} and {len(names) - 6} more"


def _refusals() -> Iterator[str]:
    yield from ("", "A refusal of an image, and of a script of AWS's:")
    for name in ("object2vec", "tabtransformer"):
        yield from ("", f"> {refusal(catalogue.load(name))}")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
