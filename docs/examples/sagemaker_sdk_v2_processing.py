"""Process data, train, and transform a file in batches, with version 2 of the SageMaker Python SDK, as for AWS.

pip install 'sagemaker<3'
eval "$(sm-tuning emulator env --proxy)"
python docs/examples/sagemaker_sdk_v2_processing.py
"""

from pathlib import Path

import sagemaker
from sagemaker.processing import FrameworkProcessor, ProcessingOutput, ScriptProcessor
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor

role, session = sagemaker.get_execution_role(), sagemaker.Session()
folder = Path(__file__).parent
outputs = [ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}") for name in ("train", "asked")]
machine = {"role": role, "instance_type": "ml.m5.large", "instance_count": 1}

processor = SKLearnProcessor(framework_version="1.2-1", **machine)
processor.run(code=str(folder / "split.py"), outputs=outputs, arguments=["--train", "1400"], logs=False)
job = processor.jobs[-1].describe()
places = {output["OutputName"]: output["S3Output"]["S3Uri"] for output in job["ProcessingOutputConfig"]["Outputs"]}
print(f"\nprocessed {job['ProcessingJobStatus']}: {job['ExitMessage']}")

framework = FrameworkProcessor(SKLearn, "1.2-1", **machine)
framework.run(code="split.py", source_dir=str(folder), outputs=outputs, wait=False)
script = ScriptProcessor(image_uri=processor.image_uri, command=["python3"], **machine)
script.run(code=str(folder / "split.py"), outputs=outputs, arguments=["--train", "none"], wait=False)
framework.latest_job.wait(logs=False)
print(f"\nframework {framework.latest_job.describe()['ProcessingJobStatus']}")
try:
    script.latest_job.wait(logs=False)
except sagemaker.exceptions.UnexpectedStatusException as error:
    print(f"\nrefused {error}")

estimator = SKLearn(
    "digits.py", source_dir=str(folder), framework_version="1.2-1", role=role, instance_type="ml.m5.large", instance_count=1
)
estimator.fit(logs=False)
transformer = estimator.transformer(1, "ml.m5.large", strategy="MultiRecord", assemble_with="Line", accept="text/csv")
transformer.transform(f"{places['asked']}/inputs.csv", content_type="text/csv", split_type="Line", logs=False)
answer = S3Downloader.read_file(f"{transformer.output_path}/inputs.csv.out").split()
labels = S3Downloader.read_file(f"{places['asked']}/labels.txt").split()
right = sum(float(digit) == float(label) for digit, label in zip(answer, labels, strict=True))
print(f"\ntransformed {len(answer)} rows, {right / len(labels):.3f} right")
transformer.delete_model()
