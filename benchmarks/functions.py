"""Analytic functions to minimise, other than those of `problems.py`: four of the first series and four of the later one."""

import math
import zlib
from collections.abc import Callable

import numpy as np

from benchmarks.problem import Problem, Values, linear, lowest, numbers
from local_emulator.domain.space import Categorical, Continuous, Integer, Point, Scaling, Space

HARTMANN3 = (
    np.array([[3.0, 10, 30], [0.1, 10, 35], [3.0, 10, 30], [0.1, 10, 35]]),
    1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]),
)
"""How narrow the four hills of Hartmann's function of three inputs are, and where: shape (hills, inputs)."""


def hartmann(x: Values, narrow: Values, centres: Values) -> float:
    """Hartmann's function: four hills, turned over."""
    return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(narrow * (x - centres) ** 2).sum(axis=1)))


def hartmann3() -> Problem:
    """Three dimensions, four hills."""

    def value(point: Point) -> float:
        return hartmann(numbers(point, *"abc"), *HARTMANN3)

    return Problem("hartmann3", Space(parameters=linear(0, 1, *"abc")), value, -3.86278)


def levy() -> Problem:
    """Four dimensions, ripples along each; the optimum is not in the middle, where searches may begin."""

    def value(point: Point) -> float:
        w = 1 + (numbers(point, *"abcd") - 1) / 4
        middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)
        end = (w[-1] - 1) ** 2 * (1 + np.sin(2 * math.pi * w[-1]) ** 2)
        return float(np.sin(math.pi * w[0]) ** 2 + middle.sum() + end)

    return Problem("levy", Space(parameters=linear(-6, 12, *"abcd")), value, 0.0)


def styblinski() -> Problem:
    """Five dimensions, two valleys along each."""

    def value(point: Point) -> float:
        x = numbers(point, *"abcde")
        return float((x**4 - 16 * x**2 + 5 * x).sum() / 2)

    return Problem("styblinski", Space(parameters=linear(-5, 5, *"abcde")), value, -39.16616570377142 * 5)


def categories() -> Problem:
    """Two categories that shift and tilt a valley of three numbers, one of them whole."""
    space = Space(
        parameters=(
            Categorical(name="k", values=("a", "b", "c", "d")),
            Categorical(name="l", values=("a", "b", "c")),
            Integer(name="n", low=1, high=30, scaling=Scaling.LINEAR),
            Continuous(name="x", low=1e-4, high=1.0, scaling=Scaling.LOGARITHMIC),
            *linear(0, 1, "y"),
        )
    )
    shift = {"a": 0.0, "b": 0.7, "c": -0.8, "d": 0.3}

    def value(point: Point) -> float:
        n, x, y = numbers(point, "n", "x", "y")
        off = math.log10(x) + 2.2 - shift[point["k"]]
        bowl = 0.5 * off**2 + (n - 12) ** 2 / 200 + 2 * (y - 0.3 - 0.1 * off) ** 2
        return float(bowl + 0.2 * "bacd".index(point["k"]) + 0.3 * (point["l"] != "b") * (1 + y))

    return Problem("categories", space, value, lowest(space, value))


def shekel() -> Problem:
    """Four dimensions, ten holes of which the deepest is narrow."""
    rows = "4 4 4 4,1 1 1 1,8 8 8 8,6 6 6 6,3 7 3 7,2 9 2 9,5 5 3 3,8 1 8 1,6 2 6 2,7 3.6 7 3.6"
    centres = np.array([[float(number) for number in row.split()] for row in rows.split(",")])
    width = np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5]) / 10

    def value(point: Point) -> float:
        return -float((1 / (((numbers(point, *"abcd") - centres) ** 2).sum(axis=1) + width)).sum())

    space = Space(parameters=linear(0, 10, *"abcd"))
    return Problem("shekel", space, value, -10.5364)


def borehole() -> Problem:
    """Water through a borehole, eight dimensions: smooth, lowest in a corner, two of them in logarithms."""
    space = Space(
        parameters=(
            Continuous(name="r", low=100, high=50000, scaling=Scaling.LOGARITHMIC),
            Continuous(name="rw", low=0.05, high=0.15, scaling=Scaling.LOGARITHMIC),
            *linear(63070, 115600, "tu"),
            *linear(990, 1110, "hu"),
            *linear(63.1, 116, "tl"),
            *linear(700, 820, "hl"),
            *linear(1120, 1680, "l"),
            *linear(9855, 12045, "kw"),
        )
    )

    def value(point: Point) -> float:
        r, rw, tu, hu, tl, hl, length, kw = numbers(point, "r", "rw", "tu", "hu", "tl", "hl", "l", "kw")
        logarithm = math.log(r / rw)
        return float(2 * math.pi * tu * (hu - hl) / (logarithm * (1 + 2 * length * tu / (logarithm * rw**2 * kw) + tu / tl)))

    return Problem("borehole", space, value, lowest(space, value))


def vessel() -> Problem:
    """The cost of a pressure vessel: two whole numbers, two others, and penalties for what would not hold."""
    space = Space(
        parameters=(
            Integer(name="shell", low=1, high=40, scaling=Scaling.LINEAR),
            Integer(name="head", low=1, high=40, scaling=Scaling.LINEAR),
            *linear(10, 100, "radius"),
            *linear(10, 200, "length"),
        )
    )

    def value(point: Point) -> float:
        shell, head, radius, length = numbers(point, "shell", "head", "radius", "length")
        shell, head = 0.0625 * shell, 0.0625 * head
        cost = (
            0.6224 * shell * radius * length + 1.7781 * head * radius**2 + 3.1661 * shell**2 * length + 19.84 * shell**2 * radius
        )
        volume = math.pi * radius**2 * length + 4 / 3 * math.pi * radius**3
        missing = max(0.0193 * radius / shell - 1, 0) + max(0.00954 * radius / head - 1, 0) + max(1.296e6 / volume - 1, 0)
        return float(math.log(cost + 20_000 * missing))

    return Problem("vessel", space, value, lowest(space, value))


def branches() -> Problem:
    """A category decides which of the numbers count, as of an optimizer's; with noise."""
    space = Space(
        parameters=(
            Categorical(name="kind", values=("a", "b", "c")),
            Integer(name="depth", low=1, high=12, scaling=Scaling.LINEAR),
            Continuous(name="rate", low=1e-5, high=1.0, scaling=Scaling.LOGARITHMIC),
            *linear(0, 1, "momentum", "drop"),
        )
    )

    def value(point: Point) -> float:
        depth, rate, momentum, drop = numbers(point, "depth", "rate", "momentum", "drop")
        effective = math.log10(rate / (1.01 - momentum) if point["kind"] == "a" else rate)
        off = effective - {"a": -1.4, "b": -3.2, "c": -2.3}[point["kind"]]
        bend = min(0.25 * off**2, 1.5) + 0.02 * abs(depth - 7) + (0.6 * (drop - 0.2) ** 2 if point["kind"] != "c" else 0.1)
        return float(0.3 + bend + {"a": 0.0, "b": 0.03, "c": 0.02}[point["kind"]])

    def noisy(point: Point, seed: int) -> float:
        word = zlib.crc32(f"{seed} {sorted(point.items())}".encode())
        return value(point) + 0.01 * float(np.random.default_rng(word).normal())

    return Problem("branches", space, value, lowest(space, value), noisy)


FIRST: dict[str, Callable[[], Problem]] = {problem.__name__: problem for problem in (hartmann3, levy, styblinski, categories)}
LATER: dict[str, Callable[[], Problem]] = {problem.__name__: problem for problem in (shekel, borehole, vessel, branches)}
