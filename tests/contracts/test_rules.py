"""The dry run shows what the emulator's API refuses: the same violations of the same request, in the same order."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_emulator.api import limits
from local_emulator.api.operations import Api
from local_emulator.settings import Quotas, Settings
from local_emulator.store.sqlite import SqliteStore
from sm_tuning import (
    Auto,
    Bayesian,
    Categorical,
    Channel,
    Completion,
    Continuous,
    Definition,
    FileSystem,
    Grid,
    Hyperband,
    Instance,
    Integer,
    Metric,
    Objective,
    Placement,
    Random,
    Resources,
    TuningJob,
    WarmStart,
    learning_rate,
)
from sm_tuning.spec.definition import DefinitionMembers
from sm_tuning.validation.dry_run import DryRun
from tests.made_endpoints import AnythingServed

OBJECTIVE = Objective.minimize("score", r"score=([-+0-9.eE]+)")
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
GOOD = TuningJob(
    name="good",
    objective=OBJECTIVE,
    ranges=[learning_rate()],
    strategy=Random(seed=1),
    max_jobs=2,
    role=ROLE,
    output="s3://bucket/prefix/",
)
NAMES = st.sampled_from(["a", "b", "eta", "num_round", "booster"])
RANGES = st.lists(
    st.one_of(
        st.builds(lambda name, low: Continuous(name, low, low + 1), NAMES, st.floats(0.1, 5)),
        st.builds(lambda name, low: Integer(name, low, low + 2), NAMES, st.integers(-3, 3)),
        st.builds(lambda name, count: Categorical(name, list(range(count))), NAMES, st.integers(1, 31)),
        st.builds(Auto, NAMES, st.sampled_from(["true", "0.1", "-3", "0", "relu", "1e308", "5e-324"])),
    ),
    max_size=3,
)


def definition(name: str, **changes: Any) -> Definition:
    """One of several definitions."""
    return Definition(**{"name": name, "objective": OBJECTIVE, "ranges": [learning_rate()], **changes})


MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["good-name", "x" * 33, "a--b", "a-", "1", "ä"]),
    "ranges": RANGES,
    "strategy": st.sampled_from(
        [Grid(), Random(seed=1), Bayesian(), *(Hyperband(max_resource=end) for end in (None, 9, 30_000))]
    ),
    "max_jobs": st.sampled_from([None, 1, 2, 9, 751, 10_001]),
    "max_parallel": st.sampled_from([1, 2, 100, 101]),
    "hyperparameters": st.sampled_from([{}, {"a": 1}, {"epochs": 9}, {"x": "v" * 2501}, {f"h{n}": n for n in range(98)}]),
    "role": st.sampled_from(["arn:aws:iam::123456789012:role/r", "arn:aws:iam::1:role/r"]),
    "output": st.sampled_from(["s3://bucket/prefix", "https://bucket"]),
    "completion": st.sampled_from(
        [Completion(), Completion(not_improving=2), Completion(max_runtime=119), Completion(target=float("nan"))]
    ),
    "environment": st.sampled_from([{}, {"A": "b"}, {"a b": "c", "c d": "e"}]),
    "warm_start": st.sampled_from([None, WarmStart.identical("x", "x"), WarmStart.transfer(*"abcdef")]),
    "autotune": st.booleans(),
    "definitions": st.sampled_from(
        [
            [definition("a"), definition("b")],
            [definition("a"), definition("a")],
            [definition("a", ranges=[]), definition("b", image="i", algorithm="j")],
            [definition("a", image=XGBOOST), definition("b", objective=None)],
        ]
    ),
    "image": st.sampled_from(["1.dkr.ecr.us-east-1.amazonaws.com/x:1", XGBOOST]),
    "objective": st.sampled_from([None, OBJECTIVE, Objective.maximize("validation:auc"), Objective.maximize("score")]),
    "resources": st.sampled_from(
        [
            Resources(max_wait=9),
            Resources(spot=True, max_wait=9),
            Resources(max_pending=9),
            Resources(alternatives=[Instance("ml.m5.xlarge")]),
            Resources(instance_type="ml.none"),
            Resources(instance_count=2),
            Resources(preferences=[Instance("ml.m5.xlarge"), Instance("ml.m5.xlarge")], placement=Placement(several_jobs=True)),
        ]
    ),
    "input_mode": st.sampled_from(["Pipe", "Stream"]),
    "algorithm": st.sampled_from(["mine", "a b"]),
    "channels": st.sampled_from(
        [
            [Channel("a", "s3://b/c")] * 2,
            [Channel("a", "s3://b/c", compression="zip")],
            [Channel("a", FileSystem("fs-01234567", "/data"))],
        ]
    ),
    "metrics": st.sampled_from([[Metric("score", "(.)")], [Metric("ObjectiveMetric", "(.)")], [Metric("loss", "(.)")]]),
    "tags": st.sampled_from([{}, {"k": "v"}, {"k!": "v", "": "x"}]),
}
CHANGE = st.one_of(*(st.tuples(st.just(name), values) for name, values in MEMBERS.items()))
CHANGES = st.lists(CHANGE, max_size=5, unique_by=lambda change: change[0]).map(dict)
OWN_LIMITS = {rule.name for section in (limits.TRAINING, limits.TUNING, limits.CHOSEN) for rule in section.rules}


def new_api() -> Api:
    """The API with an empty store; nothing behind it runs."""
    return Api(
        store=SqliteStore(None),
        settings=Settings(quotas=Quotas(parallel_training_jobs=100, random_training_jobs=10_000)),
        now=lambda: datetime.now(UTC),
        token=lambda: "0" * 32,
        chance=lambda: 1.0,
        notify=lambda: None,
        check=lambda _definition, _region: None,
        serving=AnythingServed(),
        check_processing=lambda _: None,
    )


def expected(report: DryRun) -> tuple[list[str], list[str]]:
    """Rules and sentences with which the API refuses the request of a report; it looks at its members first."""
    members = [problem for problem in report.problems if problem.rule.startswith("model-")]
    shown = members or report.problems
    return list(dict.fromkeys(problem.rule for problem in shown)), list(dict.fromkeys(problem.message for problem in shown))


def test_what_the_api_refuses_is_what_the_dry_run_shows() -> None:
    seen = {True: 0, False: 0}
    names: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(changes=CHANGES)
    def agree(changes: dict[str, Any]) -> None:
        of_definitions = DefinitionMembers.__annotations__ if "definitions" in changes else {}
        report = GOOD.changed(**{name: value for name, value in changes.items() if name not in of_definitions}).dry_run()
        rules, sentences = expected(report)
        body = json.dumps(report.request).encode()
        code, headers, answer = new_api().answer("CreateHyperParameterTuningJob", body, "us-east-1")
        refused = [name for name in headers.get("x-sm-emulator-rules", "").split(",") if name]
        said = f"the dry run: {report}; the emulator: {answer!r}"
        assert [name for name in refused if name not in OWN_LIMITS] == [name for name in rules if name != "model-type"], said
        assert (code == 200) == (not rules and not refused), said
        message = "" if code == 200 else json.loads(answer)["message"]
        assert all(sentence in message for sentence in sentences if "model-type" not in rules), said
        names.update(refused)
        seen[code == 200] += 1

    agree()
    assert min(seen.values()) > 20, seen
    assert len(names - OWN_LIMITS) > 25, names
