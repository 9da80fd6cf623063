"""What an account lacks for a tuning job, found before money is spent. Nothing is created, written or changed.

Each check survives whatever the services answer: what could not be looked at is told as skipped, with the reason.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sm_tuning.boto import Session
from sm_tuning.preflight import iam, inputs, quotas
from sm_tuning.preflight.account import Account, Check, enter, reason
from sm_tuning.preflight.finding import Finding, problem, skip
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.validation.dry_run import check

RULES = "rules"
"""The check of what breaks a rule, wherever it is launched."""
_CHECKS: dict[str, Check] = {
    "role": iam.role,
    "role-policy": iam.role_policy,
    "caller": iam.caller,
    "bucket": inputs.bucket,
    "channel": inputs.channel,
    "source": inputs.source,
    "image": inputs.image,
    "key": inputs.key,
    "network": inputs.network,
    "quota": quotas.quota,
    "name": quotas.name,
    "warm-start": quotas.warm_start,
}


def doctor(job: TuningJobSpec, session: Session | None = None, *, account: str | None = None) -> list[Finding]:
    """Look at everything that a tuning job needs of an account; it can be launched if no finding is a problem.

    Args:
        job: The tuning job, with the name that it shall have.
        session: A boto3 session; None for the default one.
        account: Number of the account that is meant; None for any.
    """
    findings = list(_rules(job))
    looked = Account(session or boto3.Session())
    entered = list(enter(looked, job, account))
    findings += entered
    if any(finding.state == "problem" for finding in entered):
        return [*findings, skip("account", f"not looked at without the right account: {', '.join(_CHECKS)}")]
    with ThreadPoolExecutor(len(_CHECKS)) as pool:
        for more in pool.map(lambda name: _findings(name, looked, job), _CHECKS):
            findings += more
    return findings


def _rules(job: TuningJobSpec) -> Iterator[Finding]:
    for broken in check(job).problems:
        yield problem(RULES, str(broken), f"change it in the file; docs/rules.md explains {broken.rule}")


def _findings(name: str, account: Account, job: TuningJobSpec) -> Sequence[Finding]:
    """The findings of a check; the last is `skipped` if a service did not answer."""
    findings: list[Finding] = []
    try:
        for finding in _CHECKS[name](account, job):
            findings.append(finding)  # noqa: PERF402 - what was found before an error counts
    except (ClientError, BotoCoreError) as error:
        findings.append(skip(name, reason(error)))
    return findings
