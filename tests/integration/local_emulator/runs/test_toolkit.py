"""The lines around a script's output, beside those of AWS's own training toolkit."""

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.documents import parse
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.runs import toolkit
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Command, Mode, Run
from tests.conftest import ROOT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MS = 1767225600042
PYTHON = ROOT / ".venv-toolkit" / "bin" / "python"


def folder(path: Path, mode: Mode = Mode.SCRIPT) -> RunFolder:
    evidence = path / "runs" / "run"
    evidence.mkdir(parents=True)
    made = RunFolder(evidence)
    made.save_run(Run(id="run", folder=evidence, program=Command(argv=("/usr/bin/python3", "train.py", "--x", "1")), mode=mode))
    return made


def job(status: Status, reason: str | None = None) -> TrainingJob:
    return TrainingJob(
        name="job",
        arn=AwsScope(region="us-east-1", account="123456789012").training_arn("job"),
        region="us-east-1",
        request={},
        spec=parse.training({}),
        run="run",
        status=status,
        secondary=Secondary.STARTING,
        created=NOW,
        modified=NOW,
        failure_reason=reason,
    )


def test_a_script_is_invoked_and_its_success_reported(tmp_path: Path) -> None:
    script = folder(tmp_path)
    before = toolkit.invocation(script, None, MS)
    assert {ms for ms, _ in before} == {MS}
    assert [text for _, text in before] == [
        "2026-01-01 00:00:00,042 sagemaker-training-toolkit INFO     Invoking user script",
        "",
        "Invoking script with the following command:",
        "",
        "/usr/bin/python3 train.py --x 1",
        "",
        "",
    ]
    after = toolkit.report(job(Status.COMPLETED), script, None, MS)
    assert after == [(MS, "2026-01-01 00:00:00,042 sagemaker-training-toolkit INFO     Reporting training SUCCESS")]


def test_a_failure_is_reported_with_what_became_the_reason(tmp_path: Path) -> None:
    said = 'ExecuteUserScriptError:\nExitCode 3\nErrorMessage "ValueError: x"\nCommand "python train.py"'
    reason = f"AlgorithmError: {said}, exit code: 1"
    after = toolkit.report(job(Status.FAILED, reason), folder(tmp_path), None, MS)
    assert [text for _, text in after] == [
        "2026-01-01 00:00:00,042 sagemaker-training-toolkit ERROR    Reporting training FAILURE",
        "2026-01-01 00:00:00,042 sagemaker-training-toolkit ERROR    ExecuteUserScriptError:",
        "ExitCode 3",
        'ErrorMessage "ValueError: x"',
        'Command "python train.py"',
    ]


def test_nothing_is_said_of_other_programs_nor_of_scripts_that_were_stopped(tmp_path: Path) -> None:
    program = folder(tmp_path / "program", Mode.PROGRAM)
    assert toolkit.invocation(program, None, MS) == toolkit.report(job(Status.COMPLETED), program, None, MS) == ()
    script = folder(tmp_path / "script")
    assert toolkit.report(job(Status.STOPPED), script, None, MS) == ()
    assert toolkit.report(job(Status.FAILED, "InternalServerError: We encountered an internal error."), script, None, MS) == ()
    never = RunFolder(tmp_path / "never")
    assert toolkit.invocation(never, None, MS) == toolkit.report(replace(job(Status.COMPLETED)), never, None, MS) == ()


@pytest.mark.skipif(not PYTHON.exists(), reason="the training toolkit is not installed: make .venv-toolkit/.ready")
def test_the_lines_have_the_form_of_the_toolkits(tmp_path: Path) -> None:
    script = (
        "from sagemaker_training import logging_config as it\n"
        "import logging\n"
        "it.configure_logger(logging.INFO)\n"
        "it.get_logger().info('Reporting training SUCCESS')\n"
    )
    done = subprocess.run(
        [PYTHON, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}
    )
    (real,) = [line for line in (done.stdout + done.stderr).splitlines() if line.endswith("Reporting training SUCCESS")]
    ((_, ours),) = toolkit.report(job(Status.COMPLETED), folder(tmp_path), None, MS)
    digits = re.compile(r"\d")
    assert digits.sub("0", ours) == digits.sub("0", real)
