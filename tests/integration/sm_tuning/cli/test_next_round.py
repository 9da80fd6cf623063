"""`sm-tuning next`: the file that it writes is read, checked and launched, and learns from the tuning job that ran."""

import tomllib

from tests.integration.sm_tuning.cli.conftest import TOML, Cli

LINES = "print('\\n'.join(f'score={float(value) + epoch / 1000}' for epoch in range(8)))"


def test_from_one_round_to_the_next(cli: Cli) -> None:
    cli.write(TOML + '[tags]\nteam = "ml"\n[[channels]]\nname = "train"\nsource = "job.toml"\ncontent_type = "text/csv"\n', LINES)
    first = cli.json("run", "job.toml", "--name", "first")
    assert "next.toml: the round after first" in cli("next", "first", "-o", "next.toml")[0]
    text = (cli.folder / "next.toml").read_text()
    written = tomllib.loads(text)
    assert (written["name"], written["strategy"], written["max_jobs"]) == ("first-2", {"name": "Random", "seed": 2}, 3)
    assert (written["warm_start"]["parents"], written["tags"]) == (["first"], {"team": "ml"})
    assert "# the seed was 1: with the same one the same points would be drawn again" in text
    assert "# the emulator's; AWS needs one of your account" in text
    assert cli.json("plan", "next.toml")["ok"]
    second = cli.json("run", "next.toml", "--name", "second")
    assert second["HyperParameterTuningJobStatus"] == "Completed"
    points = [[row["TunedHyperParameters"] for row in job["TrainingJobSummaries"]] for job in (first, second)]
    assert not [point for point in points[1] if point in points[0]]
    cli.json("run", "next.toml", "--name", "first-2-1126-010203-abcd")
    assert [cli.json("next", job)["name"] for job in ("first", "second")] == ["first-3", "second-2"], "the next that is free"
    third = tomllib.loads(cli.json("next", "second", "--name", "third")["toml"])
    assert (third["name"], third["warm_start"]["parents"]) == ("third", ["first", "second"])
    assert third["strategy"]["seed"] == 3


def test_what_has_no_next_round_is_refused(cli: Cli) -> None:
    cli.write(pause=30)
    cli("run", "job.toml", "--name", "running", "--no-wait")
    assert "learns from a tuning job that has ended" in cli("next", "running", code=2)[1]
    cli("stop", "running")
    cli.write(
        'name = "several"\nstrategy = "Random"\nmax_jobs = 2\n'
        + "".join(
            f'[[definitions]]\nname = "{name}"\nscript = "train.py"\n'
            'objective = { metric = "score", goal = "Maximize", regex = "score=([-+0-9.eE]+)" }\n'
            "ranges = { learning_rate = {} }\n"
            for name in "ab"
        )
    )
    cli("run", "job.toml", "--name", "several")
    assert "several has several definitions; only a tuning job with one can be written again" in cli("next", "several", code=2)[1]
