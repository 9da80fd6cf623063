"""The best model behind an endpoint of the emulator, by one command; and the lines that it prints, as a user pastes them."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner

from local_emulator.testing import emulated_sagemaker
from sm_tuning.cli.commands import sm_tuning
from tests.integration.sm_tuning.cli.conftest import Cli
from tests.unit.sm_tuning.descriptions import Make

SCRIPT = """
import os, sys
def model_fn(folder): return float(open(folder + '/rate').read())
def predict_fn(data, model): print(f'predicting by {model}', flush=True); return data * 0 + model
if __name__ == '__main__':
    value = sys.argv[sys.argv.index('--learning_rate') + 1]
    open(os.environ['SM_MODEL_DIR'] + '/rate', 'w').write(value)
    print('score=' + value)
"""


def test_the_best_model_is_served(cli: Cli) -> None:
    (cli.folder / "train.py").write_text(SCRIPT)
    cli("run", "job.toml", "--name", "served")
    best = cli.json("best", "served")
    rate = float(best["TunedHyperParameters"]["learning_rate"])
    assert re.search(r"^serve it: \S*sm-tuning serve served$", cli("best", "served")[0], re.MULTILINE)
    lines = dict(re.findall(r"^(?:its )?(\w+): +(.*)$", cli("serve", "served")[0], re.MULTILINE))
    assert lines["endpoint"] == best["TrainingJobName"]
    assert lines["example"].startswith("replace the records 1,2,3 and 4,5,6 by yours: how many")
    answered = subprocess.run(["bash", "-c", lines["shell"]], capture_output=True, text=True, check=True).stdout
    assert json.loads(answered) == [pytest.approx([rate] * 3)] * 2
    said = f"predicting by {rate}"
    assert said in cli(*lines["log"].split()[1:])[0], "the name is a training job's, too"
    assert said not in cli("logs", lines["endpoint"])[0]
    python = [sys.executable, "-c", f"import boto3; print({lines['python']}.decode())"]
    assert subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip() == answered
    assert dict(re.findall(r"^(?:its )?(\w+): +(.*)$", cli("serve", "served")[0], re.MULTILINE)) == lines, (
        "it is shown, not made again"
    )
    assert f"deleted: the endpoint {lines['endpoint']}" in cli(*lines["delete"].split()[1:])[0]
    served = cli.json("serve", "served", "--name", "mine")
    assert (served["EndpointName"], set(served)) == ("mine", {"EndpointName", "Url", "Curl", "Python", "Features"})
    assert cli.json("logs", "mine")["EndpointName"] == "mine"
    deleted = {"EndpointName": "mine", "Deleted": ["endpoint", "configuration", "model"]}
    assert cli.json("serve", "served", "--name", "mine", "--delete") == deleted
    assert cli("serve", "served", "--name", "mine", "--delete")[0] == "mine: there is no such endpoint; nothing to delete\n"


def test_in_aws_it_is_asked_with_yes(job: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    with emulated_sagemaker():
        boto3.client("s3").create_bucket(Bucket="bucket")
        run = job(max_jobs=1).launch()
        run.wait(poll=0.05, timeout=120)
        done = CliRunner().invoke(sm_tuning, ["serve", run.name, "--aws"])
        assert done.exit_code == 2
        assert "an endpoint of one ml.m5.large in AWS costs money by the hour, asked or not, until you delete it" in done.stderr
        assert re.search(r"\(\S*sm-tuning serve good --name good-001-\w+ --delete --aws\): add --yes", done.stderr)
        assert boto3.client("sagemaker").list_models()["Models"] == []
        done = CliRunner().invoke(sm_tuning, ["serve", run.name, "--aws", "--yes"])
        assert (done.exit_code, boto3.client("sagemaker").list_endpoints()["Endpoints"][0]["EndpointStatus"]) == (0, "InService")


# Its model takes thirty numbers, and cannot be loaded without what it requires.
THIRTY = """
import os, pickle
class Model:
    def __init__(self):
        self.n_features_in_ = 30
if __name__ == '__main__':
    pickle.dump(Model(), open(os.environ['SM_MODEL_DIR'] + '/model.pkl', 'wb'))
    print('score=1')
"""
SERVING = """
def model_fn(folder):
    import stumbled
    return stumbled.WIDTH
def predict_fn(data, model):
    assert data.shape == (2, model), data.shape
    return data[:, 0]
"""


def test_a_script_is_served_with_its_requirements_and_asked_with_the_model_s_shape(cli: Cli) -> None:
    (cli.folder / "train.py").write_text(THIRTY)
    serving = cli.folder / "serving"
    package = serving / "package"
    package.mkdir(parents=True)
    (serving / "serve.py").write_text(SERVING)
    (serving / "requirements.txt").write_text("-r more.txt\n")
    (serving / "more.txt").write_text(f"--no-index\n{wheel(package)}\n")
    (serving / "data.csv").write_text("what is beside is not sent")
    cli("run", "job.toml", "--name", "thirty")
    lines = dict(re.findall(r"^(\w+): +(.*)$", cli("serve", "thirty", "--script", "serving/serve.py")[0], re.MULTILINE))
    asked = subprocess.run(["bash", "-c", lines["shell"]], capture_output=True, text=True, check=True)
    assert json.loads(asked.stdout) == [1, 31], asked
    assert "example" not in lines


def wheel(folder: Path) -> Path:
    """A package whose module `stumbled` says how many numbers are taken."""
    path = folder / "stumbled-1-py3-none-any.whl"
    about = {
        "METADATA": "Metadata-Version: 2.1\nName: stumbled\nVersion: 1\n",
        "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("stumbled.py", "WIDTH = 30\n")
        for name, text in about.items():
            packed.writestr(f"stumbled-1.dist-info/{name}", text)
    return path
