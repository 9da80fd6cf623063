"""A pipeline with version 2 of the SageMaker Python SDK, as for AWS: data, tuning, a condition on the best model, its registration.

pip install 'sagemaker<3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v2_pipeline.py
"""

from pathlib import Path

import sagemaker
from botocore.exceptions import WaiterError
from sagemaker.inputs import TrainingInput
from sagemaker.processing import ProcessingOutput
from sagemaker.sklearn import SKLearn, SKLearnModel
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TuningStep

here = Path(__file__).parent / "pipeline"
session = PipelineSession()
role = sagemaker.get_execution_role()
least = ParameterFloat(name="LeastAccuracy", default_value=0.8)
cached = CacheConfig(enable_caching=True, expire_after="PT1H")

processor = SKLearnProcessor(
    framework_version="1.2-1", role=role, instance_type="ml.m5.large", instance_count=1, sagemaker_session=session
)
prepare = ProcessingStep(
    "Prepare",
    step_args=processor.run(
        code=str(here / "prepare.py"), outputs=[ProcessingOutput(output_name="train", source="/opt/ml/processing/train")]
    ),
    cache_config=cached,
)
estimator = SKLearn(
    entry_point="train.py",
    source_dir=str(here),
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    estimator,
    objective_metric_name="accuracy",
    hyperparameter_ranges={"alpha": ContinuousParameter(1e-6, 1e-1, scaling_type="Logarithmic")},
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+);"}],
    max_jobs=2,
    max_parallel_jobs=2,
)
data = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
tune = TuningStep("Tune", step_args=tuner.fit({"train": TrainingInput(data)}), cache_config=cached)
model = SKLearnModel(
    model_data=tune.get_top_model_s3_uri(top_k=0, s3_bucket=session.default_bucket()),
    role=role,
    entry_point="train.py",
    source_dir=str(here),
    framework_version="1.2-1",
    sagemaker_session=session,
)
register = ModelStep(
    "Digits",
    step_args=model.register(
        content_types=["text/csv"], response_types=["text/csv"], model_package_group_name="digits", approval_status="Approved"
    ),
)
too_bad = FailStep("TooBad", error_message=Join(on=" ", values=["No model reaches an accuracy of", least]))
best = tune.properties.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value
enough = ConditionGreaterThanOrEqualTo(left=best, right=least)
check = ConditionStep("Check", conditions=[enough], if_steps=[register], else_steps=[too_bad])

pipeline = Pipeline("Digits", parameters=[least], steps=[prepare, tune, check], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
execution.wait(delay=2)
for step in reversed(execution.list_steps()):
    print("step", step["StepName"], step["StepStatus"], step["Metadata"])
package = next(iter(session.sagemaker_client.list_model_packages(ModelPackageGroupName="digits")["ModelPackageSummaryList"]))
print("registered", package["ModelPackageArn"], package["ModelApprovalStatus"])

execution = pipeline.start({"LeastAccuracy": 1.0})
try:
    execution.wait(delay=2)
except WaiterError as error:
    print("failed", type(error).__name__)
steps = {step["StepName"]: step for step in execution.list_steps()}
print("reason", steps["TooBad"]["FailureReason"])
print("cached", steps["Tune"]["CacheHitResult"]["SourcePipelineExecutionArn"])
