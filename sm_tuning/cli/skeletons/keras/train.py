"""A training script. SageMaker starts it as: python train.py --NAME VALUE … with a value of each hyperparameter.

What it prints is the log, in which the metrics of job.toml are looked for; what it leaves in $SM_MODEL_DIR is the model.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # what Keras computes with: torch, jax or tensorflow
import keras
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=0.01)
parser.add_argument("--batch_size", type=int, default=64)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=5)
hyperparameters, _ = parser.parse_known_args()  # a tuning job may send more than the script knows
model_dir = Path(os.environ.get("SM_MODEL_DIR", "model"))  # becomes model.tar.gz in S3
data_dir = os.environ.get("SM_CHANNEL_TRAIN")  # the folder of the channel "train"; None as long as job.toml has none

keras.utils.set_random_seed(0)
# Your data and your network in place of these: points inside or outside a circle.
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, size=(2000, 2)).astype("float32")
y = (np.linalg.norm(x, axis=1) > 0.8).astype("int32")
model = keras.Sequential(
    [
        keras.layers.Input((2,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(hyperparameters.dropout),
        keras.layers.Dense(2, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(hyperparameters.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    x[:1500],
    y[:1500],
    validation_data=(x[1500:], y[1500:]),
    batch_size=hyperparameters.batch_size,
    epochs=hyperparameters.epochs,
    verbose=2,  # Keras prints a line for each epoch; 1 is a bar for a terminal, in a log it is many lines
)
model_dir.mkdir(parents=True, exist_ok=True)
model.save(model_dir / "model.keras")
