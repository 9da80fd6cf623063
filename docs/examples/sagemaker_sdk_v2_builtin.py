"""AWS's built-in XGBoost and linear learner, tuned with version 2 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker<3' scikit-learn
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v2_builtin.py
"""

import io

import numpy as np
import sagemaker
from sagemaker import LinearLearner, image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()

inputs, labels = load_breast_cancer(return_X_y=True)
seen, held, seen_labels, held_labels = train_test_split(inputs, labels, test_size=0.3, random_state=0)
for name, table in {"train": (seen_labels, seen), "validation": (held_labels, held)}.items():
    text = io.StringIO()
    np.savetxt(text, np.column_stack(table), delimiter=",", fmt="%.8g")
    session.upload_string_as_file_body(text.getvalue(), bucket, f"cancer/{name}/part.csv")

xgboost = Estimator(
    image_uri=image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_type="ml.m5.large",
    instance_count=1,
    output_path=f"s3://{bucket}/cancer/output",
    hyperparameters={"objective": "binary:logistic", "num_round": 20},
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    xgboost,
    objective_metric_name="validation:auc",
    hyperparameter_ranges={
        "eta": ContinuousParameter(0.05, 0.5, scaling_type="Logarithmic"),
        "max_depth": IntegerParameter(2, 8),
        "alpha": ContinuousParameter(0, 2),
    },
    max_jobs=4,
    max_parallel_jobs=2,
    base_tuning_job_name="cancer-xgb",
)
tuner.fit({name: TrainingInput(f"s3://{bucket}/cancer/{name}/", content_type="text/csv") for name in ("train", "validation")})
print(tuner.analytics().dataframe()[["TrainingJobName", "eta", "max_depth", "FinalObjectiveValue"]].to_string())
print(f"xgboost {tuner.latest_tuning_job.name} {tuner.best_training_job()}")

linear = LinearLearner(
    role=role,
    instance_type="ml.m5.large",
    instance_count=1,
    predictor_type="binary_classifier",
    epochs=10,
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    linear,
    objective_metric_name="validation:binary_classification_accuracy",
    hyperparameter_ranges={
        "learning_rate": ContinuousParameter(1e-3, 0.3, scaling_type="Logarithmic"),
        "wd": ContinuousParameter(1e-6, 1e-1, scaling_type="Logarithmic"),
    },
    max_jobs=4,
    max_parallel_jobs=2,
    base_tuning_job_name="cancer-linear",
)
sets = {"train": (seen, seen_labels), "validation": (held, held_labels)}
records = [
    linear.record_set(features.astype("float32"), labels.astype("float32"), channel=name)
    for name, (features, labels) in sets.items()
]
tuner.fit(records, mini_batch_size=100)
print(f"linear {tuner.latest_tuning_job.name} {tuner.best_training_job()}")
