"""A training job without training: learning curves from formulas, for tests and benchmarks. It imports nothing that takes time.

With r the learning rate, b the batch size, e the epoch (from 1) and g the regularization:

    speed      s = r / 0.01, up to 1 where r is just right; training diverges for r > 0.1 * sqrt(b / 32)
    fit        f = 1 - exp(-s * e / 3)                       how much has been learnt
    overfit    o = 0.25 * max(0, s * e - 15) / 15 * exp(-g / 0.01)   learnt by heart, held back by regularization
    hindrance  h = g / (g + 0.3)                             what too much regularization costs
    train:accuracy      = 0.1 + 0.9 * f * (1 - h)
    validation:accuracy = train:accuracy * (1 - 0.05) - o
    losses are minus the logarithms of the accuracies, no less than 0.01
"""

import math
import os
import signal
import sys
import time

DEFAULTS = {"learning_rate": 0.01, "batch_size": 32.0, "epochs": 10.0, "regularization": 1e-4, "sleep": 0.0, "fail_at": 0.0}


def read(words: list[str]) -> dict[str, float]:
    """`--name value` pairs over the defaults; unknown names are left alone."""
    values = dict(DEFAULTS)
    for name, value in zip(words[::2], words[1::2], strict=False):
        key = name.lstrip("-").replace("-", "_")
        if key in values:
            values[key] = float(value)
    return values


def curve(values: dict[str, float], epoch: int) -> dict[str, float]:
    """The four metrics after an epoch; infinite losses where training diverges."""
    rate, batch, penalty = values["learning_rate"], values["batch_size"], values["regularization"]
    if rate > 0.1 * math.sqrt(batch / 32.0):
        blown = min(0.5 * 2.0**epoch, 1e30)
        return {"train:loss": blown, "train:accuracy": 0.1, "validation:loss": blown, "validation:accuracy": 0.1}
    steps = min(rate / 0.01, 3.0) * epoch
    fit = 1.0 - math.exp(-steps / 3.0)
    train = 0.1 + 0.9 * fit * (1.0 - penalty / (penalty + 0.3))
    heart = 0.25 * max(0.0, steps - 15.0) / 15.0 * math.exp(-penalty / 0.01)
    validation = max(0.95 * train - min(heart, 0.5), 0.01)
    return {
        "train:loss": max(-math.log(train), 0.01),
        "train:accuracy": train,
        "validation:loss": max(-math.log(validation), 0.01),
        "validation:accuracy": validation,
    }


def main(words: list[str]) -> int:
    """Print the curve; the exit code."""
    values = read(words)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    for epoch in range(1, int(values["epochs"]) + 1):
        if stopped:
            break
        if values["sleep"]:
            time.sleep(values["sleep"])
        if epoch == values["fail_at"]:
            print(f"failed on purpose at epoch {epoch}", file=sys.stderr)
            return 1
        print(f"epoch={epoch} " + " ".join(f"{name}={value:.6g}" for name, value in curve(values, epoch).items()), flush=True)
    folder = os.environ.get("SM_MODEL_DIR")
    if folder:
        with open(os.path.join(folder, "model.txt"), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123 - pathlib takes 5 ms
            file.write(repr(values))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
