"""A test as users of the SageMaker SDK 2 write it: roles, an estimator and a tuner, without a server."""

from local_emulator.testing import emulated_sagemaker

with emulated_sagemaker() as emulator:
    import sagemaker
    from sagemaker.estimator import Estimator
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

    emulator.trains(lambda hyperparameters: {"loss": float(hyperparameters["x"].strip('"')) ** 2})
    print("role", sagemaker.get_execution_role())
    print("bucket", sagemaker.Session().default_bucket())
    estimator = Estimator(
        image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        role=sagemaker.get_execution_role(),
        instance_count=1,
        instance_type="ml.m5.large",
        hyperparameters={"x": 0.5},
        metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.e-]+)"}],
    )
    estimator.fit(job_name="alone")
    print("by name", estimator.sagemaker_session.expand_role("SageMakerRole"))
    tuner = HyperparameterTuner(
        estimator,
        objective_metric_name="loss",
        objective_type="Minimize",
        hyperparameter_ranges={"x": ContinuousParameter(-1, 1)},
        metric_definitions=estimator.metric_definitions,
        max_jobs=4,
        max_parallel_jobs=2,
    )
    tuner.fit(job_name="tuned")
    print("tuning", tuner.describe()["HyperParameterTuningJobStatus"], tuner.describe()["TrainingJobStatusCounters"]["Completed"])
    emulator.requests.assert_made("CreateHyperParameterTuningJob", times=1)
