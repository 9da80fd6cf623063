"""What the code has too much of, counted for each package. A number here may only be lowered."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import grimp
import pytest

from tests.conftest import ROOT

PACKAGES = ("sm_tuning", "local_emulator")
MOST_LINES = 400
# Programs of one file, which are copied or started by name.
SINGLE_FILE_PROGRAMS: frozenset[str] = frozenset()
VAGUE = {"one", "found", "place", "told"}
# What has no such word need not be parsed.
_INDENTED_IMPORT = re.compile(r"^\s+(?:import|from)\b", re.MULTILINE)
_VAGUE_WORD = re.compile(rf"\b(?:{'|'.join(VAGUE)})\b")

IMPORTS_IN_FUNCTIONS = {"sm_tuning": 12, "local_emulator": 13}  # together at most 25
WITHOUT_REASON = {"sm_tuning": 0, "local_emulator": 0}
LONG_FILES = {"sm_tuning": 0, "local_emulator": 0, "tests": 0}
MODULES_IN_CYCLES = {"sm_tuning": 0, "local_emulator": 0}
VAGUE_NAMES = dict.fromkeys(("sm_tuning", "local_emulator", "training_scripts", "tests", "benchmarks"), 0)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources(package: str) -> Mapping[Path, str]:
    """The text of every module of a package."""
    return {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in sorted((ROOT / package).rglob("*.py"))}


parsed = cache(ast.parse)


def imports_in_functions(text: str) -> Iterator[int]:
    """The lines of imports that run when a function is called."""
    if not _INDENTED_IMPORT.search(text):
        return iter(())
    tree = parsed(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    inside = {node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)}
    return (node.lineno for node in sorted(inside, key=lambda node: node.lineno))


def has_reason(text: str, number: int) -> bool:
    """Whether a line has a comment that says more than which rule it breaks, or one stands above its block of imports."""
    lines = text.splitlines()
    comment = lines[number - 1].partition("#")[2].strip()
    if comment.startswith("noqa"):
        comment = comment.partition(" - ")[2]
    while not comment and "import " in lines[number - 2]:
        number -= 1
        comment = lines[number - 1].partition(" - ")[2]
    return bool(comment) or lines[number - 2].lstrip().startswith("#")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("import x", False),
        ("import x  # noqa: PLC0415", False),
        ("import x  # noqa: PLC0415 - heavy", True),
        ("# heavy\n    import x", True),
        ("# heavy\n    import w\n    import x", True),
        ("import w  # noqa: PLC0415 - both are heavy\n    import x  # noqa: PLC0415", True),
        ("call()\n    import x", False),
    ],
)
def test_a_reason_is_a_comment(block: str, reason: bool) -> None:  # noqa: FBT001 - a case
    text = f"def function():\n    {block}\n"
    assert list(imports_in_functions(text)) == [number for number, line in enumerate(text.splitlines(), 1) if "import" in line]
    assert has_reason(text, list(imports_in_functions(text))[-1]) is reason


def names(text: str) -> Iterator[str]:
    """The names of variables, parameters, attributes, functions and classes, as often as they are set."""
    for node in ast.walk(parsed(text)):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
                | ast.arg(arg=name)
                | ast.alias(asname=str(name))
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield name


def in_cycles(package: str) -> set[str]:
    """The modules from which imports, those in functions too, lead back to themselves."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True)
    return {
        module
        for module in graph.modules
        if any(graph.chain_exists(imported, module) for imported in graph.find_modules_directly_imported_by(module))
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_in_functions(package: str) -> None:
    lines = [(path, text, number) for path, text in sources(package).items() for number in imports_in_functions(text)]
    assert len(lines) <= IMPORTS_IN_FUNCTIONS[package], [f"{path}:{number}" for path, _, number in lines]
    without = [f"{path}:{number}" for path, text, number in lines if not has_reason(text, number)]
    assert len(without) <= WITHOUT_REASON[package], f"imports in functions without a comment that says why: {without}"


@pytest.mark.parametrize("package", [*PACKAGES, "tests"])
def test_lengths_of_files(package: str) -> None:
    lengths = {str(path): text.count("\n") for path, text in sources(package).items() if str(path) not in SINGLE_FILE_PROGRAMS}
    long = {path: length for path, length in lengths.items() if length > MOST_LINES}
    assert len(long) <= LONG_FILES[package], long


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_others(package: str) -> None:
    modules = in_cycles(package)
    assert len(modules) <= MODULES_IN_CYCLES[package], sorted(modules)


@pytest.mark.parametrize(
    "text",
    [
        "one = 1",
        "a, (one, *b) = c",
        "for a, one in b: pass",
        "[one for one in a]",
        "(one := 1)",
        "a.one: int = 1",
        "with a as one: pass",
        "def one(): pass",
        "async def a(*, one): pass",
        "lambda *one: 1",
        "class one: pass",
        "import a as one",
        "try: pass\nexcept E as one: pass",
        "match a:\n    case [1, *one]: pass",
        "match a:\n    case {'b': one}: pass",
    ],
)
def test_what_sets_a_name(text: str) -> None:
    assert list(names(f"{text}\nprint(one, a.one)")).count("one") == 1


@pytest.mark.parametrize("package", VAGUE_NAMES)
def test_names_say_what_they_hold(package: str) -> None:
    counts = {
        path: Counter(name for name in names(text) if name in VAGUE)
        for path, text in sources(package).items()
        if _VAGUE_WORD.search(text)
    }
    total = sum(count.total() for count in counts.values())
    assert total <= VAGUE_NAMES[package], {str(path): dict(count) for path, count in counts.items() if count}
