"""What CreateProcessingJob may say, beyond botocore's model: AWS's rules, and the emulator's own limits."""

from collections.abc import Iterator, Sequence

from local_emulator.domain.jobs import Document
from local_emulator.domain.processing import PROCESSING
from local_emulator.runs.processing import misplaced
from sm_tuning.rules.request import repeated
from sm_tuning.rules.violation import Violation

_INPUTS, _OUTPUTS = "ProcessingInputs", "ProcessingOutputConfig.Outputs"


def violations(request: Document) -> Iterator[Violation]:
    """What of a request of CreateProcessingJob is wrong, or cannot be done here."""
    inputs = request.get("ProcessingInputs", ())
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    yield from _names(_INPUTS, "InputName", inputs)
    yield from _names(_OUTPUTS, "OutputName", outputs)
    for index, given in enumerate(inputs):
        yield from _input(f"{_INPUTS}[{index}]", given)
    for index, given in enumerate(outputs):
        yield from _output(f"{_OUTPUTS}[{index}]", given)
    yield from _paths([given["S3Input"] for given in inputs if "S3Input" in given])
    yield from _instances(request["ProcessingResources"]["ClusterConfig"])


def _names(path: str, member: str, given: Sequence[Document]) -> Iterator[Violation]:
    names = [entry[member] for entry in given]
    for name in repeated(names):
        yield Violation(path, name, "unique", f"{member} must be unique in {path}: {name!r} is there {names.count(name)} times.")


def _input(path: str, given: Document) -> Iterator[Violation]:
    name = given["InputName"]
    if "DatasetDefinition" in given:
        yield Violation(
            path,
            name,
            "from S3",
            f"The input {name!r} has a DatasetDefinition, which is not emulated: nothing here would ask Athena or Redshift. "
            "Use an S3Input.",
        )
    elif "S3Input" not in given:
        yield Violation(path, name, "from S3", f"The input {name!r} must have an S3Input or a DatasetDefinition.")
    else:
        source = given["S3Input"]
        yield from _local_path(f"input {name!r}", path, given, source)
        if source.get("S3CompressionType") == "Gzip" and source.get("S3InputMode", "File") != "Pipe":
            sentence = f"The input {name!r} has the S3CompressionType Gzip, which needs the S3InputMode Pipe."
            yield Violation(f"{path}.S3Input.S3CompressionType", "Gzip", "only with Pipe", sentence)


def _output(path: str, given: Document) -> Iterator[Violation]:
    name = given["OutputName"]
    if "FeatureStoreOutput" in given:
        yield Violation(
            path,
            name,
            "to S3",
            f"The output {name!r} has a FeatureStoreOutput, which is not emulated: there is no feature store. Use an S3Output.",
        )
    elif "S3Output" not in given:
        yield Violation(path, name, "to S3", f"The output {name!r} must have an S3Output or a FeatureStoreOutput.")
    else:
        yield from _local_path(f"output {name!r}", path, given, given["S3Output"])


def _local_path(what: str, path: str, given: Document, target: Document) -> Iterator[Violation]:
    if given.get("AppManaged", False):
        return
    local = target.get("LocalPath")
    if local is None:
        yield Violation(path, None, "a path", f"The {what} must have a LocalPath, unless AppManaged is true.")
    elif misplaced(local):
        sentence = f"The LocalPath {local!r} of the {what} must begin with {PROCESSING}/."
        yield Violation(path, local, f"below {PROCESSING}", sentence)


def _paths(sources: Sequence[Document]) -> Iterator[Violation]:
    paths = [source["LocalPath"].rstrip("/") for source in sources if "LocalPath" in source]
    for local in repeated(paths):
        yield Violation(
            _INPUTS, local, "unique", f"The LocalPath {local!r} is that of {paths.count(local)} inputs; each needs its own."
        )


def _instances(cluster: Document) -> Iterator[Violation]:
    path = "ProcessingResources.ClusterConfig"
    if "InstanceType" not in cluster and not cluster.get("InstancePreferences"):
        yield Violation(path, None, "an instance type", f"{path} must have an InstanceType or InstancePreferences.")
