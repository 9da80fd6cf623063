"""The worst case, against figures worked out by hand; and AWS's price list, asked over the wire."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from click.testing import CliRunner

from sm_tuning import (
    Categorical,
    Completion,
    Definition,
    Grid,
    Instance,
    InstanceGroup,
    Objective,
    Random,
    Resources,
    TuningJob,
    learning_rate,
)
from sm_tuning.cli.commands import sm_tuning
from sm_tuning.preflight.cost import instance_hours, instance_types, money, price_list

PRICES = {"ml.m5.large": 0.1, "ml.m5.xlarge": 0.2, "ml.p3.2xlarge": 4.0}
HOUR = 3600
OBJECTIVE = Objective.minimize("score", r"score=([-+0-9.eE]+)")


def job(resources: Resources | None = None, **members: Any) -> TuningJob:
    """Ten training jobs of an hour, two at a time."""
    if "definitions" not in members:
        only = {"resources": resources or Resources(), "ranges": [learning_rate()], "objective": OBJECTIVE}
        members = only | members
    usual = {"max_jobs": 10, "max_parallel": 2, "strategy": Random()}
    return TuningJob(name="t", role="r", output="s3://b", **(usual | members))


def parts(*several: Resources) -> Mapping[str, Any]:
    return {"definitions": [Definition(name=f"d{place}", resources=one) for place, one in enumerate(several)]}


GRID = [Categorical("a", ["1", "2", "3"]), Categorical("b", ["1", "2"])]
DEAR, CHEAP = Resources(instance_type="ml.p3.2xlarge", max_runtime=HOUR // 2), Resources(max_runtime=4 * HOUR)

CASES: Sequence[tuple[str, TuningJob, float | None, float | None]] = [
    ("ten jobs of an hour", job(), 10, 1.0),
    ("three instances", job(Resources(instance_count=3)), 30, 3.0),
    ("a grid's combinations", job(strategy=Grid(), max_jobs=None, ranges=GRID), 6, 0.6),
    ("the tuning job's own time", job(completion=Completion(max_runtime=HOUR)), 2, 0.2),
    ("a time that is longer than all", job(completion=Completion(max_runtime=100 * HOUR)), 10, 1.0),
    ("retries share the time", job(max_retries=30), 10, 1.0),
    ("spot waits and runs", job(Resources(spot=True, max_wait=3 * HOUR)), 30, 3.0),
    ("spot without a wait: twice", job(Resources(spot=True)), 20, 2.0),
    ("a wait counts for spot alone", job(Resources(max_wait=3 * HOUR)), 10, 1.0),
    ("a warm pool after each job", job(Resources(keep_alive=HOUR // 2)), 15, 1.5),
    ("a warm pool is no training", job(Resources(keep_alive=HOUR // 2), completion=Completion(max_runtime=HOUR)), 7, 0.7),
    ("groups", job(Resources(groups=[InstanceGroup("a", "ml.m5.large", 2), InstanceGroup("b", "ml.p3.2xlarge")])), 30, 42.0),
    ("the dearest alternative", job(Resources(alternatives=[Instance("ml.p3.2xlarge", 1), Instance("ml.m5.xlarge", 2)])), 20, 40.0),
    ("preferences", job(Resources(preferences=[Instance("ml.m5.xlarge"), Instance("ml.m5.large", 4)])), 40, 4.0),
    ("the dearest definition", job(**parts(DEAR, CHEAP)), 40, 20.0),
    # Never exceeded, though not to be reached: no hour is dearer than DEAR's, no training job dearer than DEAR's.
    ("definitions and a time", job(**parts(DEAR, CHEAP), completion=Completion(max_runtime=3 * HOUR)), 6, 20.0),
    ("as many as AWS likes", job(max_jobs=None, autotune=True), None, None),
    ("as many as fit into a time", job(max_jobs=None, autotune=True, completion=Completion(max_runtime=HOUR)), 2, 0.2),
    ("a warm pool after who knows how many",
     job(Resources(keep_alive=60), max_jobs=None, autotune=True, completion=Completion(max_runtime=HOUR)), None, None),
]  # fmt: skip


@pytest.mark.parametrize(("tuning", "hours", "cost"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_worst_case(tuning: TuningJob, hours: float | None, cost: float | None) -> None:
    assert instance_hours(tuning) == (None if hours is None else pytest.approx(hours))
    assert money(tuning, PRICES) == (None if cost is None else pytest.approx(cost))


def test_without_a_price_for_each_type_there_is_no_cost() -> None:
    several = job(Resources(alternatives=[Instance("ml.c5.xlarge")]))
    assert instance_types(several) == ["ml.c5.xlarge", "ml.m5.large"]
    assert money(several, PRICES) is None


# --- AWS's price list -----------------------------------------------------------------------------------------------------


def product(price: str, unit: str = "Hrs") -> str:
    """An entry of the price list, in AWS's form."""
    dimension = {"unit": unit, "pricePerUnit": {"USD": price}, "description": "…"}
    return json.dumps({"product": {}, "terms": {"OnDemand": {"X.Y": {"priceDimensions": {"X.Y.Z": dimension}}}, "Reserved": {}}})


class PriceList(BaseHTTPRequestHandler):
    """What answers `pricing:GetProducts`; `told` by instance type."""

    told: ClassVar[dict[str, list[str]]] = {}
    asked: ClassVar[list[Mapping[str, str]]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        filters = {one["Field"]: one["Value"] for one in asked["Filters"]}
        self.asked.append({"service": asked["ServiceCode"], **filters})
        kind = filters["instanceName"]
        body = json.dumps({"FormatVersion": "aws_v1", "PriceList": self.told.get(kind, [])}).encode()
        self.send_response(200 if kind in self.told else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, **told: list[str]) -> Iterator[None]:
    PriceList.told = {name.replace("_", "."): several for name, several in told.items()}
    PriceList.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), PriceList)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings = {
        "AWS_ENDPOINT_URL_PRICING": f"http://127.0.0.1:{server.server_port}",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # nobody: what is asked by mistake fails at once
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": "/none",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_price_list_is_asked_for_training_in_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    free, monthly = product("0.0000000000"), product("99", "Mo")
    with answering(monkeypatch, ml_m5_large=[free, product("0.1380000000"), monthly], ml_c5_xlarge=[]):
        assert price_list(boto3.Session(), ["ml.m5.large", "ml.c5.xlarge"]) == {"ml.m5.large": 0.138}
    wanted = {"service": "AmazonSageMaker", "regionCode": "eu-central-1", "component": "Training"}
    assert sorted(one["instanceName"] for one in PriceList.asked) == ["ml.c5.xlarge", "ml.m5.large"]
    assert all(wanted.items() <= one.items() for one in PriceList.asked)


FILE = """
name = "cost"
script = "train.py"
strategy = "Random"
max_jobs = 10
max_parallel = 2
role = "arn:aws:iam::123456789012:role/r"
output = "s3://bucket"
[objective]
metric = "score"
goal = "Minimize"
regex = 'score=([-+0-9.eE]+)'
[ranges]
learning_rate = {}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "train.py").write_text("print('score=1')")
    (tmp_path / "job.toml").write_text(FILE)
    return str(tmp_path / "job.toml")


def test_plan_tells_the_price_lists_worst_case(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    with answering(monkeypatch, ml_m5_large=[product("0.138")]):
        done = CliRunner().invoke(sm_tuning, ["plan", file, "--aws"])
        assert "worst case: 10.0 instance-hours of ml.m5.large, $1.38" in done.stdout
        told = json.loads(CliRunner().invoke(sm_tuning, ["plan", file, "--aws", "--json"]).stdout)
    assert (told["worstCaseInstanceHours"], told["worstCaseCost"], told["pricesPerHour"]) == (10, 1.38, {"ml.m5.large": 0.138})
    offline = CliRunner().invoke(sm_tuning, ["plan", file])
    assert "worst case: 10.0 instance-hours of ml.m5.large\n" in offline.stdout


def test_run_refuses_above_the_most_that_it_may_cost_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    cases = {
        ("--max-cost", "1.37"): "--max-cost is 1.37, but the worst case costs 1.38: lower max_jobs",
        ("--max-cost", "5", "--price-per-hour", "1"): "--max-cost is 5, but the worst case costs 10.00",
        ("--max-cost", "5", "--price-per-hour", "nan"): "--price-per-hour is nan; it must be a number",
        ("--max-cost", "nan"): "--max-cost is nan, but the worst case costs 1.38",
        ("--max-cost", "-1"): "-1",
    }
    with answering(monkeypatch, ml_m5_large=[product("0.138")]):
        for words, said in cases.items():
            done = CliRunner().invoke(sm_tuning, ["run", file, "--aws", "--yes", *words])
            assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
            assert done.stdout == ""
        enough = CliRunner().invoke(sm_tuning, ["run", file, "--aws", "--yes", "--max-cost", "1.38"])
    assert "was not created: Could not connect to the endpoint" in enough.stderr  # it would have been
    with answering(monkeypatch):
        unknown = CliRunner().invoke(sm_tuning, ["run", file, "--aws", "--yes", "--max-cost", "5"])
    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "sm-tuning: --max-cost is 5, but no price of ml.m5.large is known: give --price-per-hour\n",
    )


def test_run_refuses_what_nothing_bounds(file: str) -> None:
    Path(file).write_text(FILE.replace("max_jobs = 10", "autotune = true"))
    done = CliRunner().invoke(sm_tuning, ["run", file, "--max-cost", "5", "--price-per-hour", "1"])
    assert (done.exit_code, "nothing bounds the cost: give max_jobs" in done.stderr) == (2, True)
