"""Process data, train, and transform a file in batches, with version 3 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker>=3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v3_processing.py
"""

from pathlib import Path

from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.resources import TrainingJob
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.core.transformer import Transformer
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
role, session, folder = get_execution_role(), Session(), Path(__file__).parent
target = f"s3://{session.default_bucket()}/digits-v3"
outputs = [
    ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=f"{target}/{name}", local_path=f"/opt/ml/processing/{name}", s3_upload_mode="EndOfJob"
        ),
    )
    for name in ("train", "asked")
]
machine = {"image_uri": IMAGE, "role": role, "instance_type": "ml.m5.large", "instance_count": 1}

processor = ScriptProcessor(command=["python3"], sagemaker_session=session, **machine)
processor.run(code=str(folder / "split.py"), outputs=outputs, arguments=["--train", "1400"], logs=False)
processor.latest_job.refresh()
print(f"\nprocessed {processor.latest_job.processing_job_status}: {processor.latest_job.exit_message}")
framework = FrameworkProcessor(sagemaker_session=session, **machine)
framework.run(code="split.py", source_dir=str(folder), outputs=outputs, logs=False)
framework.latest_job.refresh()
print(f"\nframework {framework.latest_job.processing_job_status}")

trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    training_image=IMAGE,
    source_code=SourceCode(source_dir=str(folder), entry_script="digits.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    base_job_name="transformed-v3",
)
trainer.train(wait=True, logs=False)
job = TrainingJob.get(next(TrainingJob.get_all(name_contains="transformed-v3")).training_job_name)
builder = ModelBuilder(
    s3_model_data_url=job.model_artifacts.s3_model_artifacts,
    source_code=SourceCode(source_dir=str(folder), entry_script="digits.py"),
    image_uri=IMAGE,
    role_arn=role,
    instance_type="ml.m5.large",
)
builder.build(model_name="transformed-v3")

transformer = Transformer(
    "transformed-v3", 1, "ml.m5.large", assemble_with="Line", accept="text/csv", sagemaker_session=session, output_path=target
)
transformer.transform(f"{target}/asked/inputs.csv", content_type="text/csv", split_type="Line", logs=False)
answer = S3Downloader.read_file(f"{target}/inputs.csv.out", session).split()
labels = S3Downloader.read_file(f"{target}/asked/labels.txt", session).split()
right = sum(float(digit) == float(label) for digit, label in zip(answer, labels, strict=True))
print(f"\ntransformed {len(answer)} rows, {right / len(labels):.3f} right")
