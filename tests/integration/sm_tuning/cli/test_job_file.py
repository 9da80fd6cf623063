"""Job files, and what is wrong with them."""

from pathlib import Path

import pytest

from tests.integration.sm_tuning.cli.conftest import TOML, Cli

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
    assert done.exit_code == 2
    assert text in done.output
    assert isinstance(done.exception, SystemExit)
