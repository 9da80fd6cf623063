"""Samples are tried as the log shows them, and cut numbers are told of."""

import pytest

from local_emulator.runs.data.log import escape
from sm_tuning import Metric
from sm_tuning.errors import Invalid
from sm_tuning.spec.log_lines import cut_numbers, shown, whole_number


@pytest.mark.parametrize("code", [*range(10), *range(11, 33), 127, 160, 0x20AC])
def test_the_log_is_shown_as_the_emulator_shows_it(code: int) -> None:
    text = f"a{chr(code)}b"
    assert shown(text) == [escape(text.encode()).decode()]


def test_lines_of_the_log() -> None:
    assert shown("one\ntwo\r\n") == ["one", "two"]
    assert shown("") == [""]


@pytest.mark.parametrize(
    ("line", "part", "whole"),
    [
        ("loss: 7.1e-05", "7.1", "7.1e-05"),
        ("loss: -0.5", "0.5", "-0.5"),
        ("loss: 12,345.5", "12", "12,345.5"),
        ("acc: 93.5%", "93.5", None),  # per cent, as the diagnosis takes it
        ("loss: 0.25", "0", "0.25"),
        ("loss: -inf", "inf", "-inf"),
        ("loss: 0.25", "0.25", None),
        ("loss: 7.1e-05", "7.1e-05", None),
        ("val-0.5", "0.5", None),  # a hyphen
        ("epoch 1-3", "3", None),
        ("[0.5,0.25]", "0.5", None),
        ("1,2345", "2345", None),
        ("loss: nan", "nan", None),
        ("0.5 ", "0.5 ", None),
    ],
)
def test_whole_number(line: str, part: str, whole: str | None) -> None:
    start = line.index(part)
    assert whole_number(line, start, start + len(part)) == whole


@pytest.mark.parametrize(
    ("regex", "cut"),
    [
        (r"loss: ([0-9\.]+)", [("-0.5", None), ("7.1e-05", "7.1")]),
        (r"loss: (\d+)", [("0.5", "0"), ("-0.5", None), ("7.1e-05", "7")]),
        (r"loss: (-?\d+\.\d+)", [("7.1e-05", "7.1")]),
        (r"loss: (?P<value>[0-9.]+)", [("-0.5", None), ("7.1e-05", "7.1")]),
        (r"\(loss[(]: (?:a|b)([0-9.]+)\)", [("-0.5", None), ("7.1e-05", "7.1")]),
        (r"[]()]([0-9.]+)", [("-0.5", None), ("7.1e-05", "7.1")]),
        (r"loss: (.*?);", []),
        (r"loss: (\S+)", []),
        (r"loss: ([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)", []),
        (r"loss: ([-+0-9.eE]+)", []),
        (r"(a)(?:\1)", [("0.5", None), ("-0.5", None), ("7.1e-05", None)]),
    ],
)
def test_cut_numbers(regex: str, cut: list[tuple[str, str | None]]) -> None:
    assert list(cut_numbers(regex)) == cut


def test_a_sample_is_tried_as_the_log_shows_it() -> None:
    Metric("loss", r"\[1\]#011loss:(\S+)", sample="[1]\tloss:0.5")
    with pytest.raises(Invalid, match=r"which the log shows as '#011loss:0.5'"):
        Metric("loss", r"\tloss:(\S+)", sample="\tloss:0.5")
    with pytest.raises(Invalid, match=r"which the log shows as 'loss' and '0.5'"):
        Metric("loss", r"loss\s([0-9.]+)", sample="loss\n0.5")


def test_every_match_in_a_sample_counts() -> None:
    assert list(Metric("loss", r"loss=(\S+)", sample="loss=nan loss=0.5").warnings()) == [
        "the regex of loss finds 'nan' in its sample, which is no number: AWS leaves it out"
    ]
    with pytest.raises(Invalid, match=r"finds 'nan'.*which is no number"):
        Metric("loss", r"loss=(\S+)", sample="loss=nan")


@pytest.mark.parametrize(
    ("regex", "sample", "warnings"),
    [
        (
            r"loss: ([0-9\.]+)",
            "loss: 7.1e-05",
            [
                "the regex of m catches only part of a number: 7.1e-05 in its sample becomes 7.1",
                "the regex of m does not hold every number: -0.5 is missed, 7.1e-05 becomes 7.1",
            ],
        ),
        (r"acc: ([-+0-9.eE]+)", "acc: 93.5%", []),  # per cent
        (
            "| acc: ([-+0-9.eE]+)",
            "loss: 1 | acc: 0.5",
            [
                (
                    "the regex of m matches empty text, so it may find that and never a value: of '| acc: ([-+0-9.eE]+)' "
                    "all is optional, or a side of a |, which is the sign itself only as \\|"
                )
            ],
        ),
        (r"\| acc: ([-+0-9.eE]+)", "loss: 1 | acc: 0.5", []),
        (r"acc: ([-+0-9.eE]+)", "acc: 0.5", []),
        (r"acc: ([-+0-9.eE]+)", None, []),
        (r"acc: ([0-9.]+)", None, ["the regex of m does not hold every number: -0.5 is missed, 7.1e-05 becomes 7.1"]),
    ],
)
def test_warnings(regex: str, sample: str | None, warnings: list[str]) -> None:
    assert list(Metric("m", regex, sample).warnings()) == warnings
