"""A pipeline with version 3 of the SageMaker Python SDK, as for AWS: data, tuning, a condition on the best model, its registration.

pip install 'sagemaker>=3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v3_pipeline.py
"""

from pathlib import Path

from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterFloat
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TuningStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
here = Path(__file__).parent / "pipeline"
session, role = PipelineSession(), get_execution_role()
bucket = session.default_bucket()
least = ParameterFloat(name="LeastAccuracy", default_value=0.8)

processor = ScriptProcessor(
    image_uri=IMAGE, role=role, instance_type="ml.m5.large", instance_count=1, command=["python3"], sagemaker_session=session
)
written = ProcessingS3Output(
    s3_uri=f"s3://{bucket}/digits-v3/train", local_path="/opt/ml/processing/train", s3_upload_mode="EndOfJob"
)
prepare = ProcessingStep(
    name="Prepare",
    step_args=processor.run(code=str(here / "prepare.py"), outputs=[ProcessingOutput(output_name="train", s3_output=written)]),
)
trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    training_image=IMAGE,
    source_code=SourceCode(source_dir=str(here), entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    base_job_name="digits-v3",
    hyperparameters={},
)
tuner = HyperparameterTuner(
    trainer,
    objective_metric_name="accuracy",
    hyperparameter_ranges={"alpha": ContinuousParameter(1e-6, 1e-1, scaling_type="Logarithmic")},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
    max_jobs=2,
    max_parallel_jobs=2,
)
data = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
tune = TuningStep(name="Tune", step_args=tuner.tune([InputData(channel_name="train", data_source=data)], wait=False))
model = tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="digits-v3")
builder = ModelBuilder(s3_model_data_url=model, image_uri=IMAGE, sagemaker_session=session, role_arn=role)
builder.build()
register = ModelStep(
    name="Register",
    step_args=builder.register(
        model_package_group_name="digits-v3",
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        approval_status="Approved",
    ),
)
too_bad = FailStep(name="TooBad", error_message=Join(on=" ", values=["No model reaches an accuracy of", least]))
best = tune.properties.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value
enough = ConditionGreaterThanOrEqualTo(left=best, right=least)
check = ConditionStep(name="Check", conditions=[enough], if_steps=[register], else_steps=[too_bad])

pipeline = Pipeline(name="DigitsV3", parameters=[least], steps=[prepare, tune, check], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
execution.wait(delay=2)
for step in reversed(execution.list_steps()):
    print("step", step["StepName"], step["StepStatus"], step["Metadata"])
