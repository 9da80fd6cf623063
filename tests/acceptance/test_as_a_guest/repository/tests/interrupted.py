"""A test that is interrupted while its training job runs; it is not collected by itself."""

import os
import time
from pathlib import Path

from shop import training


def test_interrupted(emulated_sagemaker):
    training.train("job", "import time; time.sleep(600)")
    while training.SAGEMAKER.describe_training_job(TrainingJobName="job")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    Path(os.environ["GUEST_RUNNING"]).touch()
    time.sleep(600)
