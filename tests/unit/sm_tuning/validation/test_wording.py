"""Every member of a request has a word that a user has typed."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from sm_tuning import Completion, Encryption, Hyperband, Metric, Network, Objective, Resources, TuningJob, WarmStart
from sm_tuning.validation.wording import argument
from tests.unit.sm_tuning.descriptions import FULL, Make, whole
from tests.unit.sm_tuning.spec.test_value_types import BUILDERS

TABLES: Mapping[str, type] = {
    "resources": Resources,
    "network": Network,
    "encryption": Encryption,
    "completion": Completion,
    "warm_start": WarmStart,
}
"""Members of a tuning job that hold members of their own."""


def members(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and not path.endswith(("StaticHyperParameters", "Environment")):
        for name, item in value.items():
            yield from members(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield path
        for index, item in enumerate(value):
            yield from members(item, f"{path}[{index}]")
    else:
        yield path


def test_every_member_of_a_request_has_words_that_can_be_typed(job: Make, tmp_path: Path) -> None:
    makers = [whole(job, tmp_path), *(job(**changes) for changes in FULL.values()), job(strategy=Hyperband(max_resource=9))]
    known = {field.name for kind in (*BUILDERS, TuningJob) for field in fields(kind)} | {"metric"}
    for request in (maker.request() for maker in makers):
        for path in members(request):
            words = argument(path, request)
            assert words, path
            first, *_, last = words.split("[")[0].split(".")[0], words.split(".")[-1].split("[")[0]
            assert first in known, (path, words)
            assert last in known or any(last in str(item) for item in request.values()), (path, words)
            if first in TABLES and "." in words:
                second = words.split(".")[1].split("[")[0]
                assert second in {field.name for field in fields(TABLES[first])}, (path, words)


def test_words_of_problems(job: Make) -> None:
    report = job(
        max_jobs=20_000,
        objective=Objective.maximize("accuracy"),
        metrics=[Metric("loss", "(.)" * 200)],
        resources=Resources(instance_type="ml.huge", max_runtime=99_999_999),
        environment={"a b": "c"},
        hyperparameters={"x.y": "v" * 2501},
    ).dry_run()
    assert {problem.argument for problem in report.problems} == {
        "max_jobs",
        "objective.metric",
        "metrics.loss.regex",
        "resources.instance_type",
        "resources.max_runtime",
        "environment (key)",
        "hyperparameters.x.y",
    }


def test_paths_that_lead_nowhere_are_told_as_they_are(job: Make) -> None:
    request = job().request()
    assert argument("script.entry", request) == ""
    assert argument("HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[0].MinValue", request) == (
        "ranges.learning_rate.low"
    )
    assert argument("HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.MetricName", request) == "objective.metric"
