"""What changes in a training job's request."""

from dataclasses import replace
from datetime import timedelta

from local_emulator.documents import changes, parse
from local_emulator.domain.spec import InstanceGroup
from local_emulator.domain.training import TrainingJob
from tests.made_jobs import NOW

LATER = NOW + timedelta(seconds=1)
SMALL = InstanceGroup(instance_type="ml.c5.large", instance_count=1)


def test_a_job_on_one_of_its_tuning_jobs_configurations(job: TrainingJob) -> None:
    moved = changes.on_instances(job, replace(SMALL, volume_size=5))
    assert moved.request["ResourceConfig"] == {"InstanceType": "ml.c5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
    assert (moved.spec.resources.instance_type, moved.spec.resources.volume_size) == ("ml.c5.large", 5)
    assert job.spec.resources.instance_type == "ml.m5.large"


def test_a_job_on_one_of_its_preferences(job: TrainingJob) -> None:
    config = {"InstancePreferences": [{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.c5.large"}], "InstanceCount": 1}
    request = {**job.request, "ResourceConfig": config}
    moved = changes.on_instances(replace(job, request=request, spec=parse.training(request)), SMALL)
    assert moved.request["ResourceConfig"] == {**config, "SelectedInstanceType": "ml.c5.large", "SelectedInstanceCount": 1}
    assert moved.spec.resources.instance_type == "ml.c5.large"


def test_an_update_is_merged(job: TrainingJob) -> None:
    rules = [{"RuleConfigurationName": "r", "RuleEvaluatorImage": "i"}]
    profiler = {"ProfilingIntervalInMilliseconds": 500}
    first = changes.updated(job, {"ResourceConfig": {"KeepAlivePeriodInSeconds": 60}, "ProfilerConfig": profiler}, NOW)
    both = changes.updated(first, {"ProfilerConfig": {"DisableProfiler": True}, "ProfilerRuleConfigurations": rules}, LATER)
    assert both.request["ResourceConfig"] == {**job.request["ResourceConfig"], "KeepAlivePeriodInSeconds": 60}
    assert both.request["ProfilerConfig"] == {**profiler, "DisableProfiler": True}
    assert both.request["ProfilerRuleConfigurations"] == rules
    assert (first.spec.profiler, both.spec.profiler, both.spec.resources.keep_alive_period) == (True, False, 60)
    assert (first.pooled, both.pooled, both.modified) == (False, True, LATER)
