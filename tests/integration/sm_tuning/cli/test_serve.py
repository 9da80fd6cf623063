"""The best model behind an endpoint of the emulator, by one command; and the lines that it prints, as a user pastes them."""

import json
import re
import subprocess
import sys
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
    assert (served["EndpointName"], set(served)) == ("mine", {"EndpointName", "Url", "Curl", "Python"})
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
