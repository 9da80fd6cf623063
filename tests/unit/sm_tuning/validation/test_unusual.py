"""Values that break no rule, but are seldom meant."""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import (
    Categorical,
    Channel,
    Continuous,
    Integer,
    Metric,
    Objective,
    Resources,
    Scaling,
    Script,
    TuningJob,
    epochs,
    learning_rate,
)
from sm_tuning.rules import training_toolkit
from tests.conftest import ROOT
from tests.unit.sm_tuning.descriptions import Make

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SCRIPTS = ROOT / "training_scripts"


def test_warnings(job: Make, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("import argparse\nparser.add_argument('--lr')\n")
    report = job(
        script=Script(str(other)),
        objective=Objective.minimize("score", r"score=([0-9\.]+)"),
        ranges=[Continuous("lr", 1e-4, 1, Scaling.LINEAR)],
        hyperparameters={"width": 3, "_tuning_objective_metric": "lr"},
        max_parallel=5,
    ).dry_run()
    assert report.ok
    text = str(report)
    assert "does not hold every number: -0.5 is missed, 7.1e-05 becomes 7.1" in text
    assert "spans 4 powers of ten on a linear scale" in text
    assert "does not mention the hyperparameter 'width'" in text
    assert "max_parallel is 5" in text
    assert "AWS sets the hyperparameter '_tuning_objective_metric' itself" in text
    assert "unless its quota was raised" in str(job(max_jobs=20, max_parallel=11).dry_run())


def test_usual_values_are_not_warned_of(job: Make, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").touch()
    usual = job(
        ranges=[Continuous("lr", 1e-4, 1, Scaling.LOGARITHMIC), Continuous("x", 0, 100), Categorical("c", [1, 2])],
        channels=[Channel("train", str(tmp_path / "data"))],
        max_jobs=20,
        max_parallel=10,
    )
    assert usual.dry_run().warnings == ()


@pytest.mark.parametrize(
    ("objective", "goal"),
    [
        (Objective.maximize("validation:rmse", r"rmse=(\S+)"), "Minimize"),
        (Objective.minimize("validation:accuracy", r"acc=(\S+)"), "Maximize"),
        (Objective.minimize("episode_reward", r"reward=(\S+)"), "Maximize"),
        (Objective.minimize("validation:r2", r"r2=(\S+)", "r2=-0.3"), "Maximize"),
        (Objective.minimize("validation:rmse", r"rmse=(\S+)"), None),
        (Objective.maximize("validation:rmse", r"rmse=(\S+)", "rmse=-0.3"), None),
        (Objective.maximize("neg_rmse", r"rmse=(\S+)"), None),
        (Objective.maximize("quality", r"quality=(\S+)"), None),
    ],
)
def test_a_goal_to_look_for_the_worst_model(objective: Objective, goal: str | None, job: Make) -> None:
    warnings = job(objective=objective).dry_run().warnings
    said = [warning for warning in warnings if "worst model" in warning]
    assert [f"; write {goal}, or" in warning for warning in said] == ([True] if goal else [])
    if goal == "Minimize":
        assert said[0].startswith(
            "the goal is Maximize, but by its name less of validation:rmse is better: the tuning job would look"
        )


def test_metrics_that_the_diagnosis_will_compare_with_nothing(job: Make) -> None:
    alone = job(metrics=())
    assert [text.partition(" is ")[0] for text in alone.dry_run().warnings] == ["no metric"]
    assert not job().dry_run().warnings
    misnamed = job(objective=Objective.minimize("val_rmse", r"val=(.+)"), metrics=[Metric("fit:rmse", r"fit=(.+)")])
    assert [text.partition(" is ")[0] for text in misnamed.dry_run().warnings] == ["fit:rmse"]
    # Several definitions that lack the same say so once; AWS's own algorithms and scripts print what they print.
    lacking = [replace(alone.definition, name=name) for name in ("a", "b")]
    several = TuningJob(name="x", strategy=alone.strategy, definitions=lacking, max_jobs=2, max_parallel=1)
    assert len(several.dry_run().warnings) == 1
    source = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/lightgbm/transfer_learning/classification/v2/sourcedir.tar.gz"
    stock = job(metrics=(), hyperparameters={"sagemaker_submit_directory": f'"{source}"'}, script=None)
    assert not stock.dry_run().warnings
    xgboost = job(objective=Objective.maximize("validation:auc"), metrics=(), image=XGBOOST, script=None)
    assert not xgboost.dry_run().warnings


@pytest.mark.parametrize(
    ("bucket", "usual"),
    [("abc", True), ("my-data.2024", True), ("a" * 63, True), ("b", False), ("a" * 64, False), ("My-data", False), ("my_data", False),
     ("-data", False), ("data-", False)],
)  # fmt: skip
@pytest.mark.parametrize("root", ["s3:/", "https://s3-us-east-1.amazonaws.com"])
def test_names_that_no_bucket_has(bucket: str, usual: bool, root: str, job: Make) -> None:  # noqa: FBT001 - a case
    uri = f"{root}/{bucket}/x"
    report = job(output=uri, channels=[Channel("train", uri)], resources=Resources(checkpoints=uri)).dry_run()
    assert report.ok
    places = ["output", "the channel train", "resources.checkpoints"]
    named = f"names the bucket {bucket!r}; a bucket's name has 3 to 63 "
    assert [warning.partition(named)[0].strip() for warning in report.warnings if named in warning] == ([] if usual else places)


# --- hyperparameters that a script does not take -------------------------------------------------------------------------


def unmentioned(job: TuningJob) -> list[str]:
    """Names of the hyperparameters that the script is said not to mention."""
    return [text.rsplit("'")[1] for text in job.dry_run().warnings if "does not mention" in text]


@pytest.mark.parametrize(
    ("flags", "taken"),
    [("'--learning-rate'", "learning-rate"), ("'--learning_rate'", None), ("'--learning-rate', '--learning_rate'", None)],
)
def test_hyphens_in_place_of_underscores(flags: str, taken: str | None, job: Make, tmp_path: Path) -> None:
    """What argparse does not take as the same: SageMaker's name is handed over as it is."""
    script = tmp_path / "train.py"
    script.write_text(f"import argparse\nparser.add_argument({flags})\nparser.parse_known_args().learning_rate\n")
    warnings = job(script=Script(str(script)), ranges=[learning_rate()], hyperparameters={}).dry_run().warnings
    sentence = (
        f"the script {script} takes --{taken}, but gets --learning_rate: the hyperparameter 'learning_rate' does not arrive"
    )
    assert list(warnings) == ([sentence] if taken else [])


@pytest.mark.parametrize(
    ("name", "flags", "taken"),
    [
        ("C", ["--C"], "--C"),
        ("C", ["-C"], None),
        ("C", ["-C", "--C"], None),
        ("lr", ["-lr"], "-lr"),
        ("max_depth", ["-max-depth"], "-max-depth"),
        ("lr", ["-l", "--lr"], None),
    ],
)
def test_dashes_that_argparse_does_not_take(name: str, flags: list[str], taken: str | None, job: Make, tmp_path: Path) -> None:
    """AWS's training toolkit hands over a name of one letter with one dash, others with two; argparse itself is asked, too."""
    parser, given = argparse.ArgumentParser(), training_toolkit.flag(name)
    parser.add_argument(*flags)
    assert bool(parser.parse_known_args([given, "1"])[1]) is (taken is not None)
    script = tmp_path / "train.py"
    script.write_text(f"import argparse\nparser.add_argument({', '.join(map(repr, flags))})\n")
    warnings = job(script=Script(str(script)), ranges=[Continuous(name, 0.1, 0.9)], hyperparameters={}).dry_run().warnings
    sentence = f"the script {script} takes {taken}, but gets {given}: the hyperparameter {name!r} does not arrive"
    assert list(warnings) == ([sentence] if taken else [])


@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_script_that_takes_its_hyperparameters_by_contract(whole_folder: bool, job: Make, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    for name in ("minimal.py", "contract.py"):
        shutil.copy(SCRIPTS / name, tmp_path)
    script = Script("minimal.py", source=str(tmp_path)) if whole_folder else Script(str(tmp_path / "minimal.py"))
    members: dict[str, Any] = {"ranges": [learning_rate(), epochs()], "hyperparameters": {"batch_size": 32, "momentum": 0.9}}
    assert unmentioned(job(script=script, **members)) == ["momentum"]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("parser.add_argument('--learning-rate')", ["width"]),
        ("import options", []),
        ('"""About width."""\nparser.add_argument("--learning_rate")  # and width', ["width"]),
        ("parser.add_argument('--depth')", ["learning_rate", "width"]),
        ("parser.add_argument(", None),
        ("import sys\nprint(sys.argv)", None),
    ],
)
def test_where_a_script_mentions_its_hyperparameters(code: str, names: list[str] | None, job: Make, tmp_path: Path) -> None:
    """None: the script takes them in a way that is not known, so nothing is said."""
    (tmp_path / "train.py").write_text(code)
    (tmp_path / "options.py").write_text("parser.add_argument('--learning_rate')\nparser.add_argument('--width')")
    script = Script(str(tmp_path / "train.py"))
    assert unmentioned(job(script=script, hyperparameters={"width": 3})) == (names or [])


# --- channels that a script reads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("open(os.environ['SM_CHANNEL_TRAIN'])", ["SM_CHANNEL_TRAIN"]),
        ("open('/opt/ml/input/data/train/a.csv')", ["/opt/ml/input/data/train"]),
        ("open('/opt/ml/input/data/test-set/0')\nopen(os.environ['SM_CHANNEL_TEST-SET'])", []),
        ("open('/opt/ml/input/data/test-set_0')", []),
        ("os.environ.get('SM_CHANNEL_TRAIN')", []),
        ("if 'SM_CHANNEL_TRAIN' in os.environ: open(os.environ['SM_CHANNEL_TRAIN'])", []),
        ("os.environ['SM_CHANNEL_TRAIN'] = 'data'", []),
        ("open(f'/opt/ml/input/data/tr{name}')\nos.path.join('/opt/ml/input/data/', name)", []),
        ("'/opt/ml/input/data/train is read'", []),
        ("import options", ["SM_CHANNEL_OTHER"]),
    ],
)
def test_channels_that_a_script_cannot_do_without(code: str, missing: list[str], job: Make, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(code)
    (tmp_path / "options.py").write_text("import os\nfolder = os.environ['SM_CHANNEL_OTHER']")
    script = Script(str(tmp_path / "train.py"))
    others = job(script=script, channels=[Channel("test-set", "s3://bucket/test")]).dry_run()
    there = "no channel has that name; the channels: test-set"
    assert list(others.warnings) == [f"the script {script.entry} reads {name}, but {there}" for name in missing]
    if missing:
        assert f"reads {missing[0]}, but there is no channel" in str(job(script=script).dry_run())


# --- values that a script takes as integers -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["int", "float", "str"])
def test_values_that_a_script_takes_as_integers(kind: str, job: Make, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    names = ("depth", "rate", "width", "c", "n", "k")
    arguments = "".join(f"parser.add_argument('{'-' if len(name) == 1 else '--'}{name}', type={kind})\n" for name in names)
    script.write_text(f"import argparse\nparser = argparse.ArgumentParser()\n{arguments}")
    warnings = job(
        script=Script(str(script)),
        ranges=[Continuous("depth", 1.0, 8.5), Continuous("rate", 0.1, 0.9), Integer("width", 1, 8), Categorical("c", [1, 0.5])],
        hyperparameters={"n": 4.0, "k": 4},
    ).dry_run().warnings  # fmt: skip
    takes = f"the script {script}"
    remedy = ": write low = 1, high = 8 (in Python an Integer), without a decimal point"
    expected = [
        f"{takes} takes depth as an integer (type=int) and fails at a fraction{remedy}",
        f"{takes} takes rate as an integer (type=int) and fails at a fraction",
        f"{takes} takes c as an integer (type=int) and fails at the values 0.5",
        f"{takes} takes n as an integer (type=int) and fails at its value 4.0",
    ]
    assert list(warnings) == (expected if kind == "int" else [])
