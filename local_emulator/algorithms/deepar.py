"""DeepAR forecasting: `python -m local_emulator.algorithms.deepar`."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from local_emulator.algorithms import contract
from local_emulator.algorithms.adam import Adam
from local_emulator.algorithms.contract import CustomerError, Floats, quality, say
from local_emulator.algorithms.forecaster import Forecaster, Shape, Windows
from local_emulator.algorithms.series import Frequency, Series, read
from sm_tuning.rules.catalogue import Algorithm

_BATCHES = 30  # of an epoch, at least: few series are passed over several times, as in AWS
_TOLD_EVERY = 5  # batches
_LARGEST_GRADIENT = 10.0
Located = Sequence[tuple[str, Series]]


def train(algorithm: Algorithm) -> None:
    """Train on the windows of the train channel, and score forecasts of the last points of the test channel."""
    hyperparameters = contract.hyperparameters(algorithm)
    quantiles = _quantiles(hyperparameters["test_quantiles"])
    Frequency.parse(hyperparameters["time_freq"])
    if hyperparameters["dropout_rate"] >= 1 or hyperparameters["dropout_rate"] < 0:
        raise CustomerError(f"Hyperparameter dropout_rate: {hyperparameters['dropout_rate']} is not in [0, 1).")
    if hyperparameters["num_eval_samples"] < 1:
        raise CustomerError(f"Hyperparameter num_eval_samples: {hyperparameters['num_eval_samples']} must be at least 1.")
    located = read(algorithm, "train")
    if located is None:
        raise CustomerError("The channel 'train' is required.")
    shape = _shape(hyperparameters, located)
    _check("train", located, shape)
    test = read(algorithm, "test")
    _tell("train", located)
    if test is not None:
        _check("test", test, shape)
        _tell("test", test)
    windows = Windows(shape, [series for _, series in located])
    if not (windows.lengths > 1).any():
        raise CustomerError("The channel 'train' holds no time series of more than one value.")
    forecaster = Forecaster(shape, windows.width)
    _fit(forecaster, windows, hyperparameters)
    say("All workers finished. Serializing model for prediction.")
    contract.save(shape=json.dumps(asdict(shape)), width=windows.width, **forecaster.network.weights)
    say("Successfully serialized the model for prediction.")
    if test is not None:
        _score(forecaster, [series for _, series in test], hyperparameters["num_eval_samples"], quantiles)


def _fit(forecaster: Forecaster, windows: Windows, hyperparameters: Mapping[str, Any]) -> None:
    """Adam, on windows of chance; the weights of the epoch with the lowest loss remain."""
    network, patience, epochs = forecaster.network, hyperparameters["early_stopping_patience"], hyperparameters["epochs"]
    optimizer = Adam(network.weights, dict.fromkeys(network.weights, hyperparameters["learning_rate"]))
    chance = np.random.default_rng(0)
    size = hyperparameters["mini_batch_size"]
    records = max(len(windows.lengths), _BATCHES * size)
    if patience is not None:
        say(f"Using early stopping with patience {patience}")
    progress = contract.Progress("AWS/DeepAR", epochs, records)
    best, best_epoch, kept = np.inf, 0, network.weights
    for epoch in range(epochs):
        samples = list(windows.samples(records, chance))
        batches = [samples[start : start + size] for start in range(0, records, size)]
        loss = _epoch(forecaster, windows, optimizer, batches, epoch, hyperparameters["dropout_rate"], chance)
        progress.tell(epoch)
        quality("train", "loss", loss, kind="loss", epoch=epoch)
        if loss < best:
            say("best epoch loss so far")
            best, best_epoch, kept = loss, epoch, {name: weight.copy() for name, weight in network.weights.items()}
        elif patience is not None and epoch - best_epoch >= patience:
            say("stopping training now")
            say("#progress_metric: host=algo-1, completed 100 % of epochs")
            break
    network.weights = kept
    say(f"Final loss: {best} (occurred at epoch {best_epoch})")
    quality("train", "final_loss", best, kind="loss")


def _epoch(
    forecaster: Forecaster,
    windows: Windows,
    optimizer: Adam,
    batches: Sequence[Sequence[tuple[int, int]]],
    epoch: int,
    dropout: float,
    chance: np.random.Generator,
) -> float:
    """The mean loss of its batches; raises CustomerError if it is not finite."""
    losses: list[float] = []
    start = time.monotonic()
    for number, samples in enumerate(batches):
        inputs, categories, values, scales = forecaster.batch(windows, samples)
        if not len(values):
            continue
        masks = forecaster.network.masks(len(values), dropout, chance) if dropout else ()
        loss, gradients = forecaster.network.gradients(inputs, categories, values, scales, masks)
        if not np.isfinite(loss):
            raise CustomerError("The loss is not finite: the learning rate is too high.")
        losses.append(loss)
        norm = np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients.values()))
        shrink = min(1.0, _LARGEST_GRADIENT / max(norm, 1e-12))
        optimizer.step({name: gradient * shrink for name, gradient in gradients.items()})
        if number % _TOLD_EVERY == 0:
            say(f"Epoch[{epoch}] Batch[{number}] avg_epoch_loss={np.mean(losses):.6f}")
            quality("train", "loss", float(np.mean(losses)), kind="loss", epoch=epoch, batch=number)
            if number:
                speed = len(samples) * (number + 1) / max(time.monotonic() - start, 1e-6)
                say(f"Epoch[{epoch}] Batch [{number}]\tSpeed: {speed:.2f} samples/sec\tloss={np.mean(losses):f}")
    if not losses:
        raise CustomerError("The channel 'train' holds no values: all that follow a first one are missing.")
    say(f"processed a total of {sum(map(len, batches))} examples")
    return float(np.mean(losses))


def _score(forecaster: Forecaster, test: Sequence[Series], samples: int, quantiles: Sequence[float]) -> None:
    """The scores of forecasts of the last points of each series, as AWS prints them."""
    say(f"Evaluating model accuracy on testset using {samples} samples")
    prediction = forecaster.shape.prediction
    chance = np.random.default_rng(0)
    parts = []
    for series in test:
        # What is to be forecast begins after the first value at the earliest.
        begin = max(len(series.target) - prediction, min(1, len(series.target)))
        paths = next(forecaster.paths([series.until(begin)], samples, chance))
        values = series.target[begin:]
        rows = [paths.mean(axis=0), *np.quantile(paths, quantiles, axis=0)]
        parts.append(np.vstack([values, *(row[None, : len(values)] for row in rows)]))
    values, means, *estimates = np.concatenate(parts, axis=1)
    there = ~np.isnan(values)
    if not there.any():
        raise CustomerError("The channel 'test' holds no value that could be forecast.")
    size = float(np.abs(values[there]).sum())
    losses = [2 * _pinball(values[there], row[there], level) for row, level in zip(estimates, quantiles, strict=True)]
    rmse = float(np.sqrt(np.mean((values - means)[there] ** 2)))
    weighted = [loss / size if size else float("nan") for loss in losses]
    scores = {"RMSE": rmse, "mean_absolute_QuantileLoss": float(np.mean(losses)), "mean_wQuantileLoss": float(np.mean(weighted))}
    scores |= {f"wQuantileLoss[{level}]": loss for level, loss in zip(quantiles, weighted, strict=True)}
    for name, score in scores.items():
        say(f"#test_score (algo-1, {name}): {score}")
    for name in ("RMSE", "mean_wQuantileLoss"):
        quality("test", name, scores[name], kind="loss")


def _pinball(values: Floats, estimates: Floats, level: float) -> float:
    error = values - estimates
    return float(np.maximum(level * error, (level - 1) * error).sum())


def _quantiles(text: str) -> list[float]:
    """`[0.1, 0.5]`; raises CustomerError."""
    try:
        quantiles = json.loads(text)
    except ValueError:
        quantiles = None
    if (
        not isinstance(quantiles, list)
        or not quantiles
        or not all(isinstance(level, float) and 0 < level < 1 for level in quantiles)
    ):
        raise CustomerError(
            f"Hyperparameter test_quantiles: {text} is not a list of numbers between 0 and 1, such as [0.1, 0.5]."
        )
    return quantiles


def _shape(hyperparameters: Mapping[str, Any], located: Located) -> Shape:
    """What the network is made for: by the hyperparameters, and by the first series where these say auto."""
    first = located[0][1]
    count = hyperparameters["num_dynamic_feat"]
    if count == "auto":
        count = 0 if first.dynamic is None else len(first.dynamic)
        _tell_field("num_dynamic_feat", "dynamic_feat", used=count > 0)
    return Shape(
        frequency=hyperparameters["time_freq"],
        context=hyperparameters["context_length"],
        prediction=hyperparameters["prediction_length"],
        likelihood=hyperparameters["likelihood"],
        layers=hyperparameters["num_layers"],
        cells=hyperparameters["num_cells"],
        embedding=hyperparameters["embedding_dimension"],
        cardinality=_cardinality(hyperparameters["cardinality"], located),
        dynamic=0 if count in {"ignore", ""} else count,
    )


def _cardinality(text: str, located: Located) -> list[int]:
    """How many categories each feature of `cat` has; raises CustomerError."""
    if text in {"ignore", ""}:
        return []
    if text == "auto":
        categories = [series.categories or () for _, series in located]
        width = len(categories[0])
        _tell_field("cardinality", "cat", used=width > 0)
        if any(len(row) != width for row in categories):
            raise CustomerError("The time series of the channel 'train' have different numbers of categories (cat).")
        return [max(column) + 1 for column in zip(*categories, strict=True)]
    try:
        sizes = json.loads(text)
    except ValueError:
        sizes = None
    if not isinstance(sizes, list) or not all(type(size) is int and size > 0 for size in sizes):
        raise CustomerError(f"Hyperparameter cardinality: {text} is neither auto, ignore nor a list of sizes such as [2, 3].")
    return sizes


def _tell_field(hyperparameter: str, field: str, *, used: bool) -> None:
    finding, prospect = ("was found", "will be") if used else ("was NOT found", "will NOT be")
    say(f"[{hyperparameter}=auto] `{field}` field {finding} in the channel `train` and {prospect} used for training.")


_LIMITS = {"negative-binomial": (0, np.inf), "beta": (0, 1)}


def _check(name: str, located: Located, shape: Shape) -> None:
    """Raises CustomerError for a series that does not fit."""
    low, high = _LIMITS.get(shape.likelihood, (-np.inf, np.inf))
    for where, series in located:
        problem = shape.problem(series, future=False)
        if problem is None and ((series.target < low) | (series.target > high)).any():
            problem = f"target has values beyond {low} to {high}, the limits of likelihood {shape.likelihood}"
        if problem is not None:
            raise CustomerError(f"The channel {name!r}, {where}: {problem}.")


def _tell(name: str, located: Located) -> None:
    """The statistics of a channel, as AWS prints them."""
    targets = [series.target for _, series in located]
    values = np.concatenate(targets)
    there = values[~np.isnan(values)]
    if not len(there):
        raise CustomerError(f"The channel {name!r} holds no values.")
    say(f"{'Training' if name == 'train' else 'Test'} set statistics:")
    say("Integer time series" if (there == np.round(there)).all() else "Real time series")
    say(f"number of time series: {len(targets)}")
    say(f"number of observations: {len(there)}")
    say(f"mean target length: {np.mean([len(target) for target in targets])}")
    say(f"min/mean/max target: {there.min()}/{there.mean()}/{there.max()}")
    say(f"mean abs(target): {np.abs(there).mean()}")
    say(f"contains missing values: {'no' if len(there) == len(values) else f'yes ({1 - len(there) / len(values):.1%})'}")


if __name__ == "__main__":
    contract.run("forecasting-deepar", train)
