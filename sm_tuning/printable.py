"""Text of others, without the characters that a terminal obeys or that make text look like other text."""

import re

# C0 and C1 controls (ESC is one), soft hyphens, marks that turn or hide text (bidi, zero width, tags), line separators and lone
# surrogates. Joiners stay: emoji and several scripts need them, and they change nothing around them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_OCTAL = 0x100  # below, a character is shown as CloudWatch's console shows it


def printable(text: str) -> str:
    """The text with such characters shown (ESC as `#033`, U+202E as `#u202e`) instead of sent; newlines and tabs stay."""
    if text.isprintable():
        return text
    return _UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"#{code:03o}" if code < _OCTAL else f"#u{code:04x}"
