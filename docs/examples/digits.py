"""Trains a model of digits, and serves it: a script for AWS's scikit-learn image, as its users write it."""

import argparse
import os
from pathlib import Path

import joblib


def model_fn(folder: str) -> object:
    """Load the model; what it is asked and what it answers is the image's own."""
    return joblib.load(Path(folder) / "model.joblib")


if __name__ == "__main__":
    from sklearn.datasets import load_digits
    from sklearn.linear_model import SGDClassifier

    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float, default=1e-3)
    options, _ = parser.parse_known_args()
    inputs, labels = load_digits(return_X_y=True)
    model = SGDClassifier(alpha=options.alpha, random_state=0).fit(inputs[:1400] / 16, labels[:1400])
    print(f"accuracy: {model.score(inputs[1400:] / 16, labels[1400:]):.4f};")
    joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
