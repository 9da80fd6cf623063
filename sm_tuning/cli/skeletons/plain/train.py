"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import json
import math
import os
import random
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=0.5)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--regularization", type=float, default=1e-4)
parser.add_argument("--epochs", type=int, default=10)
hyperparameters, _ = parser.parse_known_args()  # a tuning job may send more than the script knows
model_dir = Path(os.environ.get("SM_MODEL_DIR", "model"))  # becomes model.tar.gz in S3
data_dir = os.environ.get("SM_CHANNEL_TRAIN")  # the folder of the channel "train"; None as long as job.toml has none

# Your data in place of this: points, and on which side of a line each lies; every tenth one on the other.
rng = random.Random(0)
points = [(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(600)]
rows = [((x, y, 1.0), (x + 2 * y > 0.3) != (rng.random() < 0.1)) for x, y in points]
train, validation = rows[:400], rows[400:]

# Your model in place of this: logistic regression.
weights = [0.0, 0.0, 0.0]


def predict(row):
    return 1 / (1 + math.exp(-sum(weight * value for weight, value in zip(weights, row))))


def loss(rows):
    return -sum(math.log(predict(row) if label else 1 - predict(row)) for row, label in rows) / len(rows)


for epoch in range(1, hyperparameters.epochs + 1):
    rng.shuffle(train)
    for begin in range(0, len(train), hyperparameters.batch_size):
        batch = train[begin : begin + hyperparameters.batch_size]
        errors = [(predict(row) - label, row) for row, label in batch]
        for index in range(len(weights)):
            gradient = sum(error * row[index] for error, row in errors) / len(batch)
            weights[index] -= hyperparameters.learning_rate * (gradient + hyperparameters.regularization * weights[index])
    # One line for each epoch; flush, so that it is in the log at once.
    print(f"epoch={epoch} train:loss={loss(train):.6g} validation:loss={loss(validation):.6g}", flush=True)

model_dir.mkdir(parents=True, exist_ok=True)
(model_dir / "weights.json").write_text(json.dumps(weights))
