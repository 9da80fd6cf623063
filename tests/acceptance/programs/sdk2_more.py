"""What users of the SageMaker SDK 2 do beside one tuning job: training with logs, several definitions, warm starts, stopping."""

import tarfile
import tempfile
import time
from pathlib import Path

import sagemaker
from sagemaker.amazon.common import read_recordio
from sagemaker.inputs import ShuffleConfig, TrainingInput
from sagemaker.pytorch import PyTorch
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn
from sagemaker.tuner import (
    ContinuousParameter,
    HyperparameterTuner,
    create_identical_dataset_and_algorithm_tuner,
    create_transfer_learning_tuner,
)
from sagemaker.xgboost import XGBoost

here = Path(__file__).parent
session = sagemaker.Session()
common = {
    "role": sagemaker.get_execution_role(),
    "instance_type": "ml.m5.large",
    "instance_count": 1,
    "sagemaker_session": session,
    "source_dir": str(here / "scripts"),
}
metrics = [{"Name": "score", "Regex": "score=([-0-9.e]+)"}]
tuned = {
    "objective_metric_name": "score",
    "hyperparameter_ranges": {"at": ContinuousParameter(0, 1)},
    "metric_definitions": metrics,
    "max_jobs": 4,
    "max_parallel_jobs": 2,
}

# A training job, its logs streamed.
torch = PyTorch(entry_point="score.py", framework_version="2.3", py_version="py311", hyperparameters={"at": 0.5}, **common)
torch.fit(wait=True, logs="All")
print("torch", torch.latest_training_job.name, torch.model_data)

# AWS's XGBoost image in script mode.
boost = XGBoost(entry_point="score.py", framework_version="1.7-1", hyperparameters={"at": 0.25}, **common)
boost.fit(wait=True, logs=False)
print("boost", boost.latest_training_job.describe()["TrainingJobStatus"])

# A shell script.
shell = SKLearn(entry_point="score.sh", framework_version="1.2-1", hyperparameters={"at": 0.75}, **common)
shell.fit(wait=True, logs="All")
print("shell", shell.latest_training_job.describe()["TrainingJobStatus"])

# Objects as records in a FIFO, in another order in each epoch; the SDK's reader finds them again.
for text in ("one", "second", "3"):
    session.upload_string_as_file_body(text, session.default_bucket(), f"piped/{text}")
channel = TrainingInput(
    f"s3://{session.default_bucket()}/piped/",
    input_mode="Pipe",
    record_wrapping="RecordIO",
    shuffle_config=ShuffleConfig(3),
)
piped = SKLearn(entry_point="pipe.py", framework_version="1.2-1", **common)
piped.fit({"train": channel}, wait=True, logs=False)
with tempfile.TemporaryDirectory() as folder:
    S3Downloader.download(piped.model_data, folder, sagemaker_session=session)
    with tarfile.open(f"{folder}/model.tar.gz") as model:
        epochs = [sorted(read_recordio(model.extractfile(f"train_{epoch}"))) for epoch in range(2)]
print("piped", epochs)

# Two training job definitions in one tuning job.
sklearn = SKLearn(entry_point="score.py", framework_version="1.2-1", **common)
both = HyperparameterTuner.create(
    estimator_dict={"torch": torch, "sklearn": sklearn},
    objective_metric_name_dict={"torch": "score", "sklearn": "score"},
    hyperparameter_ranges_dict={"torch": {"at": ContinuousParameter(0, 1)}, "sklearn": {"at": ContinuousParameter(0, 1)}},
    metric_definitions_dict={"torch": metrics, "sklearn": metrics},
    max_jobs=6,
    max_parallel_jobs=2,
    base_tuning_job_name="both",
)
both.fit(inputs={}, include_cls_metadata={})
both.wait()
frames = both.analytics().dataframe()
print("both", sorted(set(frames["TrainingJobDefinitionName"])), len(frames), both.best_training_job())

# Warm starts.
parent = HyperparameterTuner(sklearn, base_tuning_job_name="parent", **tuned)
parent.fit(wait=True)
same = create_identical_dataset_and_algorithm_tuner(parent.latest_tuning_job.name, sagemaker_session=session)
same.metric_definitions = metrics  # the SDK forgets them, and AWS refuses a tuning job without
same.fit(job_name="identical-child", wait=True)
print("identical", same.describe()["WarmStartConfig"]["WarmStartType"], same.describe()["HyperParameterTuningJobStatus"])
other = create_transfer_learning_tuner(parent.latest_tuning_job.name, estimator=sklearn, sagemaker_session=session)
other.metric_definitions = metrics
other.fit(job_name="transfer-child", wait=True)
print("transfer", other.describe()["WarmStartConfig"]["WarmStartType"], other.describe()["HyperParameterTuningJobStatus"])

# Stopping.
slow = SKLearn(entry_point="score.py", framework_version="1.2-1", hyperparameters={"seconds": 600}, **common)
endless = HyperparameterTuner(slow, base_tuning_job_name="endless", **tuned)
endless.fit(wait=False)
while not endless.describe()["TrainingJobStatusCounters"]["InProgress"]:
    time.sleep(0.2)
endless.stop_tuning_job()
endless.wait()
print("endless", endless.describe()["HyperParameterTuningJobStatus"])
