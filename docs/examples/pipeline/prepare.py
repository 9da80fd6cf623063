"""Writes images of digits as arrays: the processing script of the pipelines among the examples."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

inputs, labels = load_digits(return_X_y=True)
folder = Path("/opt/ml/processing/train")
folder.mkdir(parents=True, exist_ok=True)
np.savez(folder / "digits.npz", inputs=inputs, labels=labels)
print(f"{len(labels)} digits")
