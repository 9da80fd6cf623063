"""The list of an image's packages and what is known of them. Programs stand in for Syft and Grype; test_registry has the real Syft."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sm_tuning.errors import NotDeployed
from sm_tuning.infra.sbom import check_sbom, write_sbom
from tests.conftest import ROOT
from tests.infra.workflow import with_programs

DIGEST = f"sha256:{'1' * 64}"
SPEAKS = """
import os, sys
with open(os.environ["SPOKEN"], "a") as file:
    file.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
"""
SYFT = (
    SPEAKS
    + """
if "FAILS" in os.environ:
    sys.exit("could not determine source")
path = sys.argv[sys.argv.index("--output") + 1].removeprefix("cyclonedx-json=")
open(path, "w").write(os.environ["DOCUMENT"])
"""
)
GRYPE = SPEAKS + 'print(os.environ["DOCUMENT"])'
# Docker, which makes a container of an image and copies a program out of it.
DOCKER = (
    SPEAKS
    + """
if sys.argv[1] == "create":
    print("c1")
if sys.argv[1] == "cp":
    if "FAILS" in os.environ:
        sys.exit("no such file")
    import shutil
    shutil.copy(os.environ["KEPT"], os.path.join(sys.argv[3], sys.argv[2].rpartition("/")[2]))
"""
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", with_programs(folder, syft=SYFT, grype=GRYPE))
    monkeypatch.setenv("SPOKEN", str(tmp_path / "spoken"))
    return folder


def image(*kinds: str, version: str = DIGEST) -> str:
    component = {"name": "own-production", "version": version}
    return json.dumps({"metadata": {"component": component}, "components": [{"type": kind} for kind in kinds]})


def known(name: str, severity: str, state: str = "fixed") -> dict[str, Any]:
    fix = {"versions": ["2.0"] if state == "fixed" else [], "state": state}
    return {
        "vulnerability": {"id": f"CVE-{name}", "severity": severity, "fix": fix},
        "artifact": {"name": name, "version": "1.0"},
    }


def test_packages_are_listed(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert programs
    monkeypatch.setenv("DOCUMENT", image("library", "library", "operating-system"))
    path = tmp_path / "sbom/image.cdx.json"
    assert write_sbom("registry:own@1", path, digest=DIGEST) == 2
    spoken = (tmp_path / "spoken").read_text()
    assert spoken == f"syft scan registry:own@1 --output cyclonedx-json={path} --quiet\n"


@pytest.mark.parametrize(
    ("variable", "value", "refusal"),
    [
        ("DOCUMENT", image("operating-system"), "Syft finds no package in own-production: what it holds cannot be told"),
        (
            "DOCUMENT",
            image("library", version="sha256:2"),
            f"Syft listed the packages of sha256:2, not of {DIGEST}, which was pushed",
        ),
        ("FAILS", "1", "syft failed: could not determine source"),
    ],
)
def test_a_list_that_is_none_is_refused(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, refusal: str
) -> None:
    assert programs
    monkeypatch.setenv(variable, value)
    with pytest.raises(NotDeployed, match=re.escape(refusal)):
        write_sbom("docker:own", tmp_path / "image.cdx.json", digest=DIGEST)


@pytest.mark.parametrize(
    ("matches", "gate", "refusal"),
    [
        ([], "LOW", None),
        ([known("zlib1g", "Critical", "wont-fix"), known("tar", "Negligible")], "LOW", None),
        ([known("urllib3", "High"), known("pip", "Medium")], "CRITICAL", None),
        ([known("urllib3", "High"), known("pip", "Medium")], "HIGH", "urllib3 1.0 (CVE-urllib3, High; 2.0)$"),
        ([known(f"p{number}", "Critical") for number in range(7)], "HIGH", "p4 1.0 (CVE-p4, Critical; 2.0) and 2 more$"),
    ],
)
def test_what_a_newer_package_mends_is_refused_from_the_gate_on(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, matches: list[Any], gate: str, refusal: str | None
) -> None:
    assert programs
    monkeypatch.setenv("DOCUMENT", json.dumps({"matches": matches}))
    path = tmp_path / "image.cdx.json"
    if refusal is None:
        assert check_sbom(path, gate) == sum(match["vulnerability"]["fix"]["state"] != "fixed" for match in matches)
    else:
        with pytest.raises(NotDeployed, match=f"Grype finds in .* what newer packages mend: .*{re.escape(refusal[:-1])}$"):
            check_sbom(path, gate)
    assert (tmp_path / "spoken").read_text() == f"grype sbom:{path} --output json --quiet\n"


def test_without_the_program_it_is_taken_out_of_its_pinned_image(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "grype").rename(tmp_path / "kept")
    monkeypatch.setenv("KEPT", str(tmp_path / "kept"))
    monkeypatch.setenv("DOCUMENT", json.dumps({"matches": []}))
    with_programs(programs, docker=DOCKER)
    check_sbom(tmp_path / "image.cdx.json", "LOW")
    create, copy, remove, run = (tmp_path / "spoken").read_text().splitlines()
    assert re.fullmatch(r"docker create anchore/grype:v[\d.]+@sha256:[0-9a-f]{64}", create)
    assert copy.startswith("docker cp c1:/grype ")
    assert remove == "docker rm c1"
    assert run.startswith("grype sbom:")


def test_no_container_is_left_where_the_program_cannot_be_copied(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "grype").unlink()
    monkeypatch.setenv("FAILS", "1")
    with_programs(programs, docker=DOCKER)
    with pytest.raises(NotDeployed, match="docker cp failed: no such file"):
        check_sbom(tmp_path / "image.cdx.json", "LOW")
    assert (tmp_path / "spoken").read_text().endswith("docker rm c1\n")


def test_both_programs_are_pinned_by_digest() -> None:
    pins = (ROOT / "sm_tuning/infra/tools/Dockerfile").read_text()
    assert re.findall(r"^FROM anchore/(\w+):v\d+\.\d+\.\d+@sha256:[0-9a-f]{64} AS \1$", pins, re.MULTILINE) == ["syft", "grype"]
