"""AWS's price list, asked over the wire."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import boto3
import pytest
from click.testing import CliRunner

from sm_tuning.cli.commands import sm_tuning
from sm_tuning.preflight.prices import price_list


def product(price: str, unit: str = "Hrs") -> str:
    """An entry of the price list, in AWS's form."""
    dimension = {"unit": unit, "pricePerUnit": {"USD": price}, "description": "…"}
    return json.dumps({"product": {}, "terms": {"OnDemand": {"X.Y": {"priceDimensions": {"X.Y.Z": dimension}}}, "Reserved": {}}})


class PriceList(BaseHTTPRequestHandler):
    """What answers `pricing:GetProducts`; `told` by instance type."""

    prices: ClassVar[dict[str, list[str]]] = {}
    asked: ClassVar[list[Mapping[str, str]]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        filters = {entry["Field"]: entry["Value"] for entry in asked["Filters"]}
        self.asked.append({"service": asked["ServiceCode"], **filters})
        kind = filters["instanceName"]
        body = json.dumps({"FormatVersion": "aws_v1", "PriceList": self.prices.get(kind, [])}).encode()
        self.send_response(200 if kind in self.prices else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, **prices: list[str]) -> Iterator[None]:
    PriceList.prices = {name.replace("_", "."): several for name, several in prices.items()}
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
    assert sorted(entry["instanceName"] for entry in PriceList.asked) == ["ml.c5.xlarge", "ml.m5.large"]
    assert all(wanted.items() <= entry.items() for entry in PriceList.asked)


def test_plan_tells_the_price_lists_worst_case(monkeypatch: pytest.MonkeyPatch, job_file: str) -> None:
    with answering(monkeypatch, ml_m5_large=[product("0.138")]):
        done = CliRunner().invoke(sm_tuning, ["plan", job_file, "--aws"])
        assert "worst case: 10.0 instance-hours of ml.m5.large, $1.38" in done.stdout
        facts = json.loads(CliRunner().invoke(sm_tuning, ["plan", job_file, "--aws", "--json"]).stdout)
    assert (facts["worstCaseInstanceHours"], facts["worstCaseCost"], facts["pricesPerHour"]) == (10, 1.38, {"ml.m5.large": 0.138})
    offline = CliRunner().invoke(sm_tuning, ["plan", job_file])
    assert "worst case: 10.0 instance-hours of ml.m5.large\n" in offline.stdout


def test_run_refuses_above_the_most_that_it_may_cost_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, job_file: str
) -> None:
    cases = {
        ("--max-cost", "1.37"): "--max-cost is 1.37, but the worst case costs 1.38: lower max_jobs",
        ("--max-cost", "5", "--price-per-hour", "1"): "--max-cost is 5, but the worst case costs 10.00",
        ("--max-cost", "5", "--price-per-hour", "nan"): "--price-per-hour is nan; it must be a number",
        ("--max-cost", "nan"): "--max-cost is nan, but the worst case costs 1.38",
        ("--max-cost", "-1"): "-1",
    }
    with answering(monkeypatch, ml_m5_large=[product("0.138")]):
        for words, said in cases.items():
            done = CliRunner().invoke(sm_tuning, ["run", job_file, "--aws", "--yes", *words])
            assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
            assert done.stdout == ""
        enough = CliRunner().invoke(sm_tuning, ["run", job_file, "--aws", "--yes", "--max-cost", "1.38"])
    assert "the service does not answer: Could not connect to the endpoint" in enough.stderr  # it would have been asked
    with answering(monkeypatch):
        unknown = CliRunner().invoke(sm_tuning, ["run", job_file, "--aws", "--yes", "--max-cost", "5"])
    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "sm-tuning: --max-cost is 5, but no price of ml.m5.large is known: give --price-per-hour\n",
    )
