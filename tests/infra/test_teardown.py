"""A teardown while tuning jobs run: they would write into a bucket that is emptied."""

from sm_tuning import Continuous, Objective, Random, Resources, TuningJob
from tests.conftest import Server
from tests.infra.conftest import Command, bootstrap, of, tuning


def job(name: str, project: str, outputs: dict[str, str]) -> TuningJob:
    """A tuning job of a project that goes on for long."""
    return TuningJob(
        name=name,
        tags={"Project": project, "Environment": "production"},
        objective=Objective.maximize("validation:accuracy", regex="validation:accuracy=([0-9.]+)"),
        ranges=[Continuous("learning_rate", 0.001, 0.01)],
        hyperparameters={"epochs": 100_000},
        strategy=Random(seed=1),
        max_jobs=1,
        role=outputs["ExecutionRoleArn"],
        output=outputs["OutputUri"],
        image=f"{outputs['RepositoryUri']}:0123abc",
        resources=Resources(volume_gb=1, max_runtime=3600),
    )


def test_a_teardown_while_a_tuning_job_runs(served: Server, infra: Command) -> None:
    assert infra(*bootstrap("own-r")).code == 0
    outputs = infra(*tuning("own-r")).outputs
    sagemaker = served.client("sagemaker")
    for name, project in (("own-r-long", "own-r"), ("own-s-long", "own-s")):
        sagemaker.create_hyper_parameter_tuning_job(**job(name, project, outputs).request())
    listed = infra("teardown", *of("own-r"))
    assert listed.code == 0, listed.err
    assert "  runs: the tuning job own-r-long\n" in listed.err
    assert "own-s-long" not in listed.err, "another project's"
    refused = infra("teardown", *of("own-r"), "--yes")
    assert refused.code == 1
    assert (
        "1 tuning job of this project runs and would lose the bucket that is written into; wait for the end, or give --stop-jobs"
        in refused.err
    )
    assert infra("outputs", "BucketName", *of("own-r")).code == 0, "nothing was deleted"
    gone = infra("teardown", *of("own-r"), "--yes", "--stop-jobs")
    assert gone.code == 0, gone.err
    assert "stopped: own-r-long" in gone.err

    def status(name: str) -> str:
        answer: str = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)[
            "HyperParameterTuningJobStatus"
        ]
        return answer

    assert (status("own-r-long"), status("own-s-long")) == ("Stopped", "InProgress")
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="own-s-long")
