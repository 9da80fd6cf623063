"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import xgboost

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=0.3)
parser.add_argument("--max_depth", type=int, default=4)
parser.add_argument("--regularization", type=float, default=1.0)
parser.add_argument("--rounds", type=int, default=20)
hyperparameters, _ = parser.parse_known_args()  # a tuning job may send more than the script knows
model_dir = Path(os.environ.get("SM_MODEL_DIR", "model"))  # becomes model.tar.gz in S3
data_dir = os.environ.get("SM_CHANNEL_TRAIN")  # the folder of the channel "train"; None as long as job.toml has none


def model_fn(model_dir):
    """Load the model, where it is served: `sm-tuning serve`."""
    return xgboost.Booster(model_file=Path(model_dir) / "model.json")


def predict_fn(rows, model):
    """Answer a request, whose rows are an array (in XGBoost's own image they are a DMatrix already)."""
    return model.predict(xgboost.DMatrix(rows))


def main():
    """Train and save."""
    # Your data in place of this: three classes by two of ten columns, every tenth one wrong.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 10))
    y = np.where(rng.random(900) < 0.1, rng.integers(0, 3, 900), (x[:, 0] > 0).astype(int) + (x[:, 0] * x[:, 1] > 0.5))
    train, validation = xgboost.DMatrix(x[:600], y[:600]), xgboost.DMatrix(x[600:], y[600:])

    model = xgboost.train(
        {
            "objective": "multi:softprob",
            "num_class": 3,
            "eval_metric": "mlogloss",
            "learning_rate": hyperparameters.learning_rate,
            "max_depth": hyperparameters.max_depth,
            "lambda": hyperparameters.regularization,
            "seed": 0,
        },
        train,
        num_boost_round=hyperparameters.rounds,
        evals=[(train, "train"), (validation, "validation")],  # XGBoost prints a line for each round by itself
    )
    model_dir.mkdir(parents=True, exist_ok=True)
    model.save_model(model_dir / "model.json")


if __name__ == "__main__":  # not where the model is served
    main()
