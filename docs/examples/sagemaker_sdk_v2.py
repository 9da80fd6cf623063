"""A tuning job with version 2 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker<3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v2.py
"""

from pathlib import Path

import sagemaker
from sagemaker.sklearn import SKLearn
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner

session = sagemaker.Session()
role = sagemaker.get_execution_role()
print(f"role {role}, bucket {session.default_bucket()}")

estimator = SKLearn(
    entry_point="sgd.py",
    source_dir=str(Path(__file__).parent),
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    instance_count=1,
    hyperparameters={"max-iter": 30},
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    estimator,
    objective_metric_name="accuracy",
    hyperparameter_ranges={
        "alpha": ContinuousParameter(1e-6, 1e-1, scaling_type="Logarithmic"),
        "penalty": CategoricalParameter(["l2", "l1"]),
    },
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
    max_jobs=4,
    max_parallel_jobs=2,
    base_tuning_job_name="digits-v2",
)
tuner.fit(wait=True)

print(tuner.analytics().dataframe()[["TrainingJobName", "alpha", "penalty", "FinalObjectiveValue"]].to_string())
print(f"tuning job {tuner.latest_tuning_job.name}")
print(f"best {tuner.best_training_job()}")
attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name)
print(f"model {attached.best_estimator().model_data}")
