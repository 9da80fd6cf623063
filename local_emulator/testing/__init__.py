"""An emulated SageMaker inside a test, next to moto's mock_aws: no port, no server, no Docker.

    with emulated_sagemaker():
        boto3.client("sagemaker", region_name="us-east-1").create_hyper_parameter_tuning_job(...)

Training jobs really run, as processes. They have no AWS to talk to (there is no port): data and models come and go through S3.
"""

from local_emulator.testing.addresses import RequestRefused
from local_emulator.testing.context import EmulatedSageMaker, default_settings, emulated_sagemaker

__all__ = ["EmulatedSageMaker", "RequestRefused", "default_settings", "emulated_sagemaker"]
