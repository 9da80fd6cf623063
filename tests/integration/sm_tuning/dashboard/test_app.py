"""The live page: whom it answers, and what a browser makes of it while a tuning job runs."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from sm_tuning import Categorical, TuningJob, learning_rate
from sm_tuning.dashboard import Dashboard, serving
from tests.conftest import ROOT, Server
from tests.integration.sm_tuning.browsing import until

pytestmark = pytest.mark.slow(27)

HOST = "127.0.0.1:4578"
WAIT = 180_000  # milliseconds
SCRIPT = """
import sys, time
rate = float(sys.argv[sys.argv.index('--learning_rate') + 1])
print('<img src=x onerror="window.hacked = true"> [bold]')
for epoch in range(30):
    print(f'score={1 + rate / (epoch + 1)}', flush=True)
    time.sleep(0.1)
"""
AXE = ROOT / ".node" / "node_modules" / "axe-core" / "axe.min.js"
EVIL = '<img src=x onerror="window.hacked=true">'


class Client:
    """A SageMaker client that notes what it is asked to stop."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.meta = type("Meta", (), {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:1"})()

    def describe_hyper_parameter_tuning_job(self, **_: str) -> dict[str, str]:
        return {"HyperParameterTuningJobStatus": "InProgress"}

    def stop_hyper_parameter_tuning_job(self, **names: str) -> None:
        self.stopped.append(names["HyperParameterTuningJobName"])

    def get_paginator(self, _: str) -> Any:
        return type("Paginator", (), {"paginate": lambda *_, **__: [{"HyperParameterTuningJobSummaries": []}]})()


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def ask(client: Client) -> Callable[..., tuple[str, str, dict[str, str]]]:
    session = type("Session", (), {"client": lambda *_, **__: client})()
    app = Dashboard(session, [HOST])

    def request(path: str, method: str = "GET", **headers: str) -> tuple[str, str, dict[str, str]]:
        answer: dict[str, Any] = {}
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "wsgi.input": io.BytesIO(),
            **{f"HTTP_{name.upper()}": value for name, value in ({"host": HOST} | headers).items()},
        }
        body = b"".join(app(environ, lambda status, sent: answer.update(status=status, headers=dict(sent))))  # type: ignore[arg-type]
        return answer["status"][:3], body.decode(), answer["headers"]

    return request


def test_only_its_own_host_is_answered(ask: Any) -> None:
    assert ask("/")[0] == "200"
    for host in ("evil.example", "evil.example:4578", "127.0.0.1:80", ""):
        assert ask("/", host=host)[0] == "403"
    assert ask("/", sec_fetch_site="cross-site")[0] == "403"
    assert ask("/", sec_fetch_site="same-origin")[0] == "200"


def test_nothing_changes_but_by_its_own_page(ask: Any, client: Client) -> None:
    token = re.search('name="token" content="([^"]+)"', ask("/")[1])
    assert token is not None
    own = {"origin": f"http://{HOST}", "x_sm_tuning_token": token[1]}
    assert ask("/jobs/mine/stop")[0] == "404"  # a plain GET
    for lacking in (
        {},
        {"origin": own["origin"]},
        {"x_sm_tuning_token": token[1]},
        own | {"origin": "http://evil.example"},
        own | {"x_sm_tuning_token": "x"},
        own | {"host": "evil.example"},
    ):
        assert ask("/jobs/mine/stop", "POST", **lacking)[0] == "403"
    assert client.stopped == []
    status, body, _ = ask("/jobs/mine/stop", "POST", **own)
    assert (status, json.loads(body), client.stopped) == ("200", {"stopping": "mine"}, ["mine"])
    assert ask("/jobs/mine/delete", "POST", **own)[0] == "404"
    assert ask("/", "DELETE")[0] == "405"


def test_an_empty_choice_is_no_error(ask: Any) -> None:
    status, body, _ = ask("/compare")
    assert status == "200"
    assert "Tick two tuning jobs or more" in body
    assert ask("/report")[0] == "404"


@pytest.mark.parametrize("path", ["/compare", "/report"])
def test_more_tuning_jobs_than_it_shows_are_refused_not_left_out(path: str, ask: Any) -> None:
    query = "&".join(f"job=job-{number}" for number in range(13))
    status, body, _ = ask(f"{path}?{query}")
    assert (status, body) == ("409", "13 tuning jobs are asked for; at most 12 are shown together here")


def test_its_pages_let_no_script_in(ask: Any) -> None:
    _, _, headers = ask("/")
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/static/../app.py", "/static/app.py", "/jobs/../../etc", "/jobs/<b>", "/nothing"):
        assert ask(path)[0] == "404"


@pytest.fixture
def dashboard(server: Server) -> Iterator[str]:
    code = "import sys; from sm_tuning.cli import main; sys.argv[0] = 'sm-tuning'; main()"
    command = [sys.executable, "-c", code, "dashboard", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, env=server.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split()[1]
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


def faults(page: Any) -> list[str]:
    """What axe-core finds serious or critical; nothing where it is not installed."""
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text(encoding="utf-8"))  # not a script of the page: its policy would refuse that
    violations = page.evaluate("axe.run({resultTypes: ['violations']}).then(seen => seen.violations)")
    return [f"{page.url}: {rule['id']}" for rule in violations if rule["impact"] in {"serious", "critical"}]


def watch(page: Any) -> None:
    """The numbers of a running tuning job move without a reload."""
    page.evaluate("window.same = true")
    ended = page.locator("dl.figures dd").first

    def count() -> int:
        return int(ended.inner_text().split()[0])

    before, deadline = count(), time.monotonic() + WAIT / 1000
    while count() <= before:
        assert time.monotonic() < deadline, "the numbers did not move"
        page.wait_for_timeout(200)
    assert page.evaluate("window.same") is True


def search(page: Any) -> None:
    """The report's table is filtered and sorted."""
    page.locator("#jobs tbody tr").first.wait_for()
    until(page, "document.getElementById('shown').textContent !== ''")
    assert page.locator("#shown").inner_text().endswith(f"of {page.locator('#jobs tbody tr').count()}")
    page.locator("#filter").fill("plain")
    assert page.locator("#jobs tbody tr:visible").count() < page.locator("#jobs tbody tr").count()
    page.get_by_role("button", name="learning_rate").click()
    shown = [float(text) for text in page.locator("#jobs tbody tr:visible td:nth-child(5)").all_inner_texts()]
    assert shown == sorted(shown)


def compare(page: Any, dashboard: str, *names: str) -> None:
    """From the list of tuning jobs to their comparison; what is typed and ticked outlives the page's own refreshing."""
    page.goto(dashboard)
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Tick two tuning jobs or more").wait_for()
    page.locator("#filter").fill("other")
    until(page, "document.querySelectorAll('tbody tr:not([hidden])').length === 1")
    page.locator("#filter").fill("")
    for name in names:
        page.get_by_label(f"compare {name}").check()
    with page.expect_response(lambda response: response.url == page.url):
        pass
    page.get_by_role("button", name="Compare").click()
    page.locator('figure[data-chart="compared-over-jobs"] svg').wait_for()
    assert page.locator("main tbody tr").count() == len(names)
    texts = page.locator("figure svg").first.locator("text").all_text_contents()
    assert set(names) <= set(texts)


def restart(page: Any, server: Server) -> None:
    """An open page tells that nobody answers, and goes on when the emulator is there again."""
    server.end()
    page.locator("#trouble:not([hidden])").wait_for()
    server.start()
    page.locator("#trouble").wait_for(state="hidden")
    assert page.locator("figure svg").count() >= 1


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a browser that notes what its console says."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("a browser is needed: Debian's chromium (`make tools` as root)")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        tab = browser.new_page()
        tab.set_default_timeout(WAIT)
        tab.on("dialog", lambda dialog: dialog.accept())
        yield tab
        browser.close()


def training_job(page: Any) -> None:
    """From a mark of a chart to its training job: its curve, the lines that a metric matches, a search; and a log that grows."""
    history = page.locator('figure[data-chart="history"] g.mark-symbol.role-mark path')
    history.first.click()
    page.locator("pre.log", has_text="onerror").wait_for()
    page.locator('figure[data-chart="curves-0"] svg').wait_for()
    assert page.locator(".line.matched").count() == 30
    last = page.locator(".line.matched").last.inner_text()  # what stands above it is hidden
    page.locator("input.search").fill(last)
    until(page, "document.querySelectorAll('.line:not([hidden])').length < 30")
    assert last in page.locator(".line:visible").all_inner_texts()
    page.go_back()
    page.locator("main table a").first.click()  # a running one
    page.locator("pre.log", has_text="score=").wait_for()
    page.get_by_role("link", name="watched", exact=True).click()


def test_in_a_browser(
    server: Server, dashboard: str, job: Callable[..., TuningJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Any
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, server.environment[name])
    (tmp_path / "train.py").write_text(SCRIPT)
    session = boto3.Session()
    session.client("s3").create_bucket(Bucket="bucket")
    ranges = [learning_rate(), Categorical("kind", [EVIL, "plain"])]
    job(name="other", ranges=ranges, max_jobs=1).launch(session)
    run = job(name="watched", ranges=ranges, max_jobs=500).launch(session)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(dashboard)
    page.get_by_role("link", name="watched").click()
    watch(page)
    page.locator('figure[data-chart="history"] g.mark-symbol.role-mark path').first.wait_for()
    assert "left, about" in page.locator("dl.figures").inner_text()
    assert EVIL in page.locator("main").inner_text()
    training_job(page)
    page.get_by_role("button", name="Stop this tuning job").wait_for()
    serious = faults(page)
    assert errors == []
    restart(page, server)
    assert [text for text in errors if "502" not in text] == []  # the browser notes that nobody answered
    errors.clear()
    page.get_by_role("button", name="Stop this tuning job").click()
    page.locator(".verdict strong", has_text="Stop").wait_for()
    page.goto(f"{dashboard}report?job=watched")
    search(page)
    compare(page, dashboard, "watched", "other")
    serious += faults(page)
    assert page.evaluate("window.hacked") is None
    assert errors == []
    assert serious == []
    assert run.wait(timeout=60).status == "Stopped"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_only_its_user_is_answered(client: Client) -> None:
    session = type("Session", (), {"client": lambda *_, **__: client})()
    server, url = serving(session, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    ask = ["curl", "--silent", "--max-time", "20", "--write-out", "%{http_code}", url]
    try:
        for user, status in ((os.geteuid(), "200"), (65534, "403")):
            answer = subprocess.run(ask, user=user, capture_output=True, text=True, check=False).stdout
            assert answer.endswith(status), user
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(server.close)  # by its own thread, which would fail if its sockets were closed meanwhile
        thread.join(timeout=30)
        assert not thread.is_alive()
