"""Diagnosis, export, and training on growing shares of the data."""

from tests.integration.sm_tuning.cli.conftest import TOML, Cli


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
    cli.write(line="print('\\n'.join(f'score={0.5 + float(value) + epoch / 100}' for epoch in range(8)))")
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
