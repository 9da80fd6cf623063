"""A script for AWS's scikit-learn image, as its users write it: nothing in it knows of any emulator."""

import argparse
import os
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, required=True)
parser.add_argument("--penalty", required=True)
parser.add_argument("--max-iter", type=int, default=20)
parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "."))
options = parser.parse_args()

inputs, labels = load_digits(return_X_y=True)
seen, held, seen_labels, held_labels = train_test_split(inputs / 16, labels, random_state=0)
model = SGDClassifier(alpha=options.alpha, penalty=options.penalty, max_iter=options.max_iter, random_state=0)
model.fit(seen, seen_labels)
print(f"accuracy: {model.score(held, held_labels):.4f};")
joblib.dump(model, Path(options.model_dir) / "model.joblib")
