"""A processing script, as users write it: makes CSV files of the digits, one to train on and one to be asked about."""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=int, default=1400)
    options = parser.parse_args()
    inputs, labels = load_digits(return_X_y=True)
    parts = {"train": slice(None, options.train), "asked": slice(options.train, None)}
    for name, part in parts.items():
        folder = Path("/opt/ml/processing") / name
        np.savetxt(folder / "inputs.csv", inputs[part] / 16, fmt="%g", delimiter=",")
        np.savetxt(folder / "labels.txt", labels[part], fmt="%d")
    Path("/opt/ml/output/message").write_text(f"{options.train} rows to train on")
    print(f"wrote {', '.join(parts)}")
