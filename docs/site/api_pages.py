"""Directives that document what a module makes public, so that no page holds a list of names.

Each line of the directive `api` is a module of `sm_tuning` (of which all public names are documented), another module with an
`__all__`, or the full name of what those mention. `fixtures` documents the pytest fixtures of a module.
"""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import sm_tuning

_LOG = logging.getLogger(__name__)
_BASES = "Emulator, object, Exception, BaseException, OSError, tuple, dict, str, StrEnum, AbstractContextManager, Sequence"


class Api(SphinxDirective):
    """Documents what its lines name."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Hand the names to autodoc, which reads reStructuredText."""
        return _parsed(self, (line for name in self.content if name for line in _described(name.strip())))


class Fixtures(SphinxDirective):
    """Documents the pytest fixtures of a module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A function for each fixture, with the type of its value."""
        lines: list[str] = []
        for name, fixture in vars(import_module(self.arguments[0])).items():
            if type(fixture).__name__ != "FixtureFunctionDefinition":
                continue
            function = fixture._get_wrapped_function()  # noqa: SLF001 - pytest has no other way to it
            returned = inspect.signature(function).return_annotation
            (value,) = get_args(returned) or [returned]  # what an iterator yields
            lines += [
                f".. py:data:: {name}",
                f"   :type: {_type_name(value)}",
                "",
                *_indented(inspect.getdoc(function) or ""),
                "",
            ]
        return _parsed(self, lines)


def _parsed(directive: SphinxDirective, lines: Iterable[str]) -> list[nodes.Node]:
    """The nodes of reStructuredText, within a page that is Markdown."""
    text = "\n".join(lines)
    return list(directive.parse_text_to_nodes(f"```{{eval-rst}}\n{text}\n```"))


def _type_name(annotation: Any) -> str:  # noqa: ANN401 - an annotation
    return str(getattr(annotation, "__forward_arg__", getattr(annotation, "__qualname__", annotation)))


def _indented(text: str) -> Iterator[str]:
    return (f"   {line}" for line in text.splitlines())


def _described(name: str) -> Iterator[str]:
    for full in _names(name):
        module, _, last = full.rpartition(".")
        yield from _autodoc(full, getattr(import_module(module), last))


def _names(line: str) -> list[str]:
    """The names that a line stands for."""
    public = [name for name in sm_tuning.__all__ if sm_tuning._MODULES[name] == line]  # noqa: SLF001 - our own
    if public:
        return [f"sm_tuning.{name}" for name in sorted(public, key=_position)]
    try:
        module = import_module(line)
    except ModuleNotFoundError:
        return [line]
    return [f"{line}.{name}" for name in module.__all__]


def _position(name: str) -> tuple[str, int]:
    """Where a public name is defined: what is first in a module is first on a page."""
    value = getattr(sm_tuning, name)
    return value.__module__, inspect.getsourcelines(value)[1]


def _autodoc(full: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        yield from (f".. {kind}:: {full}", "   :members:", f"   :inherited-members: {_BASES}")
        if issubclass(value, Enum):
            yield "   :undoc-members:"
        if issubclass(value, BaseException):
            yield "   :show-inheritance:"
    elif inspect.isfunction(value):
        yield f".. autofunction:: {full}"
    else:
        yield f".. autodata:: {full}"
    yield ""


def _with_defaults(
    _app: Sphinx, _kind: str, _name: str, value: type, _options: object, signature: str | None, returned: str
) -> tuple[str, str] | None:
    """A signature with what dataclasses' default factories make, which autodoc shows as `<factory>`."""
    if not signature or "<factory>" not in signature:
        return None
    for field in fields(value):
        if field.default_factory is not MISSING:
            default = field.default_factory()
            text = f"{type(default).__name__}()" if is_dataclass(default) or isinstance(default, Path) else repr(default)
            signature = signature.replace("<factory>", text, 1)
    return signature, returned


def _without_type(_app: Sphinx, kind: str, _name: str, _value: object, _options: object, lines: list[str]) -> None:
    """Give a property's docstring an empty type for napoleon, which takes all before the first line's first colon for one."""
    if kind == "property" and lines:
        lines[0] = f": {lines[0]}"


def _with_dashes(_app: Sphinx, doctree: nodes.document) -> None:
    """Make dashes of the hyphens that Sphinx sets between a parameter and its meaning; those of options stay."""
    for text in list(doctree.findall(nodes.Text)):
        if text.startswith(" -- "):
            text.parent.replace(text, nodes.Text(text.replace(" -- ", " – ", 1)))  # noqa: RUF001 - a dash


def _complain_of_missing(app: Sphinx, error: Exception | None) -> None:
    """Warn, which ends a strict build, of public names that no page documents."""
    objects = app.env.get_domain("py").objects
    missing = [name for name in sm_tuning.__all__ if f"sm_tuning.{name}" not in objects]
    if missing and error is None:
        _LOG.warning("docs/reference documents none of: %s", ", ".join(missing))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives, and what makes their pages readable and whole."""
    app.add_directive("api", Api)
    app.add_directive("fixtures", Fixtures)
    app.connect("autodoc-process-signature", _with_defaults)
    app.connect("autodoc-process-docstring", _without_type, priority=499)  # napoleon has 500
    app.connect("doctree-read", _with_dashes)
    app.connect("build-finished", _complain_of_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
