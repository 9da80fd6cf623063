"""Expressions that find more than the value that is meant, tried on the samples."""

import pytest

from sm_tuning import Metric, Objective
from sm_tuning.validation.matches import samples, several_in_a_line, values_of_others
from tests.unit.sm_tuning.descriptions import Make

NUMBER = r"([-+0-9.eE]+)"
LINE = "epoch 3: train_loss=0.31 val_loss=0.52"


def test_an_expression_that_matches_twice_in_a_line_is_warned_of(job: Make) -> None:
    """The objective was val_loss by luck: the last of both."""
    metrics = [Metric("train:loss", rf"fitted={NUMBER}")]
    (warning,) = job(objective=Objective.minimize("loss", rf"loss={NUMBER}", LINE), metrics=metrics).dry_run().warnings
    assert warning.startswith(f"the regex of loss finds 2 values in the line {LINE!r}: 0.31, 0.52. AWS does not document which")
    assert not job(objective=Objective.minimize("loss", rf"val_loss={NUMBER}", LINE), metrics=metrics).dry_run().warnings


@pytest.mark.parametrize(
    ("regex", "line", "values"),
    [
        (rf"loss={NUMBER}", "loss=1 loss=2 loss=3", "1, 2, 3"),
        (rf"^loss={NUMBER}", "loss=1 loss=2", None),
        (r"loss=(\S+)", "loss=nan loss=2", None),  # what is no number is no value
        (rf"loss={NUMBER}", "accuracy=1", None),
        (None, "loss=1 loss=2", None),  # AWS's own
    ],
)
def test_several_values_in_a_line(regex: str | None, line: str, values: str | None) -> None:
    said = list(several_in_a_line([Metric("loss", regex)], ["", line]))
    assert [sentence.partition(": ")[2].partition(".")[0] for sentence in said] == ([values] if values else [])


def test_a_long_line_is_cut() -> None:
    (sentence,) = several_in_a_line([Metric("loss", rf"loss={NUMBER}")], ["loss=1 " * 100])
    assert len(sentence) < 500


def test_an_expression_that_finds_the_value_of_another_metric() -> None:
    """Each is printed on a line of its own: `loss` has the values of both."""
    train = Metric("loss", rf"loss={NUMBER}", "loss=0.31")
    held_out = Metric("val_loss", rf"val_loss={NUMBER}", "val_loss=0.52")
    assert list(values_of_others([train, held_out])) == [
        "the regex of loss also finds the value of val_loss in the line 'val_loss=0.52'"
    ]


def test_metrics_that_share_a_line_or_an_expression_are_as_they_should_be() -> None:
    whole = [Metric(name, rf"{name}={NUMBER}", LINE) for name in ("train_loss", "val_loss")]
    copy = Metric("copy", rf"val_loss={NUMBER}", "val_loss=0.52")
    assert not list(values_of_others([*whole, copy]))
    assert not list(several_in_a_line([*whole, copy], samples([*whole, copy])))
    assert samples([*whole, copy, Metric("without", NUMBER)]) == [LINE, "val_loss=0.52"]
