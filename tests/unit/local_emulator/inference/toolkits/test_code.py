"""Where a model's code lies."""

from pathlib import Path

import pytest

from local_emulator.inference.toolkits.code import find, handlers


@pytest.mark.parametrize(
    ("submitted", "program", "folder", "module"),
    [
        (None, "inference.py", "model/code", "inference"),
        ("/opt/ml/model/code", "inference.py", "model/code", "inference"),
        ("/opt/ml/model/src", "serve", "model/src", "serve"),
        ("s3://bucket/sourcedir.tar.gz", None, "model/code", None),
    ],
)
def test_the_folder_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, submitted: str | None, program: str | None, folder: str, module: str | None
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    for name, value in (("SAGEMAKER_SUBMIT_DIRECTORY", submitted), ("SAGEMAKER_PROGRAM", program)):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    (tmp_path / "code").mkdir()
    source = find()
    assert (source.model, source.folder, source.module) == (tmp_path / "model", tmp_path / folder, module)
    (tmp_path / "code" / "inference.py").touch()  # staged from S3
    assert find().folder == tmp_path / "code"


def test_functions_that_exclude_one_another() -> None:
    class Script:
        model_fn = transform_fn = staticmethod(print)

    assert set(handlers(Script)) == {"model_fn", "transform_fn"}  # type: ignore[arg-type]
    Script.output_fn = staticmethod(print)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="Cannot use transform_fn"):
        handlers(Script)  # type: ignore[arg-type]
