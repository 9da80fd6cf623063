"""contract.py on its own: what any script takes along."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import contract
import pytest

HYPERPARAMETERS = {
    "rate": contract.number(0.5, above=0, most=1),
    "units": contract.whole(8, least=1, most=64),
    "solver": contract.choice("adam", "adam", "sgd"),
}
SCRIPT = """
import contract, sys

def train(job):
    {body}

if __name__ == "__main__":
    sys.exit(contract.main(train, {{"epochs": contract.whole(3, least=1)}}))
"""


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (contract.number(1), "a number"),
        (contract.number(1, above=0), "a number above 0"),
        (contract.number(1, least=0), "a number from 0"),
        (contract.number(1, least=0, most=1), "a number from 0 to 1"),
        (contract.number(1, above=0, most=1), "a number above 0, up to 1"),
        (contract.number(1, least=0, below=1), "a number from 0, below 1"),
        (contract.number(1, below=1), "a number below 1"),
        (contract.number(1, most=1), "a number up to 1"),
        (contract.whole(1, least=1), "a whole number from 1"),
        (contract.choice("a", "a", "b"), "a or b"),
    ],
)
def test_rules_say_their_bounds(rule: contract.Hyperparameter, says: str) -> None:
    assert rule.says == says


def test_bounds_are_kept_and_nan_never_fits() -> None:
    half_open = contract.number(0.5, least=0, below=1)
    assert [half_open.fits(value) for value in (-0.1, 0, 0.99, 1, math.nan)] == [False, True, True, False, False]
    assert not contract.number(1).fits(math.inf)
    assert not contract.number(1, above=0).fits(0)


def test_values_come_from_the_words_else_from_the_defaults(ml: Path) -> None:
    job = contract.read_job(HYPERPARAMETERS, ["--units=16.0", "--solver", "sgd", "--data", "x"], channels=["data"])
    assert vars(job.hyperparameters) == {"rate": 0.5, "units": 16, "solver": "sgd"}
    assert job.channels == {"data": Path("x")}
    assert (job.model, job.output, job.checkpoints) == (None, None, None)


@pytest.mark.parametrize(("words", "name"), [(["--units", "65"], "units"), (["--rate=0"], "rate"), (["--solver", "x"], "solver")])
def test_a_value_out_of_bounds_is_refused_by_its_name(ml: Path, words: list[str], name: str) -> None:
    with pytest.raises(contract.TrainingError, match=f"^{name} is '.*': it must be "):
        contract.read_job(HYPERPARAMETERS, words)


def test_a_metric_line_is_found_by_its_expressions(capsys: pytest.CaptureFixture[str]) -> None:
    values = {name: 0.125 * 10.0**-index for index, name in enumerate(contract.METRICS)}
    contract.report(7, values)
    line = capsys.readouterr().out
    assert line.startswith("epoch=7 train:loss=0.125 ")
    assert {name: [float(value) for value in re.findall(regex, line)] for name, regex in contract.METRICS.items()} == {
        name: [value] for name, value in values.items()
    }


def test_checkpoint_gives_back_what_was_saved_to_the_same_training_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = contract.Checkpoint(tmp_path / "kept", {"rate": 0.5, "hidden": (1, 2)})
    assert saved.load() is None
    saved.save(b"state\nof\x00it")
    assert contract.Checkpoint(tmp_path / "kept", {"hidden": [1, 2], "rate": 0.5}).load() == b"state\nof\x00it"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["checkpoint"]
    assert capsys.readouterr().out == ""
    assert contract.Checkpoint(tmp_path / "kept", {"rate": 1, "hidden": [1, 2]}).load() is None
    assert capsys.readouterr().out == f"note: {saved.path} is of another training (rate=0.5); starting anew\n"


@pytest.mark.parametrize("content", [b"", b"[]\n", b"{}\nx", b'{"digest": "0", "made_for": {}}\nx', b"\xff\n"])
def test_broken_checkpoint_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (tmp_path / "checkpoint").write_bytes(content)
    assert contract.Checkpoint(tmp_path, {}).load() is None
    assert " is broken (" in capsys.readouterr().out


def test_without_a_folder_nothing_is_kept() -> None:
    checkpoint = contract.Checkpoint(None, {})
    checkpoint.save(b"x")
    assert checkpoint.load() is None


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("raise contract.TrainingError('No column price.')", r"No column price\."),
        ("open('/no/such')", r"/no/such: No such file or directory\."),
        ("1 / 0", r"ZeroDivisionError: division by zero\nTraceback[\s\S]*in train\n[\s\S]*"),
        ("import no_such_module", r"ModuleNotFoundError: No module named 'no_such_module'\n[\s\S]*"),
    ],
)
def test_failures_reach_the_failure_file(ml: Path, tmp_path: Path, body: str, failure: str) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.format(body=body))
    (tmp_path / "contract.py").write_text(Path(contract.__file__).read_text())
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(failure, (ml / "output" / "failure").read_text())


def test_no_garbage_is_looked_for_at_the_end(ml: Path, tmp_path: Path) -> None:
    """What was registered before it runs after it."""
    end = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0, len(gc.get_objects()) < 100))\n"
    (tmp_path / "train.py").write_text(end + SCRIPT.format(body="pass"))
    (tmp_path / "contract.py").write_text(Path(contract.__file__).read_text())
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_named_train_it_is_a_containers_program(ml: Path, tmp_path: Path) -> None:
    (ml / "input" / "config").mkdir(parents=True)
    (ml / "input" / "config" / "hyperparameters.json").write_text(json.dumps({"epochs": '"5"'}))
    (tmp_path / "train").write_text(SCRIPT.format(body="print(job.hyperparameters.epochs, job.model)"))
    (tmp_path / "contract.py").write_text(Path(contract.__file__).read_text())
    for words in ([], ["train"]):
        done = subprocess.run([sys.executable, "train", *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == f"5 {ml / 'model'}\n"
