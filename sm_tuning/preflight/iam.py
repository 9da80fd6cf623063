"""Checks of what the role and the caller may do."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sm_tuning.boto import Client
from sm_tuning.preflight.account import Account
from sm_tuning.preflight.finding import Finding, ok, problem, skip
from sm_tuning.preflight.permissions import EXAMPLE_LAUNCH, AwsScope, Need, Value, of_the_caller, of_the_role
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec

_SERVICE = "sagemaker.amazonaws.com"


def _roles(job: TuningJobSpec) -> Mapping[str, Sequence[tuple[str, Definition]]]:
    """The definitions (with their prefixes) of each role."""
    roles: dict[str, list[tuple[str, Definition]]] = {}
    for prefix, part in job.parts(EXAMPLE_LAUNCH):
        roles.setdefault(part.role or "", []).append((prefix, part))
    return roles


def role(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """Each role exists, and SageMaker may assume it."""
    iam = account.client("iam")
    for arn in _roles(job):
        name = arn.rsplit("/", 1)[-1]
        trust = _trust()
        try:
            existing = iam.get_role(RoleName=name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            yield problem(
                "role",
                f"there is no role {name} in the account {account.scope.account}",
                f"aws iam create-role --role-name {name} --assume-role-policy-document {shlex.quote(json.dumps(trust))}",
            )
            continue
        if existing["Arn"] != arn:
            yield problem("role", f"the role is {existing['Arn']}, not {arn}", f'role = "{existing["Arn"]}"')
        elif not _trusts(existing["AssumeRolePolicyDocument"], account.scope):
            command = f"aws iam update-assume-role-policy --role-name {name} --policy-document {shlex.quote(json.dumps(trust))}"
            yield problem("role-trust", f"the role {name} does not let {_SERVICE} assume it", command)
        else:
            yield ok("role", f"{name} exists and trusts {_SERVICE}")


def _trust() -> Mapping[str, Any]:
    return _document([{"Effect": "Allow", "Principal": {"Service": _SERVICE}, "Action": "sts:AssumeRole"}])


def _document(statements: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _several(value: Any) -> Sequence[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]


def _trusts(document: Mapping[str, Any], scope: AwsScope) -> bool:
    """Whether a trust policy lets SageMaker assume the role for training jobs of this account."""
    statements = _several(document.get("Statement", []))
    about = [statement for statement in statements if _is_for_sagemaker(statement) and _meets(statement, scope)]
    return bool(about) and all(statement["Effect"] == "Allow" for statement in about)


def _is_for_sagemaker(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _several(principal.get("Service", [])) if isinstance(principal, Mapping) else _several(principal)
    actions = {str(action).lower() for action in _several(statement.get("Action", []))}
    return bool({_SERVICE, "*"} & set(services)) and bool({"sts:assumerole", "sts:*", "*"} & actions)


def _meets(statement: Mapping[str, Any], scope: AwsScope) -> bool:
    """Whether its condition on the account, which guards against confused deputies, names this one."""
    wanted = [
        wanted_account
        for keys in statement.get("Condition", {}).values()
        for key, value in keys.items()
        if key.lower() == "aws:sourceaccount"
        for wanted_account in _several(value)
    ]
    return not wanted or scope.account in wanted


def role_policy(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """Each role's policies allow what its training jobs do."""
    for arn, parts in _roles(job).items():
        needs = [need for prefix, part in parts for need in of_the_role(job, prefix, part, account.scope, account.example)]
        try:
            yield from _allowed(account, "role-policy", arn, needs)
        except account.client("iam").exceptions.NoSuchEntityException:
            yield skip("role-policy", f"there is no {arn}")


def caller(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """The caller's policies allow to launch and to follow."""
    principal = account.caller
    if principal.endswith(":root"):
        yield skip("caller", "the root user may do everything; launch with a role of less power")
        return
    assumed = re.fullmatch(r"arn:[^:]+:sts::\d+:assumed-role/([^/]+)/.*", principal)
    if assumed:
        principal = account.client("iam").get_role(RoleName=assumed[1])["Role"]["Arn"]
    elif ":federated-user/" in principal:
        yield skip("caller", "what a federated user may do cannot be simulated")
        return
    yield from _allowed(account, "caller", principal, list(of_the_caller(job, account.scope)))


def _allowed(account: Account, check: str, principal: str, needs: Sequence[Need]) -> Iterator[Finding]:
    """What IAM's simulation says of a principal; bucket policies and the like are not part of it."""
    kind, *_path, name = principal.rsplit(":", maxsplit=1)[-1].split("/")
    denied, guarded, unsure = _judged(account.client("iam"), principal, needs, account.scope)
    if denied:
        text = f"the {kind} {name} may not " + "; nor ".join(f"{', '.join(need.actions)} on {need.resource}" for need in denied)
        statements = [
            {"Effect": "Allow", "Action": list(need.actions), "Resource": need.grant or need.resource} for need in denied
        ]
        document = shlex.quote(json.dumps(_document(statements)))
        command = f"aws iam put-{kind}-policy --{kind}-name {name} --policy-name sm-tuning-{check} --policy-document {document}"
        yield problem(check, text, command)
    for action, keys in guarded.items():
        text = f"the {kind} {name} may not {action} as it is asked for, by conditions on {', '.join(keys)}"
        yield problem(check, text, f"change the tuning job, or what the policies of {name} say of {', '.join(keys)}")
    if unsure:
        depending = "; ".join(f"{action} is up to {', '.join(keys)}" for action, keys in unsure.items())
        yield skip(check, f"what {name} may do depends on what is not known before: {depending}")
    elif not denied and not guarded:
        yield ok(check, f"{name} may do what this tuning job needs")


Keys = dict[str, Sequence[str]]  # context keys by the action whose permission depends on them


def _judged(iam: Client, principal: str, needs: Sequence[Need], scope: AwsScope) -> tuple[Sequence[Need], Keys, Keys]:
    """Needs that are denied; those denied by conditions on the request; those that depend on unknown context keys."""
    denied: list[Need] = []
    guarded: Keys = {}
    unsure: Keys = {}
    for need in _distinct(needs):
        refused, depending = _simulate(iam, principal, need, scope)
        unsure |= depending
        if not refused:
            continue
        # Without what the request says, the simulation names the conditions that would have let it pass.
        _, conditions = _simulate(iam, principal, replace(need, actions=refused, context={}), scope)
        given = {key.lower() for key in need.context}
        guards = {action: [key for key in keys if key.lower() in given] for action, keys in conditions.items()}
        guarded |= {action: keys for action, keys in guards.items() if keys}
        if plain := [action for action in refused if not guards.get(action)]:
            denied.append(replace(need, actions=plain))
    return denied, guarded, unsure


def _distinct(needs: Sequence[Need]) -> Sequence[Need]:
    return [need for index, need in enumerate(needs) if need not in needs[:index]]


def _simulate(iam: Client, principal: str, need: Need, scope: AwsScope) -> tuple[Sequence[str], Keys]:
    """(actions that are denied, actions that depend on context keys which are not known)."""
    context = {
        "aws:SecureTransport": True,
        "aws:RequestedRegion": scope.region,
        "aws:ResourceAccount": scope.account,
        "aws:SourceAccount": scope.account,
        **need.context,
    }
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal,
        ActionNames=list(need.actions),
        ResourceArns=[need.resource],
        ContextEntries=[_entry(name, value) for name, value in context.items()],
    )
    denied: list[str] = []
    unsure: Keys = {}
    for result in (result for page in pages for result in page["EvaluationResults"]):
        # AWS answers for a resource in a list of its own, but for `*`.
        for specific in result.get("ResourceSpecificResults") or [result]:
            decision = specific.get("EvalResourceDecision") or result["EvalDecision"]
            if decision == "implicitDeny" and specific.get("MissingContextValues"):
                unsure[result["EvalActionName"]] = sorted(specific["MissingContextValues"])
            elif decision != "allowed":
                denied.append(result["EvalActionName"])
    return denied, unsure


def _entry(name: str, value: Value) -> Mapping[str, Any]:
    """A condition key as IAM's simulation takes it."""
    if isinstance(value, str):
        return {"ContextKeyName": name, "ContextKeyType": "string", "ContextKeyValues": [value]}
    if isinstance(value, bool | int):
        kind = "boolean" if isinstance(value, bool) else "numeric"
        return {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": [str(value).lower()]}
    return {"ContextKeyName": name, "ContextKeyType": "stringList", "ContextKeyValues": list(value)}
