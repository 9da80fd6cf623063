"""The report in a browser: what a click, a brush, a wheel and a word do, at three widths, in two themes and on paper."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sm_tuning.analysis.proposals import Kind, Proposal, Proposals
from sm_tuning.analysis.results import Results
from sm_tuning.report import page, view_model
from tests.conftest import ROOT
from tests.integration.sm_tuning.browsing import until
from tests.unit.sm_tuning.made_results import made

pytestmark = pytest.mark.slow(55)

AXE = ROOT / ".node" / "node_modules" / "axe-core" / "axe.min.js"
EVIL = '</script><img src=x onerror="window.hacked=1">\'\\u2028'
WAIT = 180_000  # milliseconds; a loaded machine draws late


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("a browser is needed: Debian's chromium (`make tools` as root)")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import

    options = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=options)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    results = made(30)
    proposals = {trial.name: Proposal(kind=Kind.EXPLORES, reason=f"little known of {trial.name}") for trial in results.trials}
    path.write_text(page(view_model(results, proposals=Proposals(by_name=proposals))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., tuple[Any, list[str]]]]:
    """Opens a page and waits for its charts; with it goes all that its console says, breaches of its policy among it."""
    contexts = []

    def open_page(address: str, *, drawn: bool = True, clock: str = "", **options: Any) -> tuple[Any, list[str]]:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(WAIT)
        tab = contexts[-1].new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else said.append(request.url))
        if not drawn:
            tab.add_init_script(f"window.setTimeout = () => 0; {clock}")
        tab.goto(address)  # until its load event
        if drawn:
            tab.wait_for_selector("html[data-charts=drawn]")
        return tab, said

    yield open_page
    for context in contexts:
        context.close()


def chart(tab: Any, name: str) -> Any:
    return tab.locator(f'figure[data-chart="{name}"]')


def marks(tab: Any, name: str) -> Any:
    return chart(tab, name).locator("g.mark-symbol.role-mark path")


def shown(tab: Any, mark: Any) -> Any:
    """What a mark tells under the pointer. A chart that is drawn again under a pointer that rests tells nothing: it moves."""
    tip = tab.locator("#tip")
    deadline = time.monotonic() + WAIT / 1000
    while not tip.is_visible():
        assert time.monotonic() < deadline
        tab.mouse.move(0, 0)
        mark.hover(timeout=WAIT)
        tab.wait_for_timeout(200)
    return tip


def test_a_mark_tells_its_training_job_and_opens_it(opened: Any, report: str) -> None:
    tab, said = opened(report)
    view = view_model(made(30))
    tip = shown(tab, marks(tab, "history").first)
    name = re.search(r"job-\d{4}", tip.inner_text())
    assert name is not None
    trial = next(trial for trial in view.trials if trial.name == name[0])
    assert f"{trial.settings['units']:g}" in tip.inner_text()
    marks(tab, "history").first.click()
    dialog = tab.locator("dialog#job")
    dialog.locator("svg").first.wait_for(timeout=WAIT)
    assert dialog.locator("h2").inner_text() == name[0]
    assert trial.hyperparameters["learning_rate"] in dialog.inner_text()
    assert trial.fit.verdict.value in dialog.inner_text()
    assert f"Why these hyperparameters: explores: little known of {trial.name}." in dialog.inner_text()
    assert tab.url.endswith(f"#{name[0]}")
    dialog.get_by_role("button", name="Close").click()
    assert "#" not in tab.url
    tab.locator("#jobs a").nth(2).click()
    assert dialog.locator("h2").inner_text() == tab.locator("#jobs a").nth(2).inner_text()
    assert said == []


def test_a_brush_filters_the_table_and_the_other_charts(opened: Any, report: str) -> None:
    tab, said = opened(report)
    before = marks(tab, "history").count()
    axis = chart(tab, "parallel-coordinates").locator("g.mark-rect.role-mark path[style*='ns-resize'], g.hit_3 path").last
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    x = box["x"] + box["width"] / 2
    tab.mouse.move(x, box["y"] + box["height"] - 2)
    tab.mouse.down()
    tab.mouse.move(x, box["y"] + box["height"] / 2, steps=4)
    tab.mouse.up()
    until(tab, "document.querySelectorAll('#jobs tbody tr[hidden]').length > 0")
    objectives = [float(text) for text in tab.locator("#jobs tbody tr:visible td:nth-child(3)").all_inner_texts()]
    everything = [trial.objective for trial in view_model(made(30)).ranking if trial.objective is not None]
    middle = (min(everything) + max(everything)) / 2
    assert 0 < len(objectives) < len(everything)
    assert max(objectives) < middle + 0.1 * middle
    until(tab, f"document.querySelectorAll('figure[data-chart=\"history\"] g.mark-symbol.role-mark path').length < {before}")
    assert tab.locator("#shown").inner_text() == f"{len(objectives)} of 30"
    tab.get_by_role("button", name="Show all").click()
    until(tab, f"document.querySelectorAll('figure[data-chart=\"history\"] g.mark-symbol.role-mark path').length === {before}")
    assert tab.locator("#shown").inner_text() == "30 of 30"
    assert said == []


def test_it_zooms_moves_and_has_logarithmic_axes(opened: Any, report: str) -> None:
    tab, said = opened(report)
    figure = chart(tab, "history")

    def drawn() -> str:
        return re.sub(r"clip\d+", "", figure.locator("svg").inner_html())

    def changed(before: str) -> str:
        deadline = time.monotonic() + WAIT / 1000
        while drawn() == before:
            assert time.monotonic() < deadline, "nothing moved"
            tab.wait_for_timeout(50)
        return drawn()

    first = drawn()
    figure.get_by_role("button", name="log").click()
    logarithmic = changed(first)
    assert figure.get_by_role("button", name="log").get_attribute("aria-pressed") == "true"
    figure.get_by_role("button", name="log").click()
    assert changed(logarithmic) == first
    figure.get_by_role("button", name="+").click()
    closer = changed(first)
    box = figure.locator("svg").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -200)
    tab.keyboard.up("Control")
    nearer = changed(closer)
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=3)
    tab.mouse.up()
    changed(nearer)
    figure.get_by_role("button", name="reset").click()
    deadline = time.monotonic() + WAIT / 1000
    while drawn() != first:
        assert time.monotonic() < deadline, "it is not as before"
        tab.wait_for_timeout(50)
    assert said == []


def test_words_filter_and_heads_sort(opened: Any, report: str) -> None:
    tab, said = opened(report)
    tab.locator("#filter").fill("stopped")
    shown = tab.locator("#jobs tbody tr:visible").count()
    assert 0 < shown < 30
    until(tab, f"document.querySelectorAll('figure[data-chart=\"timeline\"] g.mark-rect.role-mark path').length === {shown}")
    tab.locator("#filter").fill("")
    tab.get_by_role("button", name="learning_rate").click()
    rates = [float(text) for text in tab.locator("#jobs tbody tr td:nth-child(4)").all_inner_texts()]
    assert rates == sorted(rates)
    assert said == []


def test_hostile_text_is_inert(opened: Any, tmp_path: Path) -> None:
    results = made(12, others={EVIL: EVIL, "__proto__": "x", "constructor": "1"})
    trials = [replace(trial, name=f"{EVIL}{number}") for number, trial in enumerate(results.trials)]
    (tmp_path / "report.html").write_text(
        page(view_model(Results(tuning_jobs=results.tuning_jobs, trials=trials))), encoding="utf-8"
    )
    tab, said = opened((tmp_path / "report.html").as_uri())
    assert "onerror" in shown(tab, marks(tab, "history").first).inner_text()
    marks(tab, "history").first.click()
    tab.locator("dialog#job svg").first.wait_for(timeout=WAIT)
    assert tab.evaluate("window.hacked") is None
    assert said == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1024, "light"), (1440, "dark")])
def test_it_fits_and_can_be_read_by_all(width: int, scheme: Any, opened: Any, report: str) -> None:
    """No part is wider than the page, no chart is empty, and axe-core finds no serious or critical fault."""
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    tab, said = opened(report, **options)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for figure in tab.locator("figure[data-chart]").all():
        box = figure.locator("svg").bounding_box()
        assert box["width"] <= figure.bounding_box()["width"] + 1
        assert figure.locator("g.role-mark path, g.role-mark line, g.role-mark text").count() > 0
    assert said == []
    if AXE.exists():
        tab.evaluate(AXE.read_text(encoding="utf-8"))  # not a script of the page: its policy would refuse that
        violations = tab.evaluate("axe.run({resultTypes: ['violations']}).then(seen => seen.violations)")
        serious = [rule for rule in violations if rule["impact"] in {"serious", "critical"}]
        assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in serious] == []


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_twelve_training_jobs_print_on_three_pages(width: int, opened: Any, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page(view_model(made(12))), encoding="utf-8")
    tab, _ = opened((tmp_path / "report.html").as_uri(), color_scheme="dark", viewport={"width": width, "height": 900})
    printed = tab.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 3


def test_what_is_printed_at_once_has_all_charts(opened: Any, report: str) -> None:
    slow = "let now = 0; performance.now = () => (now += 10_000)"  # so the charts behind the first wait for a timer
    tab, said = opened(report, drawn=False, clock=slow)
    assert chart(tab, "timeline").locator("svg").count() == 0
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    for figure in tab.locator("figure[data-chart]").all():
        assert figure.locator("g.role-mark path, g.role-mark line, g.role-mark text").count() > 0
    assert said == []


def test_a_picture_at_the_load_event_has_all_charts(opened: Any, report: str) -> None:
    """As `chromium --headless --screenshot` takes it, where drawing takes no two seconds."""
    tab, said = opened(report, drawn=False, clock="performance.now = () => 0")
    assert tab.locator("html[data-charts=drawn]").count() == 1
    assert tab.locator("figure[data-chart] svg").count() == tab.locator("figure[data-chart]").count()
    assert said == []


def test_a_wide_table_uses_the_window(opened: Any, tmp_path: Path) -> None:
    """It is cut only where the window is too narrow; beside it is no more than the page's own margin."""
    others = {f"hyperparameter_{number}": "0.125" for number in range(3)}
    (tmp_path / "report.html").write_text(page(view_model(made(30, others=others))), encoding="utf-8")
    tab, _ = opened((tmp_path / "report.html").as_uri(), viewport={"width": 1440, "height": 900})
    box = tab.locator(".scroll:has(#jobs)")
    room, needed = box.evaluate("box => [box.clientWidth, box.scrollWidth]")
    assert box.bounding_box()["width"] > 1200  # as wide as text and charts are
    assert needed <= room
    tab.set_viewport_size({"width": 1000, "height": 900})
    assert box.bounding_box()["width"] >= 1000 - 60
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1000


def test_a_thousand_training_jobs(opened: Any, tmp_path: Path) -> None:
    """20 s of computing and 15 MB are the bounds; a word is applied to table and charts at once."""
    begun = time.process_time()
    view = view_model(made(1000, 100))
    html = page(view)
    assert time.process_time() - begun < 20
    assert len(html) < 15 * 2**20
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    tab, said = opened((tmp_path / "report.html").as_uri())
    assert tab.locator("figure[data-chart] canvas").count() == tab.locator("figure[data-chart]").count()
    tab.locator("#filter").fill("failed")
    failed = tab.locator("#jobs tbody tr:visible").count()
    assert 0 < failed <= sum(trial.objective is None for trial in view.trials)
    figure = chart(tab, "history").locator("canvas")
    figure.scroll_into_view_if_needed()
    before = figure.screenshot()
    tab.locator("#filter").fill("")
    deadline = time.monotonic() + WAIT / 1000
    while figure.screenshot() == before:
        assert time.monotonic() < deadline, "the training jobs that are shown again are not drawn"
    assert said == []
