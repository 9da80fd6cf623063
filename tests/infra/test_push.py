"""A training image: built once for each tag, and pushed where there is a registry; without Docker a sentence."""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.errors import Invalid, NotDeployed
from sm_tuning.infra.push import push_image
from tests.infra.workflow import with_programs

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own-production"
PUSHED = {"image": f"{REPOSITORY}:abc", "repository": REPOSITORY, "digest": "sha256:12"}
SPEAKS = """
import os, sys
assert os.environ["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"
with open(os.environ["SPOKEN"], "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n" + (sys.stdin.read() if "--password-stdin" in sys.argv else ""))
if sys.argv[1] == os.environ.get("FAILS"):
    sys.exit("no space left on device")
"""


class Ecr:
    """A repository with the tags that are there."""

    def __init__(self, *tags: str, **facts: str) -> None:
        self._tags, self._facts = tags, facts
        self.scans: list[Any] = []
        self.meta = SimpleNamespace(endpoint_url="https://api.ecr.eu-west-1.amazonaws.com")

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> Any:  # noqa: N803 - boto3's
        assert repositoryName == "own-production"
        if imageIds[0]["imageTag"] not in self._tags:
            self._tags = (imageIds[0]["imageTag"],)  # whoever asks pushes it next
            raise ClientError({"Error": {"Code": "ImageNotFoundException"}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": "sha256:12", **self._facts}]}

    def describe_image_scan_findings(self, **_: Any) -> Any:
        answer = self.scans.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, counts = answer
        return {"imageScanStatus": {"status": status}, "imageScanFindings": {"findingSeverityCounts": counts}}

    def get_authorization_token(self) -> Any:
        return {"authorizationData": [{"authorizationToken": base64.b64encode(b"AWS:secret").decode()}]}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Dockerfile, and a Docker that writes down what it is told."""
    for name in ("context", "programs"):
        (tmp_path / name).mkdir()
    (tmp_path / "context/Dockerfile").write_text("ARG BASE=scratch\nFROM ${BASE}\n")
    monkeypatch.setenv("PATH", with_programs(tmp_path / "programs", docker=SPEAKS))
    monkeypatch.setenv("SPOKEN", str(tmp_path / "spoken"))
    return tmp_path / "context"


def push(context: Path, ecr: Ecr, said: list[str] | None = None, **words: Any) -> Any:
    said = [] if said is None else said
    project: Any = SimpleNamespace(
        outputs=lambda: {"RepositoryUri": REPOSITORY}, session=SimpleNamespace(client=lambda _: ecr), say=said.append, poll=0
    )
    return push_image(project, context=context, **words)


def test_it_is_built_and_pushed_with_a_password_that_is_no_argument(context: Path) -> None:
    assert push(context, Ecr(), tag="abc", base="python:3.11") == PUSHED
    assert (context.parent / "spoken").read_text().splitlines() == [
        "version",
        f"build --build-arg BASE=python:3.11 --tag {REPOSITORY}:abc {context}",
        "login --username AWS --password-stdin 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        f"secretpush {REPOSITORY}:abc",
    ]


def test_a_tag_that_is_there_is_not_built_again(context: Path) -> None:
    assert push(context, Ecr("abc"), tag="abc") == PUSHED
    assert not (context.parent / "spoken").exists()


def test_an_image_that_sagemaker_may_refuse_is_told(context: Path) -> None:
    said: list[str] = []
    assert push(context, Ecr("abc", imageManifestMediaType="application/vnd.oci.image.index.v1+json"), said, tag="abc") == PUSHED
    assert "is of the type application/vnd.oci.image.index.v1+json, which SageMaker is known to refuse for models" in said[-1]
    assert (
        push(context, Ecr("abc", imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json"), said, tag="abc")
        == PUSHED
    )
    assert len(said) == 3, "and twice that it is there already"


def test_the_emulator_says_that_it_scans_nothing(context: Path) -> None:
    ecr, said = Ecr("abc"), list[str]()
    ecr.meta = SimpleNamespace(endpoint_url="http://127.0.0.1:5000")
    assert push(context, ecr, said, tag="abc", gate="HIGH") == PUSHED
    assert said[-1] == "the emulator scans no image: of ECR's scan the gate HIGH lets everything pass"


PENDING = ClientError({"Error": {"Code": "ScanNotFoundException"}}, "DescribeImageScanFindings")
BASE = f"python:3.11@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("counts", "gate", "refusal"),
    [
        ({"HIGH": 3}, "CRITICAL", None),
        ({"HIGH": 3}, "HIGH", "finds 3 HIGH; a newer base image may mend them"),
        ({"CRITICAL": 1, "HIGH": 3, "LOW": 9}, "HIGH", "finds 1 CRITICAL and 3 HIGH;"),
        ({}, "LOW", None),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_gate_waits_for_the_scan(context: Path, counts: dict[str, int], gate: str, refusal: str | None, *, there: bool) -> None:
    ecr = Ecr(*(["abc"] if there else []))
    ecr.scans = [PENDING, ("IN_PROGRESS", {}), ("COMPLETE", counts)]
    if refusal is None:
        assert push(context, ecr, tag="abc", base=BASE, gate=gate) == PUSHED
    else:
        with pytest.raises(NotDeployed, match=refusal):
            push(context, ecr, tag="abc", base=BASE, gate=gate)
    assert ecr.scans == []


def test_a_gate_refuses_what_cannot_be_scanned_and_a_base_that_may_change(context: Path) -> None:
    ecr = Ecr("abc")
    ecr.scans = [("UNSUPPORTED_IMAGE", {})]
    with pytest.raises(NotDeployed, match="own-production:abc could not be scanned: UNSUPPORTED_IMAGE"):
        push(context, ecr, tag="abc", gate="HIGH")
    with pytest.raises(Invalid, match=r"builds on python:3\.11; with a gate that must have a digest"):
        push(context, Ecr(), tag="abc", base="python:3.11", gate="HIGH")


def test_what_docker_said_last_is_told(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "push")
    with pytest.raises(NotDeployed, match="docker push failed: no space left on device"):
        push(context, Ecr(), tag="abc")


def test_without_docker_dockerfile_or_commit(context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid, match="is in no git repository with a commit; give --tag"):
        push(context, Ecr())
    with pytest.raises(Invalid, match="has no Dockerfile"):
        push(tmp_path, Ecr(), tag="abc")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotDeployed, match=r"there is no docker on this machine; .*sm-tuning emulator start --image"):
        push(context, Ecr(), tag="abc")


def test_a_docker_that_does_not_answer(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "version")
    with pytest.raises(NotDeployed, match=r"docker version failed: no space left on device; .*sm-tuning emulator start --image"):
        push(context, Ecr(), tag="abc")
