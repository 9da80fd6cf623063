"""A plan, which sends nothing."""

from tests.integration.sm_tuning.cli.conftest import TOML, Cli


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
    (problem,) = cli.json("plan", "job.toml", code=2)["problems"]
    assert (problem["argument"], problem["rule"]) == ("max_jobs", "model-type")
    assert "max_jobs is '3'; it must be a whole number" in cli("run", "job.toml", code=2)[1]
    cli.write(TOML.replace("max_jobs = 3", "max_jobs = 20000"))
    assert not cli.json("plan", "job.toml", code=2)["ok"]
    assert "max_jobs is 20000; for the strategy Random it must be at most 10000" in cli("plan", "job.toml", code=2)[0]
