"""docs/rules.md lists the rules of both sides, each by its name, and says truly which of them the dry run checks."""

import ast
import re
from pathlib import Path

import local_emulator
import sm_tuning

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def _named(call: str, package: str) -> set[str]:
    """First arguments of every call of a class in a package's source."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(package).parent.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    first = [node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == call and node.args]
    return {node.value for node in first if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_rule_is_on_the_page() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .+ \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    page = dict(rows)
    assert len(page) == len(rows)
    emulator, dry_run = _named("Broken", local_emulator.__file__), _named("Problem", sm_tuning.__file__)
    assert len(emulator) > 50
    assert set(page) == emulator | dry_run
    assert {name for name, kept in page.items() if "checked" in kept or "client" in kept} == dry_run
    for name in dry_run - emulator:
        assert name.startswith("model-") or name in {"script-missing", "channel-missing"}
