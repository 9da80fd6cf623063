"""AWS's built-in LightGBM, tuned and deployed with version 2 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker<3'; pip install 'sm-tuning[boosting]' where the emulator is
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v2_boosting.py
"""

import io
import json

import boto3
import numpy as np
import sagemaker
from sagemaker import hyperparameters, image_uris, model_uris, script_uris
from sagemaker.estimator import Estimator
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter
from sklearn.datasets import load_breast_cancer

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
model = {"model_id": "lightgbm-classification-model", "model_version": "*"}

inputs, labels = load_breast_cancer(return_X_y=True)
for name, rows in {"train": slice(0, 350), "validation": slice(350, 450)}.items():
    text = io.StringIO()
    np.savetxt(text, np.column_stack([labels[rows], inputs[rows]]), delimiter=",", fmt="%.8g")
    session.upload_string_as_file_body(text.getvalue(), bucket, f"boosting/{name}/data.csv")

estimator = Estimator(
    image_uri=image_uris.retrieve(None, None, image_scope="training", instance_type="ml.m5.xlarge", **model),
    source_dir=script_uris.retrieve(script_scope="training", **model),
    model_uri=model_uris.retrieve(model_scope="training", **model),
    entry_point="transfer_learning.py",
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=1,
    hyperparameters={**hyperparameters.retrieve_default(**model), "num_threads": "1"},
    output_path=f"s3://{bucket}/boosting/output",
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    estimator,
    "binary_logloss",
    {"learning_rate": ContinuousParameter(0.1, 0.3), "num_boost_round": IntegerParameter(20, 60)},
    [{"Name": "binary_logloss", "Regex": r"binary_logloss: ([0-9\.]+)"}],
    objective_type="Minimize",
    max_jobs=2,
    max_parallel_jobs=2,
)
tuner.fit({"training": f"s3://{bucket}/boosting"})
print("\nbest", tuner.best_training_job())

predictor = tuner.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    image_uri=image_uris.retrieve(None, None, image_scope="inference", instance_type="ml.m5.large", **model),
    source_dir=script_uris.retrieve(script_scope="inference", **model),
    entry_point="inference.py",
)
held, held_labels = inputs[450:], labels[450:]
text = io.StringIO()
np.savetxt(text, held, delimiter=",", fmt="%.8g")
answer = boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName=predictor.endpoint_name, ContentType="text/csv", Body=text.getvalue()
)
chances = np.array(json.loads(answer["Body"].read())["probabilities"])
print("\naccuracy", (chances.argmax(axis=1) == held_labels).mean())
predictor.delete_model()
predictor.delete_endpoint()
