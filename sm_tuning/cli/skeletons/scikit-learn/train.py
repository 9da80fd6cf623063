"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=0.003)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--regularization", type=float, default=1e-4)
parser.add_argument("--epochs", type=int, default=5)
hyperparameters, _ = parser.parse_known_args()  # a tuning job may send more than the script knows
model_dir = Path(os.environ.get("SM_MODEL_DIR", "model"))  # becomes model.tar.gz in S3
data_dir = os.environ.get("SM_CHANNEL_TRAIN")  # the folder of the channel "train"; None as long as job.toml has none


def model_fn(model_dir):
    """Load the model, where it is served: `sm-tuning serve`."""
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(rows, model):
    """Answer a request; SageMaker makes one dimension of a single row of CSV, and scikit-learn wants two."""
    return model.predict(np.atleast_2d(rows))


def main():
    """Train and save."""
    # Your data and your model in place of these.
    x, y = load_digits(return_X_y=True)
    x, validation_x, y, validation_y = train_test_split(x / 16, y, test_size=0.2, stratify=y, random_state=0)
    model = MLPClassifier(
        (32,),
        learning_rate_init=hyperparameters.learning_rate,
        batch_size=hyperparameters.batch_size,
        alpha=hyperparameters.regularization,
        random_state=0,
    )
    for epoch in range(1, hyperparameters.epochs + 1):
        model.partial_fit(x, y, classes=np.unique(y))  # one pass over the data
        train_loss = log_loss(y, model.predict_proba(x))
        validation_loss = log_loss(validation_y, model.predict_proba(validation_x))
        accuracy = model.score(validation_x, validation_y)
        # One line for each epoch; flush, so that it is in the log at once.
        print(
            f"epoch={epoch} train:loss={train_loss:.6g} validation:loss={validation_loss:.6g} validation:accuracy={accuracy:.6g}",
            flush=True,
        )

    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, model_dir / "model.joblib")


if __name__ == "__main__":  # not where the model is served
    main()
