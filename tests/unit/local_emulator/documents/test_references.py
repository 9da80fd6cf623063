import pytest

from local_emulator.documents.references import path_of, references, steps_of


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Parameters.Alpha", ("Parameters", "Alpha")),
        ("Steps.My-Step.Outputs['train'].S3Uri", ("Steps", "My-Step", "Outputs", "train", "S3Uri")),
        ("Steps.T.TrainingJobSummaries[0].TrainingJobName", ("Steps", "T", "TrainingJobSummaries", 0, "TrainingJobName")),
        ('a["b.c"][12]', ("a", "b.c", 12)),
    ],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    assert path_of(text) == path


@pytest.mark.parametrize("text", ["", ".a", "a.", "a..b", "a[x]", "a[0", "a[0]b", "a]"])
def test_no_paths(text: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        path_of(text)


def test_references_wherever_they_stand() -> None:
    tree = {"a": [{"Std:Join": {"On": "", "Values": ["x", {"Get": "Steps.A.Name"}]}}], "b": {"Get": "Parameters.P"}, "Get": 1}
    assert sorted(references(tree)) == ["Parameters.P", "Steps.A.Name"]
    assert list(steps_of(tree)) == ["A"]
