"""Following a tuning job: what is told while it runs, and Ctrl-C."""

import csv
import json
import re
import signal
import tarfile

import pytest

from tests.integration.sm_tuning.cli.conftest import TOML, Cli

pytestmark = pytest.mark.slow(10)


def test_a_regex_that_matches_nothing_is_told_while_it_runs(cli: Cli) -> None:
    cli.write(line="for n in range(20): print(f'Score: {n}', flush=True)\ntime.sleep(2)")
    output, errors = cli("run", "job.toml", "--name", "silent", code=1)
    warning = r"^warning: score: the regex 'score=\(\[-\+0-9\.eE\]\+\)' has matched none of 2\d lines of the log of silent-00\d-"
    assert re.search(warning, errors, re.MULTILINE), errors
    assert "Score: 1" in errors
    end = " ".join(output.split())
    assert "failed: No objective metrics found after running 3 training jobs." in end
    assert re.search(
        r"score: the regex 'score=\S+' has matched none of 2\d lines of the log of silent-003-\w+; the nearest: Score: \d", end
    )


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
                process.send_signal(signal.SIGINT)
            rest += process.stderr.read()
            assert process.wait(timeout=30) == 130
        assert re.search(
            rf"{name} goes on. Follow it: \S*sm-tuning attach {name}\nStop it: \S*sm-tuning stop {name}, or press", rest
        )
        assert cli.json("status", name)["HyperParameterTuningJobStatus"].startswith(state)
    assert "is still InProgress" in cli("attach", "go-on", "--timeout", "0.1", code=4)[1]
    assert re.match("go-on: Stop", cli("stop", "go-on")[0])


def test_a_model_that_was_not_saved_is_not_offered(cli: Cli) -> None:
    cli.write(line="print('score=' + value)")
    shown = cli("run", "job.toml", "--name", "bare")[0], cli("best", "bare")[0]
    for output in shown:
        assert re.search(
            r"model: none: nothing is at s3://\S+/model.tar.gz, as its script left nothing in SM_MODEL_DIR\n", output
        )
        assert not re.search("fetch it|serve it", output)
    for words in (("best", "bare", "--download", "."), ("serve", "bare")):
        assert "its script left nothing in SM_MODEL_DIR" in cli(*words, code=1)[1]
    assert cli.json("best", "bare")["S3ModelArtifacts"] is None
    cli("report", "bare", "-o", "report.html")
    report = (cli.folder / "report.html").read_text()
    assert "No model of it was found in S3" in report
    assert not re.search('sm-tuning serve|s3://[^"]*model.tar.gz', report)


def test_best_model_is_downloaded_and_short_names_are_known(cli: Cli) -> None:
    cli.write(line="import pathlib; pathlib.Path('/opt/ml/model/weights').write_text(value); print('score=' + value)")
    output, _ = cli("run", "job.toml", "--name", "kept")
    assert re.search(r"fetch it:  \S*sm-tuning best kept --download \.\n", output)
    assert "serve it:" in cli("best", "kept")[0]
    best = cli.json("best", "kept", "--download", "models")
    name = best["TrainingJobName"]
    assert best["File"] == f"models/{name}.tar.gz"
    with tarfile.open(cli.folder / best["File"]) as archive:
        weights = archive.extractfile("weights")
        assert weights is not None
        assert f"score={weights.read().decode()}" in cli("logs", name)[0]
    assert f"file:  models/{name}.tar.gz" in cli("best", "kept", "--download", "models")[0]
    shown = next(line.split()[0] for line in cli("trainings", "kept")[0].splitlines() if " * " in line)
    assert name == f"kept-{shown}"
    assert cli("logs", shown)[1] == f"log of {name}\n"
    assert cli("best", shown)[1] == f"{name} is a training job of kept\n"
    assert cli.json("status", shown)["TrainingJobName"] == name
    assert shown in cli("status", shown)[0]
    assert cli("stop", shown)[0] == f"{name}: Completed\n", "it has ended"
    assert "there are kept" in cli("logs", "999-00000000", code=1)[1]


def test_a_log_that_is_followed_ends_quietly(cli: Cli) -> None:
    cli.write(line="print('score=' + value, flush=True); time.sleep(60)")
    cli("run", "job.toml", "--name", "followed", "--no-wait")
    with cli.start("logs", "-f", "followed") as process:
        assert process.stdout is not None
        while "score=" not in process.stdout.readline():
            assert process.poll() is None, process.stderr and process.stderr.read()
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert errors.splitlines()[1:] == [], "nothing has gone wrong"
    cli("stop", "followed")


def test_where_training_jobs_were_stopped_is_said_in_json_too(cli: Cli) -> None:
    hyperband = TOML.replace('{ name = "Random", seed = 1 }', '{ name = "Hyperband", max_resource = 1 }')
    cli.write(hyperband, line="print('score=' + value, flush=True); time.sleep(600)")
    ended = cli.json("run", "job.toml", "--name", "stopped")
    rows = cli.json("trainings", "stopped")
    assert [row["StoppedAt"] for row in rows] == [row["StoppedAt"] for row in ended["TrainingJobSummaries"]]
    assert {row["StoppedAt"] for row in rows} == {"MaxResource"}
    for words in (("best", "stopped"), ("status", rows[0]["TrainingJobName"])):
        assert cli.json(*words)["StoppedAt"] == "MaxResource"
    assert cli("trainings", "stopped")[0].count("MaxResource") == len(rows)
    for file in ("rows.csv", "rows.json"):
        cli("export", "stopped", "-o", file)
    with (cli.folder / "rows.csv").open() as table:
        assert [row["StoppedAt"] for row in csv.DictReader(table)] == ["MaxResource"] * len(rows)
    assert [row["StoppedAt"] for row in json.loads((cli.folder / "rows.json").read_text())] == ["MaxResource"] * len(rows)


def test_a_better_training_job_of_a_parent_is_named_where_the_best_is_shown(cli: Cli) -> None:
    cli.write()
    cli("run", "job.toml", "--name", "early")
    best = cli.json("best", "early")["TrainingJobName"]
    warm = TOML.replace("max_jobs = 3", 'max_jobs = 2\nwarm_start = { parents = ["early"], type = "IdenticalDataAndAlgorithm" }')
    cli.write(warm.replace('"Random"', '"Bayesian"'), line="print('score=-' + value)")
    shown = [cli("run", "job.toml", "--name", "late")[0]]
    shown += [cli(command, "late")[0] for command in ("attach", "best", "diagnose")]
    assert all(re.search(rf"^better still: score \S+ by {best} of a parent$", output, re.MULTILINE) for output in shown)
    cli("report", "late", "-o", "late.html")
    assert f"by {best} of a parent.</strong>" in (cli.folder / "late.html").read_text()
    assert "better still" not in cli("diagnose", "early", "late")[0]
