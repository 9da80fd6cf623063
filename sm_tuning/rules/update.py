"""The rules of UpdateTrainingJob: what may be changed of a training job as it is now."""

from collections.abc import Iterator
from dataclasses import dataclass

from sm_tuning.rules.limits import PROFILING_INTERVALS
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import Document
from sm_tuning.rules.violation import Violation


@dataclass(frozen=True)
class Update:
    """A request, and the training job as DescribeTrainingJob shows it."""

    body: Document
    job: Document


UPDATE: Section[Update] = Section(
    "UpdateTrainingJob", "The dry run has no part in them: they are about a training job that runs."
)


def violations(body: Document, job: Document) -> Iterator[Violation]:
    """Every violation of a request whose types are right, for a job as DescribeTrainingJob shows it."""
    yield from UPDATE.violations(Update(body, job))


@UPDATE.rule("update-warm-pool", "KeepAlivePeriodInSeconds while the job has a warm pool")
def _warm_pool(update: Update) -> Iterator[Violation]:
    pool = update.job.get("WarmPoolStatus", {}).get("Status")
    if "ResourceConfig" in update.body and pool not in {"InUse", "Available"}:
        state = "has none" if pool is None else f"has one in status {pool}"
        sentence = f"KeepAlivePeriodInSeconds can be updated only while there is a warm pool; the training job {state}."
        yield Violation("ResourceConfig", update.body["ResourceConfig"], "there must be a warm pool", sentence)


@UPDATE.rule("update-remote-debug", "RemoteDebugConfig while the SecondaryStatus is Downloading or Training")
def _remote_debug(update: Update) -> Iterator[Violation]:
    status = update.job["SecondaryStatus"]
    if "RemoteDebugConfig" in update.body and status not in {"Downloading", "Training"}:
        sentence = (
            "RemoteDebugConfig can be updated only when the SecondaryStatus of the training job is Downloading or Training; it is "
            f"{status}."
        )
        requirement = f"the training job must be Downloading or Training; it is {status}"
        yield Violation("RemoteDebugConfig", update.body["RemoteDebugConfig"], requirement, sentence)


@UPDATE.rule("update-profiler", "the profiler while the job is InProgress")
def _profiler(update: Update) -> Iterator[Violation]:
    status = update.job["TrainingJobStatus"]
    given = [member for member in ("ProfilerConfig", "ProfilerRuleConfigurations") if member in update.body]
    if given and status != "InProgress":
        sentence = f"The profiler can be updated only while the training job is InProgress; it is {status}."
        yield Violation(given[0], update.body[given[0]], f"the training job must be InProgress; it is {status}", sentence)


@UPDATE.rule("update-interval", "ProfilingIntervalInMilliseconds is one of AWS's")
def _interval(update: Update) -> Iterator[Violation]:
    interval = update.body.get("ProfilerConfig", {}).get("ProfilingIntervalInMilliseconds")
    if interval is not None and interval not in PROFILING_INTERVALS:
        requirement = f"it must be one of {', '.join(map(str, PROFILING_INTERVALS))}"
        yield Violation("ProfilerConfig.ProfilingIntervalInMilliseconds", interval, requirement)
