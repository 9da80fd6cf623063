"""A training image: built by Docker on this machine, pushed to a project's repository once for each tag."""

import base64
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client.hosts import is_local
from sm_tuning.errors import Invalid, NotDeployed
from sm_tuning.infra.docker import check_docker, docker
from sm_tuning.infra.dockerfile import check_bases
from sm_tuning.infra.sbom import check_sbom, refused_by, write_sbom

if TYPE_CHECKING:
    from sm_tuning.infra.project import Project

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CONFIG = "application/vnd.docker.container.image.v1+json"


def push_image(
    project: "Project",
    *,
    context: Path,
    tag: str | None = None,
    base: str | None = None,
    gate: str | None = None,
    sbom: Path | None = None,
) -> Mapping[str, str]:
    """Build `context` and push it with `tag` (the commit, if None); its `image` (a URI), `repository` and `digest`.

    `sbom` is a file for the list of what was pushed. `gate` is a severity: raises NotDeployed if ECR's scan, or Grype with the list,
    finds something at least as severe, and Invalid if what it builds on has no digest. Raises Invalid without a Dockerfile,
    NotDeployed without Docker or a stack.
    """
    check_bases(context / "Dockerfile", base, by_digest=gate is not None)
    tag = tag or _commit(context)
    image = _Image(project=project, ecr=project.session.client("ecr"), repository=project.outputs()["RepositoryUri"], tag=tag)
    if image.is_there():
        project.say(f"{image.name}:{tag} is in the repository already; a tag is never replaced")
    else:
        check_docker()
        docker("build", *(["--build-arg", f"BASE={base}"] if base else []), "--tag", image.uri, str(context))
        image.push()
    digest = image.digest()
    if sbom is not None:
        image.list_packages(digest, sbom)
    if gate is not None:
        image.check_scan(gate)
        if sbom is not None and (passed := check_sbom(sbom, gate)):
            project.say(f"Grype knows {passed} findings from {gate} on that no newer package mends: they pass")
    return {"image": image.uri, "repository": image.repository, "digest": digest}


@dataclass(frozen=True, kw_only=True)
class _Image:
    """An image of a project's repository, under one of its tags."""

    project: "Project"
    ecr: Client
    repository: str
    tag: str

    @property
    def uri(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def name(self) -> str:
        """The repository's."""
        return self.repository.partition("/")[2]

    @property
    def _is_local(self) -> bool:
        """Whether it is an emulator's, which has no registry."""
        return is_local(self.ecr.meta.endpoint_url)

    def is_there(self) -> bool:
        try:
            self._described()
        except ClientError as error:
            if error.response["Error"]["Code"] != "ImageNotFoundException":
                raise
            return False
        return True

    def push(self) -> None:
        """Push what Docker has built."""
        if self._is_local:
            _list(self.project, self.ecr, self.uri)
        else:
            self._log_in()
            docker("push", self.uri)

    def digest(self) -> str:
        """Its digest; says so if SageMaker is known to refuse such an image."""
        details = self._described()
        media_type = details.get("imageManifestMediaType", _MANIFEST)
        if media_type != _MANIFEST:
            self.project.say(
                f"{self.uri} is of the type {media_type}, which SageMaker is known to refuse for models (Unsupported manifest media "
                "type); Docker pushes the other where it does not keep images in containerd"
            )
        digest: str = details["imageDigest"]
        return digest

    def list_packages(self, digest: str, path: Path) -> None:
        """Write what it holds to `path`: what was pushed or, with the emulator, what Docker has."""
        if self._is_local:
            count = write_sbom(f"docker:{self.uri}", path, digest=None)
        else:
            self._log_in()
            count = write_sbom(f"registry:{self.repository}@{digest}", path, digest=digest)
        self.project.say(f"{path} lists the packages of {self.uri}: {count}")

    def check_scan(self, gate: str) -> None:
        """Wait for ECR's scan; raises NotDeployed if it cannot be scanned or has findings that the gate refuses."""
        if self._is_local:
            self.project.say(f"the emulator scans no image: of ECR's scan the gate {gate} lets everything pass")
            return
        while (answer := self._scan())["imageScanStatus"]["status"] in {"PENDING", "IN_PROGRESS"}:
            time.sleep(self.project.poll)
        status = answer["imageScanStatus"]
        if status["status"] not in {"COMPLETE", "ACTIVE"}:
            said = f"{status['status']} {status.get('description', '')}".rstrip()
            raise NotDeployed(f"{self.name}:{self.tag} could not be scanned: {said}")
        counts = answer["imageScanFindings"].get("findingSeverityCounts", {})
        if refused := [f"{counts[severity]} {severity}" for severity in refused_by(gate) if counts.get(severity)]:
            raise NotDeployed(
                f"the scan of {self.name}:{self.tag} finds {' and '.join(refused)}; a newer base image may mend them. See them: "
                f"aws ecr describe-image-scan-findings --repository-name {self.name} --image-id imageTag={self.tag}"
            )

    def _scan(self) -> Mapping[str, Any]:
        """What the scan says so far; one that has not begun is pending."""
        try:
            answer: Mapping[str, Any] = self.ecr.describe_image_scan_findings(
                repositoryName=self.name, imageId={"imageTag": self.tag}
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise
            return {"imageScanStatus": {"status": "PENDING"}}
        return answer

    def _described(self) -> Mapping[str, Any]:
        answer = self.ecr.describe_images(repositoryName=self.name, imageIds=[{"imageTag": self.tag}])
        details: Mapping[str, Any] = answer["imageDetails"][0]
        return details

    def _log_in(self) -> None:
        """Let Docker, and Syft, which takes its logins, read and write the repository."""
        token = self.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        docker("login", "--username", user, "--password-stdin", self.repository.partition("/")[0], text=password)


def _commit(folder: Path) -> str:
    done = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603, S607 - git of PATH
    if done.returncode:
        raise Invalid(f"{folder} is in no git repository with a commit; give --tag")
    return done.stdout.strip()


def _list(project: "Project", ecr: Client, uri: str) -> None:
    """List an image in the emulator's repository, which is no registry, and say how training jobs run in it."""
    repository, _, tag = uri.rpartition(":")
    ecr.put_image(repositoryName=repository.partition("/")[2], imageTag=tag, imageManifest=_manifest(uri))
    start = project.command("emulator", "start", "--image", "*.dkr.ecr.*=docker:")
    project.say(
        "the emulator has no registry: the image stays in this machine's Docker, and the repository lists it. Training jobs run in it "
        f"on an emulator that was started so, before it had stacks: {start}"
    )


def _manifest(uri: str) -> str:
    """A manifest that names the image that Docker has."""
    digest = json.loads(docker("image", "inspect", uri))[0]["Id"]
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": 1, "digest": digest},
            "layers": [{"mediaType": _LAYER, "size": 1, "digest": digest}],  # by which the emulator tells images apart
        }
    )
