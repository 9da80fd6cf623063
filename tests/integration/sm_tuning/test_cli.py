"""The command line with an emulator that it starts itself; in a process of its own where the process is the subject."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sm_tuning.cli.commands import sm_tuning
from tests.conftest import Server

TOML = """
name = "cli"
script = "train.py"
strategy = { name = "Random", seed = 1 }
max_jobs = 3
max_parallel = 2
[objective]
metric = "score"
goal = "Maximize"
regex = 'score=([-+0-9.eE]+)'
[ranges]
learning_rate = {}
units = { low = 1, high = 64 }
optimizer = ["adam", "sgd"]
"""
SCRIPT = """
import sys, time
value = sys.argv[sys.argv.index('--learning_rate') + 1]
time.sleep({pause})
print('\\x1b[31mred\\x1b[0m hostile [bold]text[/bold]')
{line}
"""


class Cli:
    """`sm-tuning` with its own state folder."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.folder = folder
        self.state = state or folder / "state"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {**clean, "SM_EMULATOR_STATE": str(self.state), "COLUMNS": "120"}
        self.write()

    def write(self, toml: str = TOML, line: str = "print('score=' + value)", pause: float = 0.0) -> None:
        (self.folder / "job.toml").write_text(toml)
        (self.folder / "train.py").write_text(SCRIPT.format(line=line, pause=pause))

    def start(self, *words: str) -> "subprocess.Popen[str]":
        # A script's background, where these tests may run, ignores Ctrl-C; a terminal does not.
        code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        code += "from sm_tuning.cli import main; sys.argv[0] = 'sm-tuning'; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def process(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a command prints in a process of its own."""
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == code, (words, process.returncode, output, errors)
        return output, errors

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a command prints in this process, which imports nothing anew."""
        done = self.invoke(*words)
        assert done.exit_code == code, (words, done.exit_code, done.output, done.exception)
        return done.stdout, done.stderr

    def invoke(self, *words: str) -> Result:
        """What a command comes to in this process."""
        others = {name: None for name in os.environ if name not in self.environment}
        with contextlib.chdir(self.folder):
            return CliRunner().invoke(sm_tuning, words, env={**others, **self.environment}, prog_name="sm-tuning")

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code)[0])


@pytest.fixture
def cli(server: Server, tmp_path: Path) -> Cli:
    """With an emulator that runs already."""
    return Cli(tmp_path, server.state)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Cli]:
    """Without an emulator."""
    cli = Cli(tmp_path)
    try:
        yield cli
    finally:
        cli("emulator", "stop")
        cli("emulator", "reset", "--yes")


def test_run_and_look(alone: Cli) -> None:
    cli = alone
    output, errors = cli.process("run", "job.toml", "--name", "first")
    assert "created first on the emulator at http://127.0.0.1:" in errors
    assert "\x1b" not in output + errors
    assert re.search(r"first Completed: 3 of 3 training jobs ended \(0 failed\), 0 running, best so far 0\.", errors)
    for line in (r"learning_rate = 0\.\d+", r"optimizer = (adam|sgd)", r"units = \d+"):
        assert re.search(rf"best hyperparameters\n(.*\n)*? +{line}\n", output)
    best = cli.json("best", "first")
    rows = cli.json("trainings", "first")
    assert len(rows) == 3
    assert max(row["FinalObjectiveMetricValue"] for row in rows) == best["FinalObjectiveMetricValue"]
    assert best["S3ModelArtifacts"].endswith("/output/model.tar.gz")
    assert cli.json("status")["TrainingJobStatusCounters"]["Completed"] == 3
    assert [entry["HyperParameterTuningJobName"] for entry in cli.json("list")] == ["first"]
    log = cli("logs", best["TrainingJobName"])[0]
    assert "\x1b" not in log
    assert "red" in log
    assert "hostile [bold]text[/bold]" in log
    assert "first" in cli("list")[0]
    assert "first" in cli("status", "fir")[0]
    assert "no tuning jobs begin with 'other'; there are first" in cli("status", "other", code=1)[1]
    assert "already exists" in cli("run", "job.toml", "--name", "first", code=1)[1]
    exports = cli("emulator", "env")[0]
    assert re.match(r"export AWS_ENDPOINT_URL=http://127.0.0.1:\d+\n", exports)
    status = cli.json("emulator", "status")
    assert status["running"]
    assert f"emulator:  {status['url']}, state in {cli.folder / 'state'}; stop it with: sm-tuning emulator stop" in output
    document = cli.json("run", "job.toml", "--name", "second")
    assert document["HyperParameterTuningJobStatus"] == "Completed"
    assert len(document["TrainingJobSummaries"]) == 3


SEVERAL = """
name = "two"
strategy = "Bayesian"
max_jobs = 4
max_parallel = 2
autotune = true
[[definitions]]
name = "forest"
script = "train.py"
objective = { metric = "score", goal = "Maximize", regex = 'score=([-+0-9.eE]+)' }
ranges = { learning_rate = {}, trees = { low = 10, high = 500 } }
resources = { alternatives = [{ type = "ml.m5.xlarge", volume_gb = 5 }] }
[[definitions]]
name = "network"
output = "s3://other-bucket/networks"
script = "train.py"
objective = { metric = "score", goal = "Maximize", regex = 'score=([-+0-9.eE]+)' }
ranges = { learning_rate = { auto = 0.1 } }
resources = { groups = [{ name = "g", type = "ml.c5.xlarge" }], keep_alive = 60 }
channels = [
  { name = "files", source = { id = "fs-01234567", path = "/data", access = "rw" } },
  { name = "set", source = { arn = "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/DataSet/d" } },
  { name = "here", source = "train.py" },
]
"""


def test_a_file_says_all_that_the_classes_say(cli: Cli) -> None:
    cli.write(SEVERAL)
    request = cli.json("plan", "job.toml")["request"]
    assert request["Autotune"] == {"Mode": "Enabled"}
    forest, network = request["TrainingJobDefinitions"]
    assert [config["InstanceType"] for config in forest["HyperParameterTuningResourceConfig"]["InstanceConfigs"]] == [
        "ml.m5.large",
        "ml.m5.xlarge",
    ]
    assert network["HyperParameterRanges"]["AutoParameters"] == [{"Name": "learning_rate", "ValueHint": "0.1"}]
    assert network["ResourceConfig"]["InstanceGroups"][0]["InstanceGroupName"] == "g"
    files, dataset, here = (channel["DataSource"] for channel in network["InputDataConfig"])
    assert files["FileSystemDataSource"]["FileSystemAccessMode"] == "rw"
    assert dataset["DatasetSource"]["DatasetArn"].endswith("/d")
    assert here["S3DataSource"]["S3Uri"] == "s3://other-bucket/networks/two/network/input/here"
    cli.write(TOML.replace("max_jobs = 3", 'max_jobs = 3\nwarm_start = { parents = ["a"], type = "TransferLearning" }'))
    assert cli.json("plan", "job.toml")["request"]["WarmStartConfig"]["WarmStartType"] == "TransferLearning"


def test_several_definitions_run(cli: Cli) -> None:
    emulated = SEVERAL.replace('groups = [{ name = "g", type = "ml.c5.xlarge" }], keep_alive = 60', "max_runtime = 60")
    cli.write("\n".join(line for line in emulated.splitlines() if '"fs-' not in line and "arn:" not in line))
    document = cli.json("run", "job.toml", "--name", "two")
    assert document["HyperParameterTuningJobStatus"] == "Completed"
    assert len(document["TrainingJobSummaries"]) == 4


def test_plan(cli: Cli) -> None:
    assert "role and output are the emulator's" in cli("plan", "job.toml", "--request")[1]
    output, _ = cli("plan", "job.toml", "--price-per-hour", "0.23")
    assert "cli: Random, 3 training jobs, 2 at a time" in output
    assert "0.0001" in output
    assert "worst case: 3.0 instance-hours of ml.m5.large, $0.69" in output
    document = cli.json("plan", "job.toml")
    assert document["ok"]
    assert document["samples"]["optimizer"] == ["adam", "sgd"]
    assert document["request"]["HyperParameterTuningJobName"] == "cli"
    cli.write(TOML.replace("max_jobs = 3", 'max_jobs = "3"'))
    (problem,) = cli.json("plan", "job.toml", code=1)["problems"]
    assert (problem["argument"], problem["rule"]) == ("max_jobs", "model-type")
    assert "max_jobs is '3'; it must be a whole number" in cli("run", "job.toml", code=2)[1]
    cli.write(TOML.replace("max_jobs = 3", "max_jobs = 20000"))
    assert not cli.json("plan", "job.toml", code=1)["ok"]
    assert "max_jobs is 20000; for the strategy Random it must be at most 10000" in cli("plan", "job.toml", code=1)[0]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("max_jobs = 3", 'max_jobs = "3"', "problem: max_jobs is '3'; it must be a whole number (model-type)"),
        ("max_jobs", "max_job", "the file has an unknown key 'max_job'; did you mean 'max_jobs'?"),
        ('goal = "Maximize"', 'goal = "max"', "goal is 'max'; it must be 'Maximize' or 'Minimize'"),
        ("learning_rate = {}", "learning_rate = { hgih = 1 }", "ranges.learning_rate has an unknown key 'hgih'; did you mean 'high'?"),
        ("learning_rate = {}", "learning_rate = { low = 2, high = 1 }", "low must be less than high"),
        ("learning_rate = {}", "rate = { preset = 'lr' }", "ranges.rate: preset is 'lr'; it must be one of learning_rate, batch_size"),
        ("learning_rate = {}", "rate = { low = 1 }", "ranges.rate: high is missing; a range that is no preset"),
        ('"Random"', '"Radnom"', "strategy.name is 'Radnom'; it must be one of Grid, Random, Bayesian, Hyperband"),
        ("seed = 1", "sed = 1", "did you mean 'seed'?"),
        ("regex = 'score=([-+0-9.eE]+)'", "regex = 'score'", "has no group"),
        ('name = "cli"', "", "name is missing; it is required"),
        ("[ranges]", "[ranges", "is no TOML"),
        ('script = "train.py"', 'script = "none.py"', "there is no such file"),
        ("[objective]", "[resources]\nvolume = 3\n[objective]", "resources has an unknown key 'volume'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file(old: str, new: str, text: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    assert old in TOML
    cli.write(TOML.replace(old, new))
    done = cli.invoke("plan", "job.toml")
    assert done.exit_code in {1, 2}
    assert text in done.output
    assert isinstance(done.exception, SystemExit)


def test_usage(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    assert "none.toml cannot be read: No such file" in cli.process("plan", "none.toml", code=2)[1]
    assert "No such command 'rnu'" in cli.process("rnu", code=2)[1]
    nowhere = "role and output are missing; AWS needs a role and an output of your account"
    for command in ("plan", "run", "doctor"):
        output, errors = cli(command, "job.toml", "--aws", "--region", "us-east-1", code=2)
        assert nowhere in errors
        assert not output
    cli.write('role = "arn:aws:iam::111122223333:role/training"\noutput = "s3://bucket"\n' + TOML)
    assert "without a terminal to ask on, give --yes" in cli("run", "job.toml", "--aws", "--region", "us-east-1", code=2)[1]
    assert "no emulator runs; start one" in cli("emulator", "env", code=3)[1]
    assert cli("emulator", "status", code=3)[0].startswith("No emulator holds ")


def test_a_regex_that_matches_nothing_is_told_while_it_runs(cli: Cli) -> None:
    cli.write(line="for n in range(20): print(f'Score: {n}', flush=True)\ntime.sleep(2)")
    output, errors = cli("run", "job.toml", "--name", "silent", code=1)
    assert "warning: silent-00" in errors
    assert "the regex 'score=([-+0-9.eE]+)' has matched none of 2" in errors
    assert "Score: 1" in errors
    assert "failed: No objective metrics found after running 3 training jobs." in " ".join(output.split())


def test_failures_are_grouped(cli: Cli) -> None:
    cli.write(line="raise ValueError(f'bad rate {value}')")
    output, _ = cli("run", "job.toml", code=1)
    assert "3 training jobs: AlgorithmError" in output
    assert output.count("ValueError: bad rate") == 2  # in the reason, and in the end of one log


def test_ctrl_c_lets_it_go_on_and_again_stops_it(cli: Cli) -> None:
    cli.write(pause=60)
    for name, times, state in (("go-on", 1, "InProgress"), ("stop", 2, "Stop")):
        with cli.start("run", "job.toml", "--name", name) as process:
            assert process.stderr is not None
            while "running" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            rest = ""
            while "Ctrl-C again" not in rest:
                line = process.stderr.readline()
                assert line, rest
                rest += line
            if times > 1:
                time.sleep(0.2)  # it has said so and now waits
                process.send_signal(signal.SIGINT)
            rest += process.stderr.read()
            assert process.wait(timeout=30) == 130
        assert f"{name} goes on. Follow it: sm-tuning attach {name}" in rest
        assert cli.json("status", name)["HyperParameterTuningJobStatus"].startswith(state)
    assert "is still InProgress" in cli("attach", "go-on", "--timeout", "0.1", code=4)[1]
    assert re.match("go-on: Stop", cli("stop", "go-on")[0])


def test_the_best_on_growing_shares_of_the_training_set(cli: Cli) -> None:
    shares = "\n[data_scaling]\nhyperparameter = 'share'\nshares = [0.25, 0.5, 1.0]\n"
    share = "float(dict(zip(sys.argv[1::2], sys.argv[2::2])).get('--share', 1))"
    cli.write(TOML + shares, f"print('score=' + str(0.9 - 0.1 * {share} ** -0.5 + float(value) / 100))")
    assert "leave --no-wait out" in cli("run", "job.toml", "--data-scaling", "--no-wait", code=2)[1]
    document = cli.json("run", "job.toml", "--name", "whole", "--data-scaling")
    assert document["HyperParameterTuningJobName"] == "whole"
    curve = document["DataScaling"]
    assert [share for share, _, _ in curve["points"]] == [0.25, 0.5, 1.0]
    assert 0.8 < curve["points"][-1][2] < curve["twice"] < 0.9
    assert cli.json("diagnose")["data"] == curve  # the latest is the tuning job itself, and its learning curve is found
    cli("report", "whole", "--output", "report.html")
    assert "Would more data help?" in (cli.folder / "report.html").read_text()
    cli.write(TOML + "[data_scaling]\nshares = [1.0]\n")
    assert "data_scaling: shares is [1.0]" in cli("run", "job.toml", "--data-scaling", code=2)[1]
    cli.write(TOML + "[learning_curve]\n[data_scaling]\n")
    assert "learning_curve is the name of data_scaling before 0.2" in cli("run", "job.toml", "--data-scaling", code=2)[1]
    cli.write(TOML + "[learning_curve]\nshares = [1.0]\n")
    said = cli("run", "job.toml", "--learning-curve", code=2)[1]  # as in version 0.1
    assert "--learning-curve is called --data-scaling now" in said
    assert "learning_curve: shares is [1.0]" in said


def test_diagnose_and_export(cli: Cli) -> None:
    cli.write(line="print('\\n'.join(f'score={float(value) + epoch / 1000}' for epoch in range(8)))")
    cli("run", "job.toml")
    said, _ = cli("diagnose")
    assert "still improving" in said
    assert "what to do, in the order of worth" in said
    diagnosis = cli.json("diagnose")
    assert diagnosis["fit"]["epochs"] == 8
    assert {effect["name"] for effect in diagnosis["effects"]} == {"learning_rate", "units", "optimizer"}
    cli("export", "-o", "rows.csv")
    assert (cli.folder / "rows.csv").read_text().count("Completed") == 3
    cli("export", "-o", "rows.txt", code=2)


def test_proxies_ports_and_other_installations(alone: Cli) -> None:
    """A proxy of the environment is not asked for this machine; a restart keeps the port; another installation is noticed."""
    cli = alone
    dead = "http://127.0.0.1:9"
    cli.environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "all_proxy"), dead)
    assert cli.process("list")[0] == "no tuning jobs\n"
    first = cli.json("emulator", "status")
    assert first["health"]["status"] == "ok"
    exports = cli("emulator", "env")[0]
    assert "export NO_PROXY=localhost,127.0.0.1,::1\n" in exports
    cli.environment["no_proxy"] = "example.com"
    assert "export no_proxy=example.com,localhost,127.0.0.1,::1\n" in cli("emulator", "env")[0]
    library = "import boto3; from sm_tuning import TuningRun; TuningRun('none', session=boto3.Session()).describe()"
    outside = {**cli.environment, "AWS_ENDPOINT_URL": first["url"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    del outside["no_proxy"]
    done = subprocess.run(
        [sys.executable, "-c", library],
        env={**outside, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "there is no tuning job 'none' in us-east-1" in done.stderr
    assert (cli.folder / "state" / "keep").exists()  # somebody has its address, so it does not end by itself
    cli("emulator", "stop")
    assert not (cli.folder / "state" / "keep").exists()
    code = "from local_emulator import installation as i; i._EXTRAS = {'none': 'sys'}; from local_emulator.command import main; main()"
    words = ["serve", "--state", str(cli.folder / "state"), "--port", "0"]
    with subprocess.Popen([sys.executable, "-c", code, *words], env=cli.environment, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert first["url"] in other.stdout.readline()
        said = cli("list")[1]
        assert f"the emulator at {first['url']} is another than this program's: extras none, here " in said
        assert "sm-tuning emulator stop ends it" in said
        cli("emulator", "stop")


def test_an_emulator_that_somebody_counts_on_does_not_end_by_itself(tmp_path: Path) -> None:
    """`emulator env` and `emulator start` leave a mark in the state folder; `stop` takes it away (see above)."""
    emulators = []
    for name in ("kept", "idle"):
        state = tmp_path / name
        serve = [sys.executable, "-m", "local_emulator", "serve", "--port", "0", "--idle-exit", "1", "--state", str(state)]
        process = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert "http://" in process.stdout.readline()
        if name == "kept":
            (state / "keep").touch()
        emulators.append(process)
    kept, idle = emulators
    try:
        idle.communicate(timeout=60)
        assert idle.returncode == 0
        assert kept.poll() is None
    finally:
        for process in emulators:
            process.terminate()
            process.communicate(timeout=60)
