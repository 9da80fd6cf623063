"""The command that promotes the best model of a tuning job."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sm_tuning.analysis.diagnosis import diagnose
from sm_tuning.analysis.promotion import Candidate, Judgement, candidate_of, judge
from sm_tuning.analysis.reading import read_results
from sm_tuning.analysis.results import Results
from sm_tuning.boto import Client, Session
from sm_tuning.cli.failures import NOT_BETTER
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import run_of
from sm_tuning.cli.target import Target
from sm_tuning.client import registry
from sm_tuning.client.deployment import served
from sm_tuning.client.promotion import promote as promote_model
from sm_tuning.client.stack import Stack
from sm_tuning.errors import Invalid, NotServed


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where promoted models go: a group of the registry, and a folder in S3."""

    group: str
    folder: str

    @classmethod
    def of(cls, stack: Stack | None, group: str | None, folder: str | None) -> "Destination":
        """What is given, else the stack's; raises Invalid where neither tells it."""
        if stack is not None:
            group, folder = group or stack.group, folder or stack.models
        if not group or not folder:
            lacking = " and ".join(option for option, value in (("--group", group), ("--to", folder)) if not value)
            where = f"the stack {stack.name} is of an older version and does not tell them" if stack else "give --stack"
            raise Invalid(f"{lacking} must say where the model goes: {where}, or give {lacking}")
        if not folder.startswith("s3://"):
            raise Invalid(f"--to is {folder!r}; it must be s3://BUCKET/PREFIX")
        return cls(group=group, folder=folder)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On which terms a model is promoted: with which approval, how much better it must be (None: more than noise), whatever it is."""

    approval: str = registry.PENDING
    min_gain: float | None = None
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What came of it: the judgement, and where the model is registered and lies; `arn` and `model` are None if it is not."""

    candidate: Candidate
    current: registry.Version | None
    judgement: Judgement
    arn: str | None = None
    model: str | None = None

    @property
    def document(self) -> Mapping[str, Any]:
        """For --json."""
        current = self.current and {
            "ModelPackageArn": self.current.arn,
            "ModelApprovalStatus": self.current.approval,
            **self.current.facts,
        }
        return {
            "TuningJobName": self.candidate.tuning_job,
            "TrainingJobName": self.candidate.training_job,
            "Objective": self.candidate.metric,
            "Value": self.candidate.value,
            "Noise": self.candidate.noise,
            "Verdict": self.candidate.verdict.value,
            "Current": current,
            "Gain": self.judgement.gain,
            "Needed": self.judgement.needed,
            "Promote": self.judgement.promote,
            "Reason": self.judgement.reason,
            "ModelPackageArn": self.arn,
            "Model": self.model,
        }


def promote(
    *,
    job: str,
    stack: str | None,
    group: str | None,
    folder: str | None,
    approve: bool,
    min_gain: float | None,
    force: bool,
    dry_run: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Promote the best model of a tuning job, if it is better than the current one by more than noise."""
    session = target.session()
    destination = Destination.of(Stack.read(stack, session) if stack else None, group, folder)
    terms = Terms(approval=registry.APPROVED if approve else registry.PENDING, min_gain=min_gain, force=force, dry_run=dry_run)
    run = run_of(session, job)
    status = run.status()
    if not status.over:
        raise NotServed(f"the tuning job {run.name} is {status.status}: promote its best model once it has ended")
    done = promoted(read_results(run), destination, terms, session)
    if as_json:
        echo_json(done.document)
    else:
        _show(done, destination, terms)
    sys.exit(0 if done.judgement.promote else NOT_BETTER)


def promoted(results: Results, destination: Destination, terms: Terms, session: Session) -> Promotion:
    """Judge the best model of a tuning job that has ended, and promote it if it is better; raises NotFound, NotServed."""
    candidate = candidate_of(results, diagnose(results).fit.verdict)
    if candidate is None:
        raise NotServed(f"{results.tuning_jobs[0].name} has no training job with an objective, so there is no model to promote")
    client = session.client("sagemaker")
    current = registry.current(client, destination.group)
    if current is not None and current.training_job == candidate.training_job:
        return _again(client, candidate, current, terms)
    judgement = judge(candidate, current, terms.min_gain)
    if terms.force and not judgement.promote:
        judgement = replace(judgement, promote=True, reason=f"forced, though {judgement.reason}")
    promotion = Promotion(candidate=candidate, current=current, judgement=judgement)
    if not judgement.promote:
        return promotion
    if terms.dry_run:
        served(session.client, candidate.training_job)  # refuses what cannot be promoted
        return promotion
    arn, model = promote_model(
        session.client,
        candidate.training_job,
        group=destination.group,
        folder=destination.folder,
        approval=terms.approval,
        facts=candidate.facts,
    )
    return replace(promotion, arn=arn, model=model)


def _again(client: Client, candidate: Candidate, current: registry.Version, terms: Terms) -> Promotion:
    """One that is promoted already: nothing is copied, it may be approved."""
    reason = f"it is version {current.number} already, {current.approval}"
    if terms.approval == registry.APPROVED != current.approval:
        reason = f"it is version {current.number} already, and {'would be approved' if terms.dry_run else 'approved now'}"
        if not terms.dry_run:
            registry.approve(client, current)
    return Promotion(candidate=candidate, current=current, judgement=Judgement(promote=True, reason=reason), arn=current.arn)


def _show(done: Promotion, destination: Destination, terms: Terms) -> None:
    candidate = done.candidate
    noise = "" if candidate.noise is None else f" (noise {candidate.noise:.2g})"
    echo(f"best:     {candidate.training_job}  {candidate.metric} {candidate.value:.6g}{noise}, {candidate.verdict.value}")
    echo(f"promote:  {'yes' if done.judgement.promote else 'no'}: {done.judgement.reason}")
    if done.model is not None:
        echo(f"model:    {done.model}")
        echo(f"registry: {done.arn} ({terms.approval})")
    elif terms.dry_run and done.judgement.promote and done.arn is None:
        echo(f"would be: a version of {destination.group} ({terms.approval}), its model below {destination.folder}")
