"""Words of pages: text of others in charts, and what proposals are."""

from collections.abc import Mapping

from sm_tuning.analysis.proposals import Kind
from sm_tuning.printable import printable

# Vega looks texts up in plain JavaScript objects, in which these are there from the beginning.
_TAKEN = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"),
        *("__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)

# Of one, of several, and what that means.
_PROPOSED: Mapping[Kind, tuple[str, str, str]] = {
    Kind.SPREAD: ("is one of the first points", "are the first points", "spread out, as there was too little to learn from"),
    Kind.PARENTS: ("comes of the warm start", "come of the warm start", "good in the parents"),
    Kind.EXPLOITS: ("exploits", "exploit", "much was known there, and it was promising"),
    Kind.EXPLORES: ("explores", "explore", "little was known there"),
    Kind.RANDOM: ("is a random draw", "are random draws", "no result is looked at"),
    Kind.GRID: ("is of the grid", "are of the grid", "every combination, one after another"),
}


def of_kind(kind: Kind, count: int) -> str:
    """How many proposals are of a kind, and what that means, as a clause."""
    singular, plural, meaning = _PROPOSED[kind]
    return f"{count} {singular if count == 1 else plural} ({meaning})"


def label(text: str) -> str:
    """A text without characters that turn or hide text around it; a no-break space is added to the few that Vega cannot have."""
    return f"{printable(text)}\u00a0" if text in _TAKEN else printable(text)
