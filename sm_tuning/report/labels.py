"""Text of others in charts."""

from sm_tuning.printable import printable

# Vega looks texts up in plain JavaScript objects, in which these are there from the beginning.
_TAKEN = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"),
        *("__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)


def label(text: str) -> str:
    """A text without characters that turn or hide text around it; a no-break space is added to the few that Vega cannot have."""
    return f"{printable(text)}\u00a0" if text in _TAKEN else printable(text)
