"""The report in a browser, and of a thousand training jobs."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from sm_tuning.report import page, view_model
from tests.conftest import ROOT
from tests.unit.sm_tuning.made_results import made


def test_in_a_browser(tmp_path: Path) -> None:
    """The script runs under the page's own policy: it counts the rows that the filter shows."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("a browser is needed: Debian's chromium (`make tools` as root)")
    (tmp_path / "report.html").write_text(page(view_model(made(30))), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]  # fmt: skip
    command = [chromium, *options, "--enable-logging=stderr", "--dump-dom", (tmp_path / "report.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "30 of 30" in done.stdout
    assert "CONSOLE" not in done.stderr, done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_all(tmp_path: Path, scheme: Any) -> None:
    """axe-core finds no serious or critical fault."""
    axe = ROOT / ".node" / "node_modules" / "axe-core" / "axe.min.js"
    chromium = shutil.which("chromium")
    if chromium is None or not axe.exists():
        pytest.skip("axe-core and a browser are needed: `make tools` as root, then `make .node/.ready`")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import

    (tmp_path / "report.html").write_text(page(view_model(made(30))), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
        tab = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
        tab.goto((tmp_path / "report.html").as_uri())
        tab.add_script_tag(path=axe)
        violations = tab.evaluate("axe.run()")["violations"]
        browser.close()
    serious = [rule for rule in violations if rule["impact"] in {"serious", "critical"}]
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in serious] == []


def test_a_thousand_training_jobs() -> None:
    """The issue's own bounds: 20 s, 15 MB."""
    results = made(1000, 100)
    begun = time.process_time()
    html = page(view_model(results))
    assert time.process_time() - begun < 20
    assert len(html) < 15 * 2**20
