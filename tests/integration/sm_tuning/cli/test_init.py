"""What `sm-tuning init` writes is right as it stands and runs at once: on this Python's frameworks, and with `make scripts` on all."""

import json
import os
import re
import subprocess
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest

from sm_tuning import TuningJob
from sm_tuning.cli.skeletons import FRAMEWORKS
from tests.conftest import Server
from tests.integration.sm_tuning.cli.conftest import Cli

pytestmark = pytest.mark.slow(17)

SERVED = {"scikit-learn": 64, "xgboost": 10}
"""Frameworks whose scripts have a `model_fn`, with the columns of their rows."""

PYTHON = os.environ.get("SCRIPTS_PYTHON")  # of an environment that has all frameworks: `make scripts`


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli | None]:
    """An emulator that runs scripts in the other Python."""
    if PYTHON is None:
        yield None
        return
    cli = Cli(tmp_path_factory.mktemp("other"))
    cli("emulator", "start", "--port", "0", "--python", PYTHON)
    yield cli
    cli("emulator", "stop")
    cli("emulator", "reset", "--yes")


@pytest.fixture
def having(other: Cli | None, server: Server, tmp_path: Path) -> Callable[[str], Cli]:
    """The command line with an emulator whose Python has some modules."""

    def cli(modules: str) -> Cli:
        if all(find_spec(module) is not None for module in modules.split()):
            return Cli(tmp_path, server.state)
        if other is None:
            pytest.skip(f"{modules}: not all installed; `make scripts` runs this")
        return Cli(tmp_path, other.state)

    return cli


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_written_runs_at_once_and_each_metric_is_found(framework: str, having: Callable[[str], Cli]) -> None:
    cli = having(FRAMEWORKS[framework][0])
    written = cli.json("init", "mine", "--framework", framework)
    job = cli.folder / written["job"]
    assert cli("plan", written["job"])[0].endswith("no rule is broken\n")
    job.write_text(job.read_text().replace("max_jobs = 6 ", "max_jobs = 2 "))
    done = cli.json("run", written["job"])
    assert done["HyperParameterTuningJobStatus"] == "Completed", done
    assert done["TrainingJobStatusCounters"]["Completed"] == 2
    assert done["ObjectiveStatusCounters"]["Succeeded"] == 2
    if framework in SERVED:
        served = cli.json("serve", done["HyperParameterTuningJobName"])
        rows = "\n".join([",".join(["0.5"] * SERVED[framework])] * 2)
        request = urllib.request.Request(served["Url"], rows.encode(), {"Content-Type": "text/csv"})
        assert len(json.loads(urllib.request.urlopen(request).read())) == 2
        cli("serve", done["HyperParameterTuningJobName"], "--delete")
    cli("export", done["HyperParameterTuningJobName"], "-o", "all.json")
    document = tomllib.loads(job.read_text())
    names = [metric["name"] for metric in document["metrics"]]
    for training in json.loads((cli.folder / "all.json").read_text()):
        curves = training["Curves"]
        assert all(len(curves[name]) > 1 for name in [document["objective"]["metric"], *names]), "a value for each epoch"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_is_right_as_it_stands(framework: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli("init", "my.first job", "--framework", framework)
    job = TuningJob.from_toml(
        tmp_path / "my.first job" / "job.toml", role="arn:aws:iam::123456789012:role/R", output="s3://bucket"
    )
    assert job.name == "my-first-job"
    checked = job.dry_run()
    assert checked.ok, checked
    assert not checked.warnings
    document = tomllib.loads((tmp_path / "my.first job" / "job.toml").read_text())
    assert document["objective"]["sample"], "the regex is tried on a line"
    words = {*document["ranges"], *document["hyperparameters"]}
    script = (tmp_path / "my.first job" / "train.py").read_text()
    assert set(re.findall(r'"--(\w+)"', script)) == words, "the script knows what the job file sends"
    lines = (tmp_path / "my.first job" / "job.toml").read_text().splitlines()
    keys = [line for line in lines if re.match(r"\w+ =", line)]
    unexplained = [line for line in keys if "  # " not in line]
    assert all(line.split(" ")[0] in {"metric", "goal", "name", "regex", "epochs", "rounds"} for line in unexplained), unexplained


def test_by_hand_the_script_is_a_program_like_any_other(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    output, _ = cli("init", "mine")
    command = next(line for line in output.splitlines() if line.startswith("try the script: ")).partition(": ")[2]
    done = subprocess.run(f"{command} --epochs 2", shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602 - as printed
    assert re.fullmatch(r"epoch=1 train:loss=0\.\d+ validation:loss=0\.\d+\nepoch=2 .*\n", done.stdout), done
    assert json.loads((tmp_path / "model" / "weights.json").read_text())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    for name in ("job.toml", "train.py"):
        (tmp_path / name).write_text("mine")
    assert "sm-tuning: job.toml and train.py exist already, " in cli("init", code=2)[1]
    (tmp_path / "job.toml").unlink()
    assert cli("init", code=2)[1] == "sm-tuning: train.py exists already, and nothing is overwritten; name another folder\n"
    assert not (tmp_path / "job.toml").exists()
    assert (tmp_path / "train.py").read_text() == "mine"


def test_a_framework_that_is_not_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FRAMEWORKS, "pytorch", ("json no_such_module", "torch"))
    output, _ = Cli(tmp_path)("init", "mine", "--framework", "pytorch")
    assert re.search(r"first: +\S*python -m pip install torch  \(.* has no no_such_module\)\n", output)
    assert Cli(tmp_path).json("init", "other", "--framework", "plain")["missing"] == []


def test_what_is_the_same_is_said_alike_for_every_framework() -> None:
    folder = files("sm_tuning.cli.skeletons")
    scripts = [folder.joinpath(framework, "train.py").read_text() for framework in FRAMEWORKS]
    for shared in (r'(?s)\A""".*?"""\n', r"(?m)^hyperparameters, _ = .*$", r"(?m)^model_dir = .*$", r"(?m)^data_dir = .*$"):
        matches = [re.search(shared, script) for script in scripts]
        assert None not in matches, shared
        assert len({match[0] for match in matches if match}) == 1, shared
    comments: dict[str, set[str]] = {}
    for framework in FRAMEWORKS:
        for line in folder.joinpath(framework, "tuned.toml").read_text().splitlines():
            if match := re.fullmatch(r"(\S+)(?: = .*)?  # (.*)", line):
                comments.setdefault(match[1], set()).add(match[2])
    assert len(comments) > 8
    assert {key: texts for key, texts in comments.items() if len(texts) > 1} == {}
