"""Release notes out of CHANGELOG.md: `python .ci/notes.py v0.2.0`. Fails unless the tag names the version of pyproject.toml."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str, version: str, changelog: str) -> str:
    """What CHANGELOG.md says below the heading of a version; raises SystemExit with the reason why a tag cannot be released."""
    if tag != f"v{version}":
        raise SystemExit(f"the tag {tag} does not name the version of pyproject.toml, {version}: it must be v{version}")
    headings = list(re.finditer(r"^## (.+)$", changelog, re.MULTILINE))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        if heading[1].split()[0] == version:
            return changelog[heading.end() : following.start() if following else None].strip() + "\n"
    raise SystemExit(f"CHANGELOG.md has no heading `## {version}`; what is unreleased gets it before the tag is made")


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sys.stdout.write(notes(sys.argv[1], project["version"], (ROOT / "CHANGELOG.md").read_text()))
