"""What users of the SageMaker SDK 3 do beside one tuning job: requirements, commands, stopping, and sagemaker-core's resources."""

import time
from pathlib import Path

from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.resources import HyperParameterTuningJob, TrainingJob
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    ContinuousParameterRange,
    HyperParameterAlgorithmSpecification,
    HyperParameterTrainingJobDefinition,
    HyperParameterTuningJobConfig,
    HyperParameterTuningJobObjective,
    MetricDefinition,
    OutputDataConfig,
    ParameterRanges,
    ResourceConfig,
    ResourceLimits,
    StoppingCondition,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

here = Path(__file__).parent
image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311"
session = Session()
role = get_execution_role()
bucket = session.default_bucket()
compute = Compute(instance_type="ml.m5.large", instance_count=1)


def trainer(**changes: object) -> ModelTrainer:
    source = changes.pop("source", SourceCode(source_dir=str(here / "scripts"), entry_script="score.py"))
    return ModelTrainer(
        sagemaker_session=session, role=role, training_image=image, source_code=source, compute=compute, **changes
    )


# A script that needs a package, which the driver installs.
needy = SourceCode(source_dir=str(here / "scripts"), entry_script="needy.py", requirements="requirements.txt")
failing = trainer(source=needy, base_job_name="needy")
failing.train(wait=True, logs=True)
print("needy", failing._latest_training_job.refresh().training_job_status)

# A command in place of a script.
by_command = SourceCode(source_dir=str(here / "scripts"), command="python score.py --at 0.3 && echo done-by-command")
failing = trainer(source=by_command, base_job_name="command")
failing.train(wait=True, logs=True)
print("command", failing._latest_training_job.refresh().training_job_status)

# A script that fails.
failing = trainer(base_job_name="failing", hyperparameters={"at": "nonsense"})
try:
    failing.train(wait=True, logs=True)
except Exception as error:  # noqa: BLE001 - whichever the SDK raises
    print("failing", type(error).__name__, failing._latest_training_job.refresh().training_job_status)

# Stopping.
tuner = HyperparameterTuner(
    trainer(hyperparameters={"seconds": 600}),
    objective_metric_name="score",
    hyperparameter_ranges={"at": ContinuousParameter(0.0, 1.0)},
    metric_definitions=[{"Name": "score", "Regex": "score=([-0-9.e]+)"}],
    max_jobs=4,
    max_parallel_jobs=2,
    base_tuning_job_name="endless-3",
)
tuner.tune(wait=False)
while not tuner.describe().training_job_status_counters.in_progress:
    time.sleep(0.2)
tuner.stop_tuning_job()
tuner.wait()
print("endless", tuner.describe().hyper_parameter_tuning_job_status)

# sagemaker-core's resources.
common = {
    "role_arn": role,
    "output_data_config": OutputDataConfig(s3_output_path=f"s3://{bucket}/core"),
    "resource_config": ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
    "stopping_condition": StoppingCondition(max_runtime_in_seconds=600),
}
source = tuner.model_trainer.hyperparameters["sagemaker_submit_directory"]
script = {"sagemaker_program": "score.py", "sagemaker_submit_directory": source}
metrics = [MetricDefinition(name="score", regex="score=([-0-9.e]+)")]
training = TrainingJob.create(
    training_job_name="core-training",
    algorithm_specification=AlgorithmSpecification(training_image=image, training_input_mode="File", metric_definitions=metrics),
    hyper_parameters={**script, "at": "0.25"},
    **common,
)
training.wait(logs=True)
(final,) = TrainingJob.get(training_job_name="core-training").final_metric_data_list
print("core training", training.training_job_status, round(final.value, 4))
tuning = HyperParameterTuningJob.create(
    hyper_parameter_tuning_job_name="core-tuning",
    hyper_parameter_tuning_job_config=HyperParameterTuningJobConfig(
        strategy="Random",
        random_seed=1,
        hyper_parameter_tuning_job_objective=HyperParameterTuningJobObjective(type="Maximize", metric_name="score"),
        resource_limits=ResourceLimits(max_number_of_training_jobs=4, max_parallel_training_jobs=2),
        parameter_ranges=ParameterRanges(
            continuous_parameter_ranges=[ContinuousParameterRange(name="at", min_value="0", max_value="1")]
        ),
    ),
    training_job_definition=HyperParameterTrainingJobDefinition(
        algorithm_specification=HyperParameterAlgorithmSpecification(
            training_image=image, training_input_mode="File", metric_definitions=metrics
        ),
        static_hyper_parameters=script,
        **common,
    ),
)
tuning.wait()
children = list(tuning.get_all_training_jobs())
print("core tuning", tuning.hyper_parameter_tuning_job_status, len(children))
print("core best", tuning.best_training_job.training_job_name in {child.training_job_name for child in children})
print("core listed", [job.hyper_parameter_tuning_job_name for job in HyperParameterTuningJob.get_all(name_contains="core-")])
tuning.delete()
print("core left", [job.hyper_parameter_tuning_job_name for job in HyperParameterTuningJob.get_all(name_contains="core-")])
