"""Jobs as AWS shows them."""

from dataclasses import replace
from datetime import timedelta

from local_emulator.documents import changes, serialize
from local_emulator.domain.errors import NotFound
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.training import FinalMetric, TrainingJob
from tests.made_jobs import NOW
from tests.unit.local_emulator.documents.conftest import child, tuning_job

LATER = NOW + timedelta(seconds=100, microseconds=250_900)


def ended(job: TrainingJob, value: float) -> TrainingJob:
    trained = job.moved(Secondary.TRAINING, NOW).moved(Secondary.COMPLETED, LATER)
    metrics = (FinalMetric(name="score", value=value, time=LATER),)
    return replace(trained, status=Status.COMPLETED, started=NOW, ended=LATER, final_metrics=metrics)


def trial(job: TrainingJob, final: float) -> Trial:
    return Trial(name=job.name, index=job.index, point=job.tuned, status=job.status, final=final, ended=job.ended)


def nobody(arn: Arn) -> TrainingJob:
    raise NotFound(arn)


def test_what_is_not_there_is_absent(job: TrainingJob) -> None:
    described = serialize.described_training_job(job, NOW)
    assert None not in described.values()
    assert not {"ModelArtifacts", "FailureReason", "TrainingEndTime", "WarmPoolStatus", "BillableTimeInSeconds"} & set(described)
    assert described["OutputDataConfig"] == {"KmsKeyId": "", "S3OutputPath": "s3://box/out/"}


def test_a_training_job_that_has_ended(job: TrainingJob) -> None:
    described = serialize.described_training_job(ended(job, 0.5), LATER)
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": "s3://box/out/Tune-001-ffffffff/output/model.tar.gz"}
    assert described["TrainingEndTime"] == LATER.timestamp() - 0.0009, "milliseconds"
    assert (described["TrainingTimeInSeconds"], described["BillableTimeInSeconds"]) == (100, 100)
    assert described["FinalMetricDataList"] == [{"MetricName": "score", "Value": 0.5, "Timestamp": int(LATER.timestamp())}], (
        "seconds"
    )


def test_a_warm_pool_counts_what_is_billed(job: TrainingJob) -> None:
    kept = changes.updated(ended(job, 0.5), {"ResourceConfig": {"KeepAlivePeriodInSeconds": 60}}, LATER)
    pools = [serialize.described_training_job(kept, LATER + timedelta(seconds=n))["WarmPoolStatus"] for n in (5, 60)]
    assert pools == [
        {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 5},
        {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 60},
    ]


def test_a_tuning_job_shows_its_best_and_the_best_with_its_parents() -> None:
    tuning = tuning_job()
    mine, theirs = ended(child(tuning), 0.5), replace(ended(child(tuning), 0.7), name="Parent-001-a", tuning="Parent")
    jobs = {tuning.scope.training_arn(job.name): job for job in (mine, theirs)}
    history = History(goal=Goal.MAXIMIZE, trials=[trial(mine, 0.5)], parents=[trial(theirs, 0.7)])
    alone = serialize.described_tuning_job(tuning, replace(history, parents=()), jobs.__getitem__)
    assert alone["BestTrainingJob"]["TrainingJobName"] == "Tune-001-ffffffff"
    assert "OverallBestTrainingJob" not in alone
    warm = replace(tuning, plan=replace(tuning.plan, parents=("Parent",)))
    overall = serialize.described_tuning_job(warm, history, jobs.__getitem__)["OverallBestTrainingJob"]
    assert (overall["TuningJobName"], overall["TrainingJobName"]) == ("Parent", "Parent-001-a")
    other = replace(warm, plan=replace(warm.plan, transfer=True))
    assert "OverallBestTrainingJob" not in serialize.described_tuning_job(other, history, jobs.__getitem__)


def test_a_best_training_job_that_was_deleted_is_absent() -> None:
    tuning = tuning_job()
    history = History(goal=Goal.MAXIMIZE, trials=[trial(ended(child(tuning), 0.5), 0.5)])
    described = serialize.described_tuning_job(tuning, history, nobody)
    assert "BestTrainingJob" not in described
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 0}


def test_one_machine_of_a_tuning_resource_config_is_shown_as_resource_config_too() -> None:
    config = {"InstanceType": "ml.c5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
    tuning = tuning_job(HyperParameterTuningResourceConfig=config)
    definition = {name: value for name, value in tuning.request["TrainingJobDefinition"].items() if name != "ResourceConfig"}
    tuning = replace(tuning, request={**tuning.request, "TrainingJobDefinition": definition})
    described = serialize.described_tuning_job(tuning, History(goal=Goal.MAXIMIZE), nobody)
    assert described["TrainingJobDefinition"]["ResourceConfig"] == config
