"""A tuning job on the emulator beside a bare loop, for the libraries that training scripts import.

    python benchmarks/stacks.py [--jobs 6] [--parallel 2] [--rounds 3] [--only numpy,torch,…]

For each stack a script that imports it and trains next to nothing, in a virtual environment of its own. This makes those that are
missing (`make .venv-bench-STACK/.ready`); a stack that cannot be installed is a row that says so.

A round is: the bare loop, which is `python train.py` as often as there are training jobs, as many at a time, with as many threads;
a new emulator with an empty state folder, and its first tuning job; three more tuning jobs on it. One bare loop before them, which is
not counted, fills the machine's file cache. The figures are wall seconds of all training jobs, medians over rounds; the ratios are
medians of the rounds' ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.overhead import ROOT, Contender, Script, Unmeasured, emulated, emulator, run

_LATER = 3  # tuning jobs after the first
_METRIC = '\nprint(f"validation:accuracy={score}")\n'


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Libraries, by the name of their virtual environment, and a script that imports them."""

    name: str
    about: str
    script: str


STACKS = (
    Stack(
        name="numpy", about="numpy", script="import numpy as np\nscore = float(np.ones((50, 50)).dot(np.ones(50)).mean() / 50)"
    ),
    Stack(
        name="sklearn",
        about="scikit-learn",
        script="""import sklearn.ensemble
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
x, y = load_digits(return_X_y=True)
a, b, c, d = train_test_split(x, y, random_state=0)
score = sklearn.ensemble.RandomForestClassifier(5, random_state=0).fit(a, c).score(b, d)""",
    ),
    Stack(
        name="tabular",
        about="pandas, pyarrow, scikit-learn",
        script="""import pandas as pd, pyarrow, sklearn.ensemble
from sklearn.model_selection import train_test_split
data = pyarrow.table({"x": list(range(200)), "y": [n % 2 for n in range(200)]}).to_pandas()
a, b, c, d = train_test_split(data[["x"]], data["y"], random_state=0)
score = sklearn.ensemble.RandomForestClassifier(5, random_state=0).fit(a, c).score(b, d)""",
    ),
    Stack(
        name="xgboost",
        about="xgboost, pandas",
        script="""import pandas as pd
import xgboost
data = pd.DataFrame({"x": range(200), "y": [n % 2 for n in range(200)]})
model = xgboost.train({"max_depth": 2, "objective": "binary:logistic"}, xgboost.DMatrix(data[["x"]], data["y"]), 5)
score = float(model.predict(xgboost.DMatrix(data[["x"]])).mean())""",
    ),
    Stack(
        name="lightgbm",
        about="lightgbm",
        script="""import lightgbm
import numpy as np
data = np.arange(400.0).reshape(200, 2)
model = lightgbm.train({"verbose": -1, "objective": "binary"}, lightgbm.Dataset(data, np.arange(200) % 2), 5)
score = float(model.predict(data).mean())""",
    ),
    Stack(
        name="torch",
        about="torch",
        script="""import torch
from torch import nn
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(5):
    loss = model(torch.ones(8, 4)).square().mean()
    loss.backward()
    optimizer.step()
score = 1 / (1 + float(loss))""",
    ),
    Stack(
        name="torchvision",
        about="torch, torchvision",
        script="""import torch
import torchvision
from torchvision import transforms
image = transforms.Resize(8)(torch.ones(3, 16, 16))
score = float(image.mean())""",
    ),
    Stack(
        name="transformers",
        about="transformers on torch",
        script="""import torch
from transformers import AutoModelForSequenceClassification, BertConfig, Trainer, TrainingArguments
config = BertConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
model = AutoModelForSequenceClassification.from_config(config)
score = float(model(torch.ones((1, 4), dtype=torch.long)).logits.softmax(-1).max())""",
    ),
    Stack(
        name="tensorflow",
        about="tensorflow, keras",
        script="""import keras
import tensorflow as tf
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
score = float(tf.reduce_mean(model(tf.zeros((4, 2))))) + 0.5""",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Round:
    """Wall seconds of one round, and what the emulator left for the scripts to import."""

    bare: float
    first: float
    later: float
    excluded: Sequence[str]


def interpreter(stack: Stack) -> Path:
    """The Python of a stack's environment, made if it is not there."""
    folder = ROOT / f".venv-bench-{stack.name}"
    if not (folder / ".ready").exists():
        subprocess.run(["make", f"{folder.name}/.ready"], cwd=ROOT, check=False, stdout=sys.stderr)  # noqa: S607 - whichever it is
    if not (folder / ".ready").exists():
        raise Unmeasured("cannot be installed here")
    return folder / "bin" / "python"


def measure(stack: Stack, options: argparse.Namespace) -> list[Round]:
    """All rounds of a stack."""
    python = str(interpreter(stack))
    with tempfile.TemporaryDirectory() as folder:
        script = Script(path=Path(folder) / "train.py", about=stack.about, words={})
        script.path.write_text(stack.script + _METRIC)
        bare = Contender(name="bare", program="bare_loop")
        rounds = []
        for number in range(options.rounds + 1):
            loop = run(bare, script, options.jobs, options.parallel, python) * options.jobs
            if number:
                rounds.append(on_the_emulator(stack, script.path, loop, python, options))
    return rounds


def on_the_emulator(stack: Stack, script: Path, bare: float, python: str, options: argparse.Namespace) -> Round:
    """One round, its bare loop having been measured."""
    with tempfile.TemporaryDirectory() as state, emulator(options.parallel, script, state, "--python", python) as url:
        first, *later = (emulated(url, script, {}, options.jobs, options.parallel) * options.jobs for _ in range(1 + _LATER))
        contents = [json.loads(path.read_text()) for path in (Path(state) / "forkserver").glob("*.json")]
        excluded = sorted({name for content in contents for part in ("packages", "submodules") for name in content[part]})
    print(f"{stack.name}: bare {bare:.2f}, first {first:.2f}, later {later}, excluded {excluded}", file=sys.stderr, flush=True)
    return Round(bare=bare, first=first, later=statistics.median(later), excluded=excluded)


def row(stack: Stack, options: argparse.Namespace) -> str:
    """The table's row of a stack."""
    try:
        rounds = measure(stack, options)
    except Unmeasured as why:
        return f"| {stack.about} | {why} | | | | | |"
    bare, first, later = (statistics.median(getattr(timing, name) for timing in rounds) for name in ("bare", "first", "later"))
    first_ratio, later_ratio = (
        statistics.median(getattr(timing, name) / timing.bare for timing in rounds) for name in ("first", "later")
    )
    excluded = ", ".join(rounds[-1].excluded) or "nothing"
    return f"| {stack.about} | {bare:.2f} | {first:.2f} | {first_ratio:.2f} | {later:.2f} | {later_ratio:.2f} | {excluded} |"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=6, help="training jobs of a tuning job (default: %(default)s)")
    parser.add_argument("--parallel", type=int, default=2, help="at a time (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count (default: %(default)s)")
    parser.add_argument("--only", type=lambda text: set(text.split(",")), help="names of stacks")
    options = parser.parse_args(argv)
    print(
        f"{options.jobs} training jobs, {options.parallel} at a time, {os.cpu_count()} cores; seconds; {options.rounds} rounds.\n"
    )
    print("| | bare loop | first tuning job | of bare | later ones | of bare | left to each script |")
    print("|---" * 7 + "|")
    for stack in STACKS:
        if not options.only or stack.name in options.only:
            print(row(stack, options), flush=True)


if __name__ == "__main__":
    main()
