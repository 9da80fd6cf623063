"""Writes docs/rules.md out of the registered rules: `python -m tests.unit.rules_page`, or `make pages`."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from local_emulator.api import limits
from sm_tuning.rules import algorithms, ranges, schema, training_job, tuning_job, update, warm_start
from sm_tuning.rules.registry import Section
from sm_tuning.validation.local_checks import LOCAL
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "rules.md"
SECTIONS: Sequence[Section[Any]] = (
    *(schema.TYPES, schema.CONSTRAINTS),
    *(tuning_job.STRATEGY, tuning_job.FORM, tuning_job.DEFINITIONS),
    ranges.RANGES,
    algorithms.TUNING,
    *(training_job.METRICS, training_job.RESOURCES, training_job.DATA),
    *(warm_start.WARM_START, warm_start.PARENTS),
    training_job.ALONE,
    update.UPDATE,
    LOCAL,
    *(limits.TRAINING, limits.TUNING, limits.CHOSEN),
)
"""In the order of the page; sections of one title stand together."""

_HEAD = """# Rules of tuning and training jobs

What SageMaker accepts, as far as it is known. `make pages` makes this page out of the rules themselves (`sm_tuning/rules`), which the
dry run and the emulator's API share: `TuningJob.dry_run()` shows every violation of a tuning job before anything is sent, in the
words that you typed, and the emulator refuses a request for the same violations in AWS's words, whatever client sends it.

Every rule has a name: `Violation.rule`. `sm-tuning plan` shows it in brackets, and the emulator sends it in the header
`x-sm-emulator-rules` of its `ValidationException`. `Violation.argument` is what you typed for the member, `Violation.path` the member
itself, `Violation.message` the API's sentence. All violations are told at once. Some rules no `TuningJob` can break: its parts raise
`Invalid` when they are made.

The account's quotas are no rules: they are `ResourceLimitExceeded`, with AWS's defaults in the emulator and `serve --quota NAME=N` to
change them. A name that is taken is `ResourceInUse`, a parent that is not there `ResourceNotFound`.
"""


def page() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD.rstrip("\n"), *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    for title, group in groupby(SECTIONS, key=lambda section: section.title):
        sections = list(group)
        yield from ("", f"## {title}", "")
        for note in [section.note for section in sections if section.note]:
            yield from (note, "")
        yield from ("| rule | what must hold |", "|---|---|")
        yield from (f"| `{rule.name}` | {rule.holds} |" for section in sections for rule in section.rules)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
