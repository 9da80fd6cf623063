"""docs/rules.md is what the registered rules say, each of which has a name of its own."""

import importlib
import pkgutil

import sm_tuning.rules
from local_emulator.api import limits
from sm_tuning.rules.registry import Section
from sm_tuning.validation import local_checks
from tests.unit.rules_page import PAGE, SECTIONS, page


def test_the_page_is_what_the_rules_say() -> None:
    """`make pages` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_section_is_on_the_page() -> None:
    names = [module.name for module in pkgutil.walk_packages(sm_tuning.rules.__path__, "sm_tuning.rules.")]
    modules = [*map(importlib.import_module, names), limits, local_checks]
    registered = [value for module in modules for value in vars(module).values() if isinstance(value, Section)]
    assert len(registered) > 10
    assert {id(section) for section in registered} == {id(section) for section in SECTIONS}


def test_names_are_unique() -> None:
    names = [rule.name for section in SECTIONS for rule in section.rules]
    assert len(set(names)) == len(names) > 60
