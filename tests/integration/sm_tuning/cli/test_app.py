"""The command line with an emulator that it starts itself; in a process of its own where the process is the subject."""

import re
from pathlib import Path

from tests.integration.sm_tuning.cli.conftest import TOML, Cli


def test_run_and_look(alone: Cli) -> None:
    cli = alone
    output, errors = cli.process("run", "job.toml", "--name", "first")
    assert "created first on the emulator at http://127.0.0.1:" in errors
    assert "\x1b" not in output + errors
    assert re.search(r"first Completed: 3 of 3 training jobs ended \(0 failed\), 0 running, best score 0\.", errors)
    for line in (r"learning_rate = 0\.\d+", r"optimizer = (adam|sgd)", r"units = \d+"):
        assert re.search(rf"best hyperparameters\n(.*\n)*? +{line}\n", output)
    best = cli.json("best", "first")
    rows = cli.json("trainings", "first")
    assert len(rows) == 3
    assert max(row["FinalObjectiveMetricValue"] for row in rows) == best["FinalObjectiveMetricValue"]
    assert best["S3ModelArtifacts"] is None  # its script saves none
    assert cli.json("status")["TrainingJobStatusCounters"]["Completed"] == 3
    assert [entry["HyperParameterTuningJobName"] for entry in cli.json("list")] == ["first"]
    log = cli("logs", best["TrainingJobName"])[0]
    assert "\x1b" not in log
    assert "red" in log
    assert "hostile [bold]text[/bold]" in log
    assert "first" in cli("list")[0]
    assert "first" in cli("status", "fir")[0]
    assert "no tuning jobs begin with 'other'; there are first" in cli("status", "other", code=1)[1]
    assert "leave out --name for a name that is free" in cli("run", "job.toml", "--name", "first", code=1)[1]
    exports = cli("emulator", "env")[0]
    assert re.match(r"export AWS_ENDPOINT_URL=http://127.0.0.1:\d+\n", exports)
    status = cli.json("emulator", "status")
    assert status["running"]
    stop = r"stop it with: \S*sm-tuning emulator stop\n"
    assert re.search(re.escape(f"emulator:  {status['url']}, state in {cli.folder / 'state'}; ") + stop, output)
    document = cli.json("run", "job.toml", "--name", "second")
    assert document["HyperParameterTuningJobStatus"] == "Completed"
    assert len(document["TrainingJobSummaries"]) == 3


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
