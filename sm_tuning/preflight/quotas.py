"""Checks of what the account may have: quotas, names that are free, parents of a warm start."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.client.errors import NOT_FOUND, code_of
from sm_tuning.preflight.account import Account
from sm_tuning.preflight.cost import clusters
from sm_tuning.preflight.finding import Finding, ok, problem, skip
from sm_tuning.program import command
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.validation.dry_run import check

_PARALLEL = re.compile(r"(parallel|concurrent) training jobs .{0,100}tuning job", re.IGNORECASE)
_TOGETHER = re.compile(r"number of instances across (all )?training jobs", re.IGNORECASE)
_TOGETHER_SPOT = re.compile(r"number of instances across (all )?spot training jobs", re.IGNORECASE)


def quota(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """There are instances for all training jobs that run at a time, and so many may run at a time."""
    known = _quotas(account, "list_service_quotas")
    wanted = _wanted(job)
    if set(wanted) - set(known):
        with suppress(ClientError):  # some quotas are told only among the defaults, which not everybody may ask for
            known = {**_quotas(account, "list_aws_default_service_quotas"), **known}
    together = {
        _PARALLEL: job.max_parallel,
        _TOGETHER: job.max_parallel * _most(job, spot=False),
        _TOGETHER_SPOT: job.max_parallel * _most(job, spot=True),
    }
    if not any(_PARALLEL.search(name) for name in known):
        yield skip("quota", f"training jobs at a time: {job.max_parallel} needed; Service Quotas tells none for one tuning job")
    for expression, count in together.items():
        wanted |= {name: count for name in known if expression.search(name)}
    for name, count in wanted.items():
        yield _enough(name, count, known, account.scope.region)


def _quotas(account: Account, operation: str) -> Mapping[str, Mapping[str, Any]]:
    """SageMaker's quotas by their names."""
    pages = (
        account.client("service-quotas")
        .get_paginator(operation)
        .paginate(
            ServiceCode="sagemaker",
            PaginationConfig={"PageSize": 100},  # there are thousands
        )
    )
    return {granted["QuotaName"]: granted for page in pages for granted in page["Quotas"]}


def _wanted(job: TuningJobSpec) -> dict[str, int]:
    """Instances of each type at a time, by the name of their quota; of several sets of machines the first is meant."""
    wanted: dict[str, int] = {}
    for _, part in job.parts():
        use = "spot training job" if part.resources.spot else "training job"
        for kind, count in clusters(part.resources)[0].items():
            names = [f"{kind} for {use} usage"] + ([f"{kind} for training warm pool usage"] if part.resources.keep_alive else [])
            for name in names:
                wanted[name] = max(wanted.get(name, 0), job.max_parallel * count)
    return wanted


def _most(job: TuningJobSpec, *, spot: bool) -> int:
    """Instances of the largest training job."""
    return max((sum(clusters(part.resources)[0].values()) for _, part in job.parts() if part.resources.spot == spot), default=0)


def _enough(name: str, count: int, known: Mapping[str, Mapping[str, Any]], region: str) -> Finding:
    granted = known.get(name)
    if granted is None:
        return skip("quota", f"{name}: {count} needed; Service Quotas tells none of this name")
    if granted["Value"] >= count:
        return ok("quota", f"{name}: {count} needed, {granted['Value']:g} granted")
    command = (
        "aws service-quotas request-service-quota-increase --service-code sagemaker "
        f"--quota-code {granted['QuotaCode']} --desired-value {count} --region {region}"
    )
    return problem("quota", f"{name}: {count} needed, {granted['Value']:g} granted", command)


def name(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """No tuning job has the name yet."""
    if _status(account, job.name) is None:
        yield ok("name", f"{job.name} is free")
    else:
        yield problem("name", f"there is a tuning job {job.name} already", "give another --name, or none for a unique one")


def warm_start(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """The parents exist, and the tuning job fits to them."""
    if job.warm_start is None:
        return
    missing = [parent for parent in job.warm_start.parents if _status(account, parent) is None]
    for parent in missing:
        shown = f"{command('list', '--aws')} shows which there are"
        yield problem("warm-start", f"there is no tuning job {parent} to learn from", shown)
    if missing:
        return
    if check(job).problems:
        yield skip("warm-start", "not compared with the parents while a rule is broken")
        return
    broken = check(job, account.client("sagemaker")).problems
    for rule in broken:
        yield problem("warm-start", str(rule), f"change it in the file; docs/rules.md explains {rule.rule}")
    if not broken:
        yield ok("warm-start", ", ".join(job.warm_start.parents))


def _status(account: Account, tuning: str) -> str | None:
    """Status of a tuning job; None if there is none of that name."""
    try:
        status: str = account.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)[
            "HyperParameterTuningJobStatus"
        ]
    except ClientError as error:
        if code_of(error) in NOT_FOUND:
            return None
        raise
    return status
