"""What an account lacks for a tuning job, found before money is spent. Nothing is created, written or changed.

Each check survives whatever the services answer: what could not be looked at is told as skipped, with the reason.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sm_tuning.preflight import iam as rights
from sm_tuning.preflight import inputs as supplies
from sm_tuning.preflight import quotas as limits
from sm_tuning.preflight.account import Account, Check, enter, reason
from sm_tuning.preflight.finding import Finding, problem, skip
from sm_tuning.validation.dry_run import check

if TYPE_CHECKING:
    from sm_tuning.spec.job import TuningJobSpec

__all__ = ["Finding", "doctor"]

_CHECKS: dict[str, Check] = {
    "role": rights.role,
    "role-policy": rights.role_policy,
    "caller": rights.caller,
    "bucket": supplies.bucket,
    "channel": supplies.channel,
    "source": supplies.source,
    "image": supplies.image,
    "key": supplies.key,
    "network": supplies.network,
    "quota": limits.quota,
    "name": limits.name,
    "warm-start": limits.warm_start,
}


def doctor(job: "TuningJobSpec", session: Any = None, *, account: str | None = None) -> list[Finding]:  # noqa: ANN401 - boto3 makes its classes at run time
    """Look at everything that a tuning job needs of an account; it can be launched if no finding is a problem.

    Args:
        job: The tuning job, with the name that it shall have.
        session: A boto3 session; None for the default one.
        account: Number of the account that is meant; None for any.
    """
    import boto3  # noqa: PLC0415 - a fifth of a second that describing and checking a job need not pay

    findings = list(_rules(job))
    looked = Account(session or boto3.Session())
    entered = list(enter(looked, job, account))
    findings += entered
    if any(one.state == "problem" for one in entered):
        return [*findings, skip("account", f"not looked at without the right account: {', '.join(_CHECKS)}")]
    with ThreadPoolExecutor(len(_CHECKS)) as pool:
        for found in pool.map(lambda name: _survive(name, looked, job), _CHECKS):
            findings += found
    return findings


def _rules(job: "TuningJobSpec") -> Iterator[Finding]:
    for one in check(job).problems:
        yield problem("rules", str(one), f"change it in the file; docs/rules.md explains {one.rule}")


def _survive(name: str, account: Account, job: "TuningJobSpec") -> Sequence[Finding]:
    """What a check finds until it ends, or until a service does not answer it."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see doctor()

    found: list[Finding] = []
    try:
        for one in _CHECKS[name](account, job):
            found.append(one)  # noqa: PERF402 - what was found before an error counts
    except (ClientError, BotoCoreError) as error:
        found.append(skip(name, reason(error)))
    return found
