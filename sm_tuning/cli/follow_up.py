"""The command that tells how tuning jobs went that have ended, which their stack's queue holds until then."""

import io
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from sm_tuning import report as reporting
from sm_tuning.analysis.reading import read_failures, read_results
from sm_tuning.boto import Client, Session
from sm_tuning.cli.display import diagnosis_lines
from sm_tuning.cli.failures import FAILED
from sm_tuning.cli.infra import Choice
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.promote import Destination, Terms, promoted
from sm_tuning.client.ended import EndedJob, ended
from sm_tuning.client.run import TuningRun
from sm_tuning.client.stack import Stack
from sm_tuning.errors import NotDeployed, NotFound, SmTuningError
from sm_tuning.infra.errors import remedied
from sm_tuning.report.view_model import view_model
from sm_tuning.results import read_proposals

_WIDTH = 120
_SUBJECT = 100  # characters, of SNS


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """How one tuning job went: its diagnosis as text, where the report is, what became of its best model."""

    tuning_job: str
    status: str
    verdict: str
    text: str
    report: str
    promotion: str | None = None


def follow_up(*, choice: Choice, output: Path, promote: bool, as_json: bool) -> None:
    """Write a report on each tuning job that has ended since, tell its verdict to the stack's topic, and promote its model."""
    with remedied():
        project = choice.open()
        stack = Stack.read(project.stack, project.session)
        if stack.ended is None or stack.topic is None:
            raise NotDeployed(
                f"the stack {stack.name} is of an older version and keeps no list of what has ended: {_redeploy(choice)}"
            )
        teller = _Teller(
            session=project.session,
            topic=stack.topic,
            output=output,
            destination=Destination.of(stack, None, None) if promote else None,
        )
        heard = [(job.name, teller.tell(job)) for job in ended(project.session.client("sqs"), stack.ended)]
    if as_json:
        echo_json([asdict(followed) for followed in teller.followed.values()])
    for followed in () if as_json else teller.followed.values():
        echo(followed.text)
    if left := [name for name, is_done in heard if not is_done]:
        echo(f"in the queue again in a quarter of an hour: {', '.join(left)}", error=True)
        sys.exit(FAILED)
    if not heard:
        echo("no tuning job has ended since", error=True)


def _redeploy(choice: Choice) -> str:
    return choice.target.command("infra", "deploy", "--project", choice.project, "--environment", choice.environment)


@dataclass(frozen=True, kw_only=True)
class _Teller:
    """Tells of each tuning job once, though SageMaker may send an event twice."""

    session: Session
    topic: str
    output: Path
    destination: Destination | None
    followed: dict[str, FollowUp] = field(default_factory=dict)

    def tell(self, job: EndedJob) -> bool:
        """Whether the job is done with: it was told of, or there is none of its name."""
        name = job.name
        try:
            if name not in self.followed:
                with remedied():  # what AWS refuses of one keeps nobody from the others
                    result = _followed_up(self.session, name, job.status, self.output, self.destination)
                    _publish(self.session.client("sns"), self.topic, result)
                self.followed[name] = result
        except NotFound as error:
            echo(f"{name}: {error}", error=True)
        except SmTuningError as error:
            echo(f"{name}: {error}", error=True)
            return False
        job.done()
        return True


def _followed_up(session: Session, name: str, status: str, output: Path, destination: Destination | None) -> FollowUp:
    run = TuningRun.attach(name, session)
    results = read_results(run)
    view = view_model(results, failures=read_failures(results, [run]), proposals=read_proposals(results, [run]))
    page = output / f"{name}.html"
    output.mkdir(parents=True, exist_ok=True)
    page.write_text(reporting.page(view), encoding="utf-8")
    promotion = None
    if destination is not None:
        try:
            judgement = promoted(results, destination, Terms(), session).judgement
        except SmTuningError as error:  # how it went is told all the same
            promotion = f"not promoted: {error}"
        else:
            promotion = f"{'promoted' if judgement.promote else 'not promoted'}: {judgement.reason}"
    lines = Console(file=io.StringIO(), width=_WIDTH, color_system=None, force_terminal=False)
    for line in diagnosis_lines(view):
        lines.print(line)
    assert isinstance(lines.file, io.StringIO)  # noqa: S101 - mypy
    said = [f"The tuning job {name} is {status}.", *lines.file.getvalue().splitlines(), promotion or ""]
    text = "\n".join(line.rstrip() for line in said).rstrip() + "\n"
    verdict = view.fit.verdict.value
    return FollowUp(tuning_job=name, status=status, verdict=verdict, text=text, report=str(page), promotion=promotion)


def _publish(client: Client, topic: str, followed: FollowUp) -> None:
    subject = f"{followed.tuning_job} is {followed.status}: {followed.verdict}"
    client.publish(TopicArn=topic, Subject=subject[:_SUBJECT], Message=followed.text)
