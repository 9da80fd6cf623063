"""A test as users of the SageMaker SDK 3 write it: roles, which it checks, a trainer and a tuner, without a server."""

from local_emulator.testing import emulated_sagemaker

with emulated_sagemaker() as emulator:
    from sagemaker.core.helper.iam_role_resolver import RoleValidationError, resolve_and_validate_role
    from sagemaker.core.helper.session_helper import Session, get_execution_role
    from sagemaker.core.parameter import ContinuousParameter
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute
    from sagemaker.train.tuner import HyperparameterTuner

    emulator.trains(lambda hyperparameters: {"loss": float(hyperparameters["x"]) ** 2})
    session = Session()
    print("role", get_execution_role())
    print("bucket", session.default_bucket())
    print("resolved", resolve_and_validate_role(role_type="training", sagemaker_session=session))
    print("by name", resolve_and_validate_role("SageMakerRole", role_type="training", sagemaker_session=session))
    try:
        resolve_and_validate_role("arn:aws:iam::123456789012:role/missing", role_type="training", sagemaker_session=session)
    except RoleValidationError as error:
        print("missing", type(error).__name__)
    trainer = ModelTrainer(  # without a role: the SDK takes the caller's and checks it
        sagemaker_session=session,
        training_image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        base_job_name="alone",
        hyperparameters={"x": "0.5"},
    )
    trainer.train(wait=True, logs=False)
    print("training", trainer._latest_training_job.refresh().training_job_status)
    tuner = HyperparameterTuner(
        trainer,
        objective_metric_name="loss",
        objective_type="Minimize",
        hyperparameter_ranges={"x": ContinuousParameter(-1.0, 1.0)},
        metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.e-]+)"}],
        max_jobs=4,
        max_parallel_jobs=2,
    )
    tuner.tune(wait=True)
    job = tuner.describe()
    print("tuning", job.hyper_parameter_tuning_job_status, job.training_job_status_counters.completed)
    emulator.requests.assert_made("CreateHyperParameterTuningJob", times=1)
