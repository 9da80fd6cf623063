"""Train, deploy and ask a model with version 3 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker>=3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v3_deploy.py
"""

from pathlib import Path

from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import TrainingJob
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
from sklearn.datasets import load_digits

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
role, folder = get_execution_role(), str(Path(__file__).parent)
digits, labels = load_digits(return_X_y=True)
asked = "\n".join(",".join(map(str, row)) for row in digits[1400:1405] / 16)

trainer = ModelTrainer(
    sagemaker_session=Session(),
    role=role,
    training_image=IMAGE,
    source_code=SourceCode(source_dir=folder, entry_script="digits.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    base_job_name="deployed-v3",
)
trainer.train(wait=True, logs=False)
job = TrainingJob.get(next(TrainingJob.get_all(name_contains="deployed-v3")).training_job_name)

builder = ModelBuilder(
    s3_model_data_url=job.model_artifacts.s3_model_artifacts,
    source_code=SourceCode(source_dir=folder, entry_script="digits.py"),
    image_uri=IMAGE,
    role_arn=role,
    instance_type="ml.m5.large",
)
model = builder.build(model_name="digits-v3")
endpoint = builder.deploy(endpoint_name="digits-v3")
answer = endpoint.invoke(body=asked, content_type="text/csv", accept="application/json")
print(f"predicted {answer.body.read().decode()} of {labels[1400:1405].tolist()}")
endpoint.delete()
model.delete()
