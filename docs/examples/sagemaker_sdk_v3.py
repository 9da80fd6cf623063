"""A training job and a tuning job with version 3 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker>=3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v3.py
"""

from pathlib import Path

from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

trainer = ModelTrainer(
    sagemaker_session=Session(),
    role=get_execution_role(),
    training_image="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
    source_code=SourceCode(source_dir=str(Path(__file__).parent), entry_script="sgd.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    base_job_name="digits",
    hyperparameters={"max-iter": 30, "alpha": 0.001, "penalty": "l2"},
)
trainer.train(wait=True, logs=True)

trainer.hyperparameters = {"max-iter": 30}
tuner = HyperparameterTuner(
    trainer,
    objective_metric_name="accuracy",
    hyperparameter_ranges={
        "alpha": ContinuousParameter(1e-6, 1e-1, scaling_type="Logarithmic"),
        "penalty": CategoricalParameter(["l2", "l1"]),
    },
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
    max_jobs=4,
    max_parallel_jobs=2,
    base_tuning_job_name="digits-v3",
)
tuner.tune(wait=True)

print(tuner.analytics().dataframe()[["TrainingJobName", "alpha", "penalty", "FinalObjectiveValue"]].to_string())
print(f"tuning job {tuner.describe().hyper_parameter_tuning_job_name}")
print(f"best {tuner.best_training_job()}")
