"""Tune, deploy the best model, ask it, and clean up, with version 2 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker<3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v2_deploy.py
"""

from pathlib import Path

import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.serializers import JSONSerializer
from sagemaker.sklearn import SKLearn, SKLearnModel
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sklearn.datasets import load_digits

role = sagemaker.get_execution_role()
folder = str(Path(__file__).parent)
digits, labels = load_digits(return_X_y=True)
asked = digits[1400:1405] / 16

estimator = SKLearn(
    "digits.py", source_dir=folder, framework_version="1.2-1", role=role, instance_type="ml.m5.large", instance_count=1
)
tuner = HyperparameterTuner(
    estimator,
    "accuracy",
    {"alpha": ContinuousParameter(1e-5, 1e-1, scaling_type="Logarithmic")},
    [{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
    max_jobs=2,
    max_parallel_jobs=2,
    base_tuning_job_name="deployed-v2",
)
tuner.fit(wait=True)

predictor = tuner.deploy(initial_instance_count=1, instance_type="ml.m5.large")
print(f"\npredicted {predictor.predict(asked).tolist()} of {labels[1400:1405].tolist()}")
predictor.delete_model()
predictor.delete_endpoint()

model = SKLearnModel(tuner.best_estimator().model_data, role, "digits.py", source_dir=folder, framework_version="1.2-1")
predictor = model.deploy(
    1, "ml.m5.large", serializer=JSONSerializer(), deserializer=JSONDeserializer(), endpoint_name="digits-v2"
)
print(f"\nas JSON {predictor.predict(asked.tolist())}")
predictor.update_endpoint(initial_instance_count=2, instance_type="ml.m5.large")
print(f"\nupdated {predictor.predict(asked.tolist())}")
predictor.delete_model()
predictor.delete_endpoint()
