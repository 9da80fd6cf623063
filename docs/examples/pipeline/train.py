"""Trains on what `prepare.py` has written: the training script of the pipelines among the examples."""

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split


def model_fn(folder: str) -> SGDClassifier:
    """Load the model where it is served."""
    return joblib.load(Path(folder) / "model.joblib")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float, default=0.001)
    options, _ = parser.parse_known_args()

    with np.load(Path(os.environ["SM_CHANNEL_TRAIN"]) / "digits.npz") as digits:
        split = train_test_split(digits["inputs"] / 16, digits["labels"], random_state=0)
    seen, held, seen_labels, held_labels = split
    model = SGDClassifier(alpha=options.alpha, max_iter=30, random_state=0).fit(seen, seen_labels)
    print(f"accuracy: {model.score(held, held_labels):.4f};")
    joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
