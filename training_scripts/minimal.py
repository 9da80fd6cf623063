#!/usr/bin/env python3
"""The smallest training script that a tuning job can tune: copy it with contract.py, and put your own data and model in.

python minimal.py --epochs 3 --learning_rate 0.01 --model_dir model
"""

import sys

import contract
import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HYPERPARAMETERS = {
    "learning_rate": contract.number(0.003, above=0),
    "batch_size": contract.whole(32, least=1),
    "epochs": contract.whole(10, least=1),
    "regularization": contract.number(1e-4, least=0),
}


def train(job: contract.Job) -> None:
    """Train epoch by epoch; save the model."""
    chosen = job.hyperparameters
    x, y = load_digits(return_X_y=True)
    x, unseen_x, y, unseen_y = train_test_split(x / 16, y, test_size=0.2, stratify=y, random_state=0)
    rates = {"learning_rate_init": chosen.learning_rate, "alpha": chosen.regularization}
    model = MLPClassifier((64,), batch_size=min(chosen.batch_size, len(x)), random_state=0, **rates)
    job.stop.training = True
    for epoch in range(1, chosen.epochs + 1):
        model.partial_fit(x, y, classes=np.unique(y))
        metrics = {}
        for name, images, labels in (("train", x, y), ("validation", unseen_x, unseen_y)):
            metrics[f"{name}:loss"] = log_loss(labels, model.predict_proba(images))
            metrics[f"{name}:accuracy"] = model.score(images, labels)
        contract.report(epoch, metrics)
        if job.stop.asked:
            break
    if job.model:
        job.model.mkdir(parents=True, exist_ok=True)
        joblib.dump(model, job.model / "model.joblib")


if __name__ == "__main__":
    sys.exit(contract.main(train, HYPERPARAMETERS, about=__doc__))
