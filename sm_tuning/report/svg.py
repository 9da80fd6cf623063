"""Charts as SVG text: scales, axes and marks. Colours are CSS variables of the page, with defaults for a file of its own."""

import html
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sm_tuning.errors import Invalid, optional_package
from sm_tuning.printable import printable

P = TypeVar("P", bound=tuple[float, ...])

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 44
_ROOM = 0.05
_LEGEND = 20  # height of one of its lines
_FEW_POWERS = 2
_FAR_OFF = 10.0  # times the width of the middle half: drawn at the edge
_SMALL, _LARGE = 1e-3, 1e5  # beyond, numbers are written with an exponent
_MOST_POINTS = 400  # of a line: more cannot be seen
# Variables of a page's style sheet; written out where a drawing stands alone, because few programs but browsers know CSS variables.
_COLOURS = {
    "ink": "#1d2330",
    "soft": "#667085",
    "line": "#d6dae3",
    "good": "#15803d",
    "bad": "#b42318",
    "one": "#2f5bd7",
    "two": "#c2410c",
    "three": "#7c3aed",
    "four": "#0e7490",
    "five": "#a16207",
}
# By name too: resvg does not ask the system which font `sans-serif` is.
_FONTS = "system-ui,Helvetica,Arial,'DejaVu Sans','Liberation Sans','Noto Sans',Roboto,Verdana,sans-serif"
_STYLE = f"text{{font-size:12px;font-family:{_FONTS};fill:var(--ink)}}"


def escape(label: str) -> str:
    """Text of others for a drawing, without characters that turn or hide text around it or that XML forbids."""
    return html.escape(printable(label))


def nice(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between two ends."""
    if not high > low:
        return [low]
    step = 10 ** math.floor(math.log10((high - low) / count))
    step *= next((factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= count), 10)
    first = math.ceil(low / step - 1e-9)
    return [
        (first + index) * step for index in range(int((high - low) / step + 1e-9) + 1) if (first + index) * step <= high + 1e-9
    ]


def text(value: float) -> str:
    """A number on an axis."""
    if value == 0 or _SMALL <= abs(value) < _LARGE:
        return f"{value:.4g}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


@dataclass(frozen=True)
class Scale:
    """Maps values to pixels along an axis."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The position of a value, in pixels; at most a little outside the axis."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = 0.5 if high == low else (self._scaled(value) - low) / (high - low)
        return self.start + min(max(share, -0.02), 1.02) * (self.end - self.start)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Values that get a number."""
        if not self.logarithmic:
            return nice(self.low, self.high)
        powers = range(math.ceil(self._scaled(self.low) - 1e-9), math.floor(self._scaled(self.high) + 1e-9) + 1)
        ticks = [10.0**power for power in powers]
        if len(ticks) <= _FEW_POWERS:  # a narrow range has 1, 2 and 5 of each power of ten
            finer = [factor * 10.0**power for power in range(powers.start - 1, powers.stop) for factor in (1, 2, 5)]
            ticks = [value for value in finer if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
        return ticks if len(ticks) > 1 else [self.low, self.high]


def spread(values: Iterable[float], share: float = _ROOM) -> tuple[float, float]:
    """The ends of an axis for some values: finite, with a margin, and without values that are far off."""
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return 0.0, 1.0
    lower, upper = finite[len(finite) // 4], finite[-1 - len(finite) // 4]
    far = _FAR_OFF * (upper - lower) or math.inf
    low = next(value for value in finite if value >= lower - far)
    high = next(value for value in reversed(finite) if value <= upper + far)
    room = (high - low) * share if high > low else abs(high) * _ROOM or 1.0
    return low - room, high + room


@dataclass
class Chart:
    """A drawing with two axes."""

    title: str
    across: Scale
    up: Scale
    x_label: str = ""
    y_label: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    marks: list[str] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def made(
        cls,
        title: str,
        across: tuple[float, float],
        up: tuple[float, float],
        labels: tuple[str, str],
        *,
        logarithmic: bool = False,
        width: int = WIDTH,
        height: int = HEIGHT,
        left: int = _LEFT,
    ) -> "Chart":
        """A chart for values between two ends each."""
        return cls(
            title,
            Scale(*across, left, width - _RIGHT, logarithmic),
            Scale(*up, height - _BOTTOM, _TOP),
            *labels,
            width=width,
            height=height,
        )

    def line(self, points: Sequence[tuple[float, float]], kind: str, hint: str = "", *, step: bool = False) -> None:
        """A line through points; it is interrupted at values that are not finite."""
        for part in _parts(_thinned(points)):
            pixels = [(self.across(x), self.up(y)) for x, y in part]
            if step:
                corners = [(x, y) for (x, _), (_, y) in zip(pixels[1:], pixels, strict=False)]
                pixels = [pixels[0], *(point for pair in zip(corners, pixels[1:], strict=True) for point in pair)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
            self.marks.append(f'<polyline class="{kind}" points="{path}">{_hint(hint)}</polyline>')

    def area(self, points: Sequence[tuple[float, float, float]], kind: str, hint: str = "") -> None:
        """The area between two lines: x, and the y of each."""
        finite = [point for point in _thinned(points) if all(map(math.isfinite, point))]
        upper = [f"{self.across(x):.1f},{self.up(y):.1f}" for x, y, _ in finite]
        lower = [f"{self.across(x):.1f},{self.up(y):.1f}" for x, _, y in reversed(finite)]
        self.marks.append(f'<polygon class="{kind}" points="{" ".join(upper + lower)}">{_hint(hint)}</polygon>')

    def dot(self, x: float, y: float, kind: str, hint: str = "", size: float = 3.5) -> None:
        """A point."""
        if math.isfinite(x) and math.isfinite(y):
            circle = f'cx="{self.across(x):.1f}" cy="{self.up(y):.1f}" r="{size}"'
            self.marks.append(f'<circle class="{kind}" {circle}>{_hint(hint)}</circle>')

    def bar(self, x: float, end: float, y: float, size: float, kind: str, hint: str = "") -> None:
        """A horizontal bar from x to end, its middle at y (pixels)."""
        left, right = sorted((self.across(x), self.across(end)))
        box = f'x="{left:.1f}" y="{y - size / 2:.1f}" width="{max(right - left, 1):.1f}" height="{size:.1f}"'
        self.marks.append(f'<rect class="{kind}" rx="2" {box}>{_hint(hint)}</rect>')

    def upright(self, x: float, kind: str, label: str) -> None:
        """A vertical line with a word beside it."""
        at = self.across(x)
        self.marks.append(f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{self.height - _BOTTOM}"/>')
        side, anchor = (-4, "end") if at > self.width / 2 else (4, "start")
        self.marks.append(f'<text class="soft" x="{at + side:.1f}" y="{_TOP + 12}" text-anchor="{anchor}">{escape(label)}</text>')

    def words(self, x: float, y: float, label: str, kind: str = "", anchor: str = "start") -> None:
        """Text at a position in pixels."""
        self.marks.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(label)}</text>')

    def svg(self, x_text: Callable[[float], str] = text, *, bare_left: bool = False) -> str:
        """The whole drawing."""
        below = list(self._legend())
        height = self.height + _LEGEND * len(self.legend)
        return drawing(self.title, self.width, height, [*self._axes(x_text, bare_left=bare_left), *self.marks, *below])

    def _legend(self) -> Iterator[str]:
        """A sample of its line and a name for each entry, below the axis."""
        for index, (kind, label) in enumerate(self.legend):
            y = self.height + _LEGEND * index + 8
            yield f'<line class="{kind}" x1="{_LEFT}" x2="{_LEFT + 34}" y1="{y}" y2="{y}"/>'
            yield f'<text x="{_LEFT + 44}" y="{y + 4}">{escape(label)}</text>'

    def _axes(self, x_text: Callable[[float], str], *, bare_left: bool) -> Iterator[str]:
        floor = self.height - _BOTTOM
        for value in self.across.ticks():
            x = self.across(value)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{floor}"/>'
            yield f'<text class="soft" x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{escape(x_text(value))}</text>'
        for value in [] if bare_left else self.up.ticks():
            y = self.up(value)
            yield f'<line class="grid" x1="{_LEFT}" x2="{self.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text(value))}</text>'
        yield _label(self.x_label, (self.width + _LEFT) / 2, self.height - 8)
        if not bare_left:
            yield _label(self.y_label, 14, (floor + _TOP) / 2, turned=True)


def drawing(title: str, width: int, height: int, marks: Iterable[str]) -> str:
    """An SVG document, which may also stand in a page."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
    return f"{head}<title>{escape(title)}</title>{''.join(marks)}</svg>"


def alone(svg: str, rules: str) -> str:
    """A drawing as a file of its own, with its style and colours in it."""
    at = svg.index(">") + 1
    styled = f"{svg[:at]}<style>{_STYLE}{rules}</style>{svg[at:]}"
    for name, colour in _COLOURS.items():
        styled = styled.replace(f"var(--{name})", colour)
    return styled


def png(svg: str) -> bytes:
    """A drawing that stands alone as an image, twice as large, on white.

    Raises:
        MissingExtra: resvg-py is not installed.
        Invalid: There is no font, so there would be no text.
    """
    with optional_package("results", "PNG files need resvg-py"):
        from resvg_py import svg_to_bytes  # noqa: PLC0415 - an extra
    empty, letter = (drawing("", 9, 9, [f'<text y="9">{words}</text>']) for words in (" ", "M"))
    if svg_to_bytes(svg_string=alone(empty, "")) == svg_to_bytes(svg_string=alone(letter, "")):
        raise Invalid("PNG files need a font, and none is installed; on Debian: apt-get install fonts-dejavu-core")
    return bytes(svg_to_bytes(svg_string=svg, background="#ffffff", zoom=2.0))


def _label(words: str, x: float, y: float, *, turned: bool = False) -> str:
    position = f'transform="translate({x} {y}) rotate(-90)"' if turned else f'x="{x}" y="{y}"'
    return f'<text class="soft" {position} text-anchor="middle">{escape(words)}</text>'


def _hint(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def _thinned(points: Sequence[P]) -> Sequence[P]:
    if len(points) <= _MOST_POINTS:
        return points
    every = len(points) / _MOST_POINTS
    return [*(points[int(index * every)] for index in range(_MOST_POINTS)), points[-1]]


def _parts(points: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    part: list[tuple[float, float]] = []
    for point in points:
        if math.isfinite(point[1]):
            part.append(point)
        elif part:
            yield part
            part = []
    if part:
        yield part
