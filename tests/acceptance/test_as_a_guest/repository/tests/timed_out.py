"""A test whose time is over while its training job runs: pytest-timeout ends the process; it is not collected by itself."""

import os
import time
from pathlib import Path

import pytest_timeout
from shop import training


def test_timed_out(emulated_sagemaker, request):
    training.train("job", "import time; time.sleep(600)")
    while training.SAGEMAKER.describe_training_job(TrainingJobName="job")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    Path(os.environ["GUEST_RUNNING"]).touch()
    settings = pytest_timeout.Settings(timeout=0.2, method="thread", func_only=False, disable_debugger_detection=True)
    request.config.pluginmanager.hook.pytest_timeout_set_timer(
        item=request.node, settings=settings
    )  # however long it took so far
    time.sleep(600)
