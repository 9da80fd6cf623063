"""docs/algorithms.md is what the emulator does with each of AWS's algorithms."""

import pytest

from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm
from tests.conftest import ROOT
from tests.unit.algorithms_page import DIFFERENCES, PAGE, algorithms, image, page, refusal


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make pages"


def test_the_readme_counts_what_has_no_stand_in() -> None:
    number = sum(not algorithm.emulated for algorithm in algorithms())
    assert f"| not yet | [{number}](docs/algorithms.md) of AWS's algorithms;" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_stand_in_says_how_it_differs() -> None:
    assert DIFFERENCES.keys() == {algorithm.program or algorithm.script for algorithm in algorithms() if algorithm.emulated}


@pytest.mark.parametrize("algorithm", algorithms(), ids=lambda algorithm: algorithm.name)
def test_what_has_no_stand_in_is_refused_by_name(algorithm: Algorithm) -> None:
    """In the page's sentences, which name what to do."""
    sentence = refusal(algorithm)
    if algorithm.emulated:
        assert sentence is None
        return
    shown = catalogue.load("tabtransformer" if algorithm.sources else "object2vec")
    wanted = str(refusal(shown)).replace(shown.title, algorithm.title).replace(image(shown), image(algorithm))
    if algorithm.sources:
        wanted = wanted.replace(f"/{shown.sources[0]}/", f"/{algorithm.sources[0]}/")
    assert sentence == wanted
    assert algorithm.title in wanted
    assert f"serve --image '{image(algorithm)}=COMMAND'" in wanted
