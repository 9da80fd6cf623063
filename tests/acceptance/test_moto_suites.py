"""moto's own tests, as its source distribution has them, against this emulator's endpoint: beside moto nothing is lost.

Every twelfth of them, over all of their files; `make moto` runs all.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.sdk import PROGRAMS
from tests.conftest import ROOT, Server

ENVIRONMENT = ROOT / ".venv-moto"
SERVICES = ("s3", "iam", "sts", "logs", "cloudwatch", "sagemaker")
EVERY = "1" if os.environ.get("MOTO") == "all" else "12"
LEFT_OUT = {
    "tests/test_sagemaker/test_sagemaker_training.py": "requests that AWS refuses, and job results that moto invents",
    "tests/test_sagemaker/test_sagemaker_hyper_parameter_tuning_job.py": "see above",
    "tests/test_sagemaker/test_sagemaker_pipeline.py": "definitions that are none, and executions that moto invents",
    "tests/test_sagemaker/test_sagemaker_model_packages.py": "two packages of one name, and digests that are none",
    "tests/test_sagemaker/test_sagemaker_model_package_groups.py": "more tags than AWS takes, and the order of no list",
    "tests/test_sagemaker/test_sagemaker_models.py": "models without data, and roles that AWS refuses",
    "tests/test_sagemaker/test_sagemaker_endpoint.py": "endpoints of such models",
    "tests/test_sagemaker/test_sagemaker_cloudformation.py": "models without data in stacks, and what moto alone makes of the rest",
    "tests/test_sagemaker/test_sagemaker_processing.py": "roles that AWS refuses, and jobs that moto invents",
    "tests/test_sagemaker/test_sagemaker_transform.py": "paths that AWS refuses, and jobs that moto invents",
    "tests/test_sagemaker/test_sagemaker_search.py": "names that AWS refuses, in all but three",
    "tests/test_s3/test_s3_lambda_integration.py": "Lambda functions in containers",
    "tests/test_logs/test_integration.py": "Lambda functions in containers, and minutes of waiting for them",
    "tests/test_s3/test_server.py": "starts moto's own server, and asks it across origins",
}
# Each starts moto's own server, or needs a name server for names below localhost.
LEFT_OUT_ALONE = {
    "tests/test_sagemaker/test_sagemaker_integration.py::test_tag_and_untag_resources_sagemaker": "a role that AWS refuses",
    "tests/test_s3/test_s3.py::test_upload_data_without_content_type": "asks moto's own server",
    "tests/test_sagemaker/test_sagemaker_experiment.py::test_create_experiment": "an ARN with capitals",
    "tests/test_sagemaker/test_sagemaker_trial.py::test_list_trial_tags": "more tags than AWS takes",
    "tests/test_sagemaker/test_sagemaker_trial_component.py::test_list_trial_component_tags": "more tags than AWS takes",
    "tests/test_sagemaker/test_sagemaker_trial_component.py::test_create_trial_component": "Sources of what has none",
    "tests/test_sagemaker/test_sagemaker_trial_component.py::test_disassociate_trial_component": "of a trial that is not there",
    "tests/test_sagemaker/test_sagemaker_trial_component.py::"
    "test_update_trial_component_should_return_an_error_if_trial_component_not_found": "an error that AWS's model does not name",
    "tests/test_cloudwatch/test_cloudwatch.py::test_get_metric_data_partially_within_timeframe": "a label with the statistic",
    "tests/test_s3/test_s3_list_object_versions.py::test_list_object_versions_is_latest_flag_is_correct_when_response_is_paginated": (
        "half a minute for a thousand versions"
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (ENVIRONMENT / ".ready").exists():
        pytest.skip("moto's suites are not there: make .venv-moto/.ready")
    running = Server(state=tmp_path_factory.mktemp("moto") / "state", arguments=("--pretend",))
    try:
        yield running.start()
    finally:
        running.end()


@pytest.mark.slow(60)
def test_suites_of_motos_pass(server: Server, tmp_path: Path) -> None:
    left_out = [*(f"--ignore={path}" for path in LEFT_OUT), *(f"--deselect={test}" for test in LEFT_OUT_ALONE)]
    options = ["-q", "--color=no", "--tb=short", "-p", "no:cacheprovider", "-p", "rare_gc", "-p", "one_loader", "-p", "every"]
    command = [str(ENVIRONMENT / "bin" / "python"), "-m", "pytest", *options, *left_out]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))}
    done = subprocess.run(
        [*command, *(f"tests/test_{service}" for service in SERVICES)],
        cwd=ENVIRONMENT / "suites",
        env={
            **clean,
            "TEST_SERVER_MODE": "true",
            "TEST_SERVER_MODE_ENDPOINT": server.url,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(PROGRAMS),
            "EVERY": EVERY,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 1100 // int(EVERY), done.stdout[-1000:]
