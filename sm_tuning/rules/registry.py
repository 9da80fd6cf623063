"""Rules and the sections of docs/rules.md that list them. A rule is one function, registered under its name."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from sm_tuning.rules.violation import Violation

Facts = TypeVar("Facts")
"""What the rules of a section look at: a request, one of its definitions, one of its members."""

Check = Callable[[Facts], Iterable[Violation]]


@dataclass(frozen=True)
class Rule(Generic[Facts]):
    """A rule: its name, what must hold (a line of docs/rules.md), and the function that yields its violations."""

    name: str
    holds: str
    check: Check[Facts]


@dataclass(frozen=True)
class Section(Generic[Facts]):
    """Rules that look at the same facts, in the order in which they are checked and listed."""

    title: str
    note: str = ""
    rules: list[Rule[Facts]] = field(default_factory=list)

    def rule(self, name: str, holds: str) -> Callable[[Check[Facts]], Check[Facts]]:
        """Register the decorated function as a rule."""

        def register(check: Check[Facts]) -> Check[Facts]:
            self.rules.append(Rule(name, holds, check))
            return check

        return register

    def violations(self, facts: Facts) -> Iterator[Violation]:
        """Every violation of every rule, under the rule's name."""
        for rule in self.rules:
            for violation in rule.check(facts):
                yield replace(violation, rule=rule.name)
