"""What a plan says of a tuning job."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Auto, Categorical, Channel, Continuous, Grid, Integer, Scaling, Script, TuningJob, batch_size, learning_rate
from sm_tuning.cli.plan import cost_line, document, points, samples, show_plan, verdict
from sm_tuning.spec.parameters import Range
from tests.unit.sm_tuning.descriptions import SEVERAL, Make


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Continuous("x", 0, 1), ["0", "0.25", "0.5", "0.75", "1"]),
        (learning_rate(), ["0.0001", "0.000562", "0.00316", "0.0178", "0.1"]),
        (Continuous("x", 1e-4, 1e-1), ["0.0001", "0.000562", "0.00316", "0.0178", "0.1"]),
        (Continuous("x", 0.9, 0.999, Scaling.REVERSE_LOGARITHMIC), ["0.9", "0.968", "0.99", "0.997", "0.999"]),
        (Integer("x", 1, 4), ["1", "2", "3", "4"]),
        (Categorical("x", ["a", "b"]), ["a", "b"]),
        (Auto("x", 3), ["chosen by AWS around 3"]),
    ],
)
def test_samples_are_spread_as_the_scaling_spreads_them(parameter: Range, values: list[str]) -> None:
    assert list(samples(parameter)) == values


def test_the_page_s_job_of_several_definitions_is_shown_with_all_hyperparameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.toml"
    file.write_text(re.findall(r"```toml\n(.*?)```", Path("docs/cli.md").read_text(encoding="utf-8"), re.DOTALL)[1])
    several = TuningJob.from_toml(file, role="arn:aws:iam::123456789012:role/R", output="s3://b")
    show_plan(several, document(several, several.dry_run(), {}))
    _, _, shown = capsys.readouterr().out.partition("points such as the strategy might try (examples, not what will run):\n")
    title, *rows = shown.splitlines()[:4]
    assert title.split() == ["definition", "trees", "learning_rate", "batch_size"]
    assert [row.split()[0] for row in rows] == ["forest", "network", "forest"]
    assert [len(row.split()) for row in rows] == [2, 3, 2]


def test_points_of_several_definitions_name_theirs(job: Make) -> None:
    assert [point["definition"] for point in points(job(**SEVERAL))] == ["a", "b", "a"]
    assert "definition" not in points(job())[0]


def test_the_document_is_json_and_says_what_prevents_a_launch(job: Make) -> None:
    plan: dict[str, Any] = json.loads(json.dumps(document(job(), job().dry_run(), {"ml.m5.large": 0.1})))
    assert (plan["ok"], plan["trainingJobs"], plan["worstCaseInstanceHours"], plan["worstCaseCost"]) == (True, 2, 2.0, 0.2)
    assert plan["request"]["HyperParameterTuningJobName"] == "good"
    wrong = job(max_jobs=0)
    (problem,) = document(wrong, wrong.dry_run(), {})["problems"]
    assert (problem["rule"], problem["argument"], problem["value"]) == ("model-min", "max_jobs", "0")


def test_problems_are_told_first_and_counted_last(job: Make, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = job(max_jobs=0, max_parallel=2, channels=[Channel("train", "no/such/folder")])
    show_plan(wrong, document(wrong, wrong.dry_run(), {}))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == ["problem:", "problem:", "good:"]
    assert lines[-1] == "it cannot be launched: 2 problems and 1 warning"


@pytest.mark.parametrize(
    ("warnings", "sentence"),
    [
        ([], "no rule is broken"),
        (["a"], "no rule is broken, but there is 1 warning"),
        (["a", "b"], "no rule is broken, but there are 2 warnings"),
    ],
)
def test_a_plan_with_warnings_does_not_end_as_one_without(warnings: list[str], sentence: str) -> None:
    assert verdict({"problems": [], "warnings": warnings}) == sentence


def test_a_plan_says_what_pip_will_install(job: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.py").touch()
    (tmp_path / "requirements.txt").write_text("boto3\nno-such-package[more]==1\n./wheel.whl\n")
    planned = job(script=Script("train.py", source=str(tmp_path)))
    plan = document(planned, planned.dry_run(), {})
    (asked,) = plan["requirements"]
    assert (asked["missing"], asked["leftToPip"]) == (["no-such-package[more]==1"], ["./wheel.whl"])
    show_plan(planned, plan)
    lines = capsys.readouterr().out.splitlines()
    file = tmp_path / "requirements.txt"
    assert f"{file}: not in this Python, so pip installs before the script: no-such-package[more]==1" in lines
    assert any(line.startswith(f"{file}: in this Python already: boto3 (1") for line in lines)
    assert document(job(), job().dry_run(), {})["requirements"] == []


def test_the_worst_case_in_a_line(job: Make) -> None:
    assert cost_line(job(), {}) == "worst case: 2.0 instance-hours of ml.m5.large"
    assert cost_line(job(), {"ml.m5.large": 0.1}) == "worst case: 2.0 instance-hours of ml.m5.large, $0.20"
    grid = job(strategy=Grid(), max_jobs=None, ranges=[batch_size()])
    assert cost_line(grid, {}) == "worst case: 5.0 instance-hours of ml.m5.large"
    assert cost_line(job(max_jobs=None, autotune=True), {}).startswith("worst case: unbounded; give max_jobs")


def test_a_plan_says_that_a_package_is_installed(job: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("train.py", "setup.py"):
        (tmp_path / name).touch()
    planned = job(script=Script("train.py", source=str(tmp_path)))
    shown = document(planned, planned.dry_run(), {})
    file = str(tmp_path / "setup.py")
    assert shown["requirements"] == [{"file": file, "installed": [], "missing": [], "leftToPip": ["."]}]
    show_plan(planned, shown)
    sentence = f"{file}: pip installs its folder, with what it requires, and the script is started as a module (python -m)\n"
    assert sentence in capsys.readouterr().out
