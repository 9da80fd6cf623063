"""The tutorial, executed as it stands; and the live progress of `wait`, which is part of it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from sm_tuning.client import emulator_process
from tests.conftest import ROOT

pytestmark = pytest.mark.slow(16)

TUTORIAL = ROOT / "docs/tutorial.ipynb"
ENVIRONMENT = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SAGEMAKER",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
)
CHARTS = {"history", "curves", "parallel", "importances", "slice", "contour", "both"}


def read() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(TUTORIAL, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Mapping[str, Any]]]:
    """What each cell shows, by the cell's id: the data of its outputs by their types."""
    folder = tmp_path_factory.mktemp("tutorial")
    notebook = read()
    with pytest.MonkeyPatch.context() as patch:
        for name in ENVIRONMENT:
            patch.delenv(name, raising=False)
        patch.setenv("SM_EMULATOR_STATE", str(folder / "state"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        try:
            NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
        finally:
            emulator_process.call("stop", state=folder / "state")
    assert (folder / "tutorial/report.html").stat().st_size > 100_000
    assert list((folder / "tutorial").glob("*.tar.gz"))
    return {cell["id"]: [output.get("data", {}) for output in cell.get("outputs", ())] for cell in notebook.cells}


def text(outputs: Mapping[str, list[Mapping[str, Any]]], cell: str) -> str:
    return str(outputs[cell][-1]["text/plain"])


def test_objects_are_shown_as_html_and_as_text(outputs: Mapping[str, list[Mapping[str, Any]]]) -> None:
    for cell in ("describe", "mistakes", "dry-run", "launch", "results", "diagnosis", "next"):
        assert {"text/html", "text/plain"} <= set(outputs[cell][-1]), cell
    assert text(outputs, "mistakes").count("problem: ") == 4
    assert text(outputs, "dry-run") == "no problems"
    assert "8 Completed" in text(outputs, "results")


def test_waiting_shows_a_bar_that_is_full_at_the_end(outputs: Mapping[str, list[Mapping[str, Any]]]) -> None:
    live, result = outputs["wait"]
    assert 'value="8" max="8"' in live["text/html"]
    assert ": Completed" in live["text/html"]
    assert set(result) == {"text/plain"}
    assert "8 of 8 training jobs ended (0 failed)" in result["text/plain"]


def test_charts_are_shown_by_what_draws_vega_and_by_what_does_not(outputs: Mapping[str, list[Mapping[str, Any]]]) -> None:
    for cell in CHARTS:
        (data,) = outputs[cell]
        kind = "application/vnd.vega.v5+json" if cell == "parallel" else "application/vnd.vegalite.v5+json"
        assert set(data) == {kind, "image/svg+xml", "text/plain"}, cell


def test_the_next_round_follows_the_advice(outputs: Mapping[str, list[Mapping[str, Any]]]) -> None:
    assert "still improving" in text(outputs, "diagnosis")
    assert "more epochs" in text(outputs, "diagnosis")
    assert "3 to 20" in text(outputs, "next")
    assert "5 of 5 training jobs ended" in text(outputs, "next-run")
    assert "'epochs': " in text(outputs, "best")


def test_it_is_committed_without_outputs() -> None:
    notebook = read()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell["id"] for cell in code if cell.outputs or cell.execution_count is not None]


def test_its_links_lead_to_pages_that_are_there() -> None:
    cells = read().cells
    links = re.findall(r"\]\(([^)#]+)", "\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    assert len(links) > 2
    assert not [link for link in links if not Path(TUTORIAL.parent, link).exists()]
