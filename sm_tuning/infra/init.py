"""A pipeline for a repository of a user's: its files, and what an administrator does for it once."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sm_tuning.errors import Invalid

_PIPELINES = Path(__file__).parent / "pipelines"
# What is written where, for each provider.
_FILES: Mapping[str, Mapping[str, str]] = {
    "github": {
        ".github/workflows/sm-tuning.yml": "sm-tuning.yml",  # what the others call
        ".github/workflows/tuning.yml": "github.yml",
        ".github/workflows/tuning-teardown.yml": "github-teardown.yml",
        ".github/dependabot.yml": "dependabot.yml",
    },
    "gitlab": {".gitlab/sm-tuning.yml": "component.yml", ".gitlab/tuning.yml": "gitlab.yml"},
}
# A repository has one of these for all that it does: one that is there is left alone.
_SHARED = {".github/dependabot.yml"}
_PROJECT = re.compile(r"[a-z][a-z0-9-]{1,22}[a-z0-9]")
_REPOSITORY = re.compile(r"[\w.@-]+(/[\w.@-]+)+")
_PATH = re.compile(r"(?!/)(?!.*\.\.)[\w./-]+")
_PATH_RULE = "a path in the repository, of letters, digits and ._-/"


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What a repository's pipeline deploys and launches; raises Invalid where a name or path could not be written into its files.

    Args:
        files_read: What the tuning job reads beside its file, such as its script: a change of them launches it too.
        folders_read: The same of folders, with all that is in them.
    """

    project: str
    repository: str
    provider: str
    job: str
    context: str
    environment: str = "production"
    files_read: Sequence[str] = ()
    folders_read: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, value, pattern, rule in (
            ("project", self.project, _PROJECT, "3 to 24 of a-z, 0-9 and -, beginning with a letter"),
            ("repository", self.repository, _REPOSITORY, "ORG/NAME"),
            ("job", self.job, _PATH, _PATH_RULE),
            ("context", self.context, _PATH, _PATH_RULE),
            *(("what the job reads", path, _PATH, _PATH_RULE) for path in (*self.files_read, *self.folders_read)),
        ):
            if not pattern.fullmatch(value):
                raise Invalid(f"{name} is {value!r}; it must be {rule}")

    def files(self) -> Mapping[str, str]:
        """Path below the repository -> content."""
        return {
            path: self._filled((_PIPELINES / name).read_text(encoding="utf-8")) for path, name in _FILES[self.provider].items()
        }

    def paths(self) -> list[str]:
        """Which files' changes deploy and launch, as the provider's filters name them."""
        inside = "**" if self.provider == "github" else "**/*"
        folders = [str(PurePosixPath(path)) for path in (self.context, *self.folders_read)]
        of_folders = [inside if path == "." else f"{path}/{inside}" for path in folders]
        files = [str(PurePosixPath(path)) for path in (self.job, *self.files_read)]
        return list(dict.fromkeys([of_folders[0], *files[:1], *of_folders[1:], *files[1:]]))

    def write(self, folder: Path) -> list[Path]:
        """Write the files, but for shared ones that exist; raises Invalid, with nothing written, if another exists."""
        left = {path for path in _SHARED if (folder / path).exists()}
        files = {folder / path: content for path, content in self.files().items() if path not in left}
        if existing := [str(path) for path in files if path.exists()]:
            raise Invalid(
                f"{' and '.join(existing)} {'exists' if len(existing) == 1 else 'exist'} already, and nothing is overwritten"
            )
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return list(files)

    def bootstrap(self) -> list[str]:
        """The words of `sm-tuning infra bootstrap` by which an administrator lets this pipeline take its roles."""
        words = ["infra", "bootstrap", "--aws", "--project", self.project, "--environment", self.environment]
        return [*words, *(f"{name}={value}" for name, value in self._subjects().items())]

    def _subjects(self) -> Mapping[str, str]:
        if self.provider == "gitlab":  # a token there names no environment
            branch = f"project_path:{self.repository}:ref_type:branch:ref:main"
            return {"Provider": "GitLab", **dict.fromkeys(("DeploySubjects", "LaunchSubjects", "PromoteSubjects"), branch)}
        subject = f"repo:{self.repository}:environment:{self.environment}"
        roles = ("Launch", "Promote", "Teardown")
        return {"DeploySubjects": subject, **{f"{role}Subjects": f"{subject}-{role.lower()}" for role in roles}}

    def _filled(self, text: str) -> str:
        job, context = (str(PurePosixPath(path)) for path in (self.job, self.context))
        values = {
            "/@CONTEXT@": "/" if context == "." else f"/{context}",
            "@PATHS@": ", ".join(json.dumps(path) for path in self.paths()),
            "@CONTEXT@": context,
            "@JOB@": job,
            "@PROJECT@": self.project,
        }
        for name, value in values.items():
            text = text.replace(name, value)
        return text
