"""Checks of what the role and the caller may do."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sm_tuning.preflight.account import Account
from sm_tuning.preflight.finding import Finding, ok, problem, skip
from sm_tuning.preflight.permissions import Need, Place, Value, of_the_caller, of_the_role

if TYPE_CHECKING:
    from sm_tuning.spec.definition import Definition
    from sm_tuning.spec.job import TuningJobSpec

_SERVICE = "sagemaker.amazonaws.com"


def _roles(job: "TuningJobSpec") -> Mapping[str, Sequence[tuple[str, "Definition"]]]:
    """The definitions (with their prefixes) of each role."""
    roles: dict[str, list[tuple[str, Definition]]] = {}
    for prefix, part in job.parts():
        roles.setdefault(part.role or "", []).append((prefix, part))
    return roles


def role(account: Account, job: "TuningJobSpec") -> Iterator[Finding]:
    """Each role exists, and SageMaker may assume it."""
    iam = account.client("iam")
    for arn in _roles(job):
        name = arn.rsplit("/", 1)[-1]
        trust = _trust()
        try:
            found = iam.get_role(RoleName=name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            yield problem(
                "role",
                f"there is no role {name} in the account {account.place.account}",
                f"aws iam create-role --role-name {name} --assume-role-policy-document {shlex.quote(json.dumps(trust))}",
            )
            continue
        if found["Arn"] != arn:
            yield problem("role", f"the role is {found['Arn']}, not {arn}", f'role = "{found["Arn"]}"')
        elif not _trusts(found["AssumeRolePolicyDocument"], account.place):
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


def _trusts(document: Mapping[str, Any], place: Place) -> bool:
    """Whether a trust policy lets SageMaker in, for training jobs of this account."""
    about = [one for one in _several(document.get("Statement", [])) if _is_for_sagemaker(one) and _meets(one, place)]
    return bool(about) and all(one["Effect"] == "Allow" for one in about)


def _is_for_sagemaker(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _several(principal.get("Service", [])) if isinstance(principal, Mapping) else _several(principal)
    actions = {str(one).lower() for one in _several(statement.get("Action", []))}
    return bool({_SERVICE, "*"} & set(services)) and bool({"sts:assumerole", "sts:*", "*"} & actions)


def _meets(statement: Mapping[str, Any], place: Place) -> bool:
    """Whether its condition on the account, which guards against confused deputies, names this one."""
    wanted = [
        one
        for keys in statement.get("Condition", {}).values()
        for key, value in keys.items()
        if key.lower() == "aws:sourceaccount"
        for one in _several(value)
    ]
    return not wanted or place.account in wanted


def role_policy(account: Account, job: "TuningJobSpec") -> Iterator[Finding]:
    """Each role's policies allow what its training jobs do."""
    for arn, parts in _roles(job).items():
        needs = [need for prefix, part in parts for need in of_the_role(job, prefix, part, account.place, account.example)]
        try:
            yield from _allowed(account, "role-policy", arn, needs)
        except account.client("iam").exceptions.NoSuchEntityException:
            yield skip("role-policy", f"there is no {arn}")


def caller(account: Account, job: "TuningJobSpec") -> Iterator[Finding]:
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
    yield from _allowed(account, "caller", principal, list(of_the_caller(job, account.place)))


def _allowed(account: Account, check: str, principal: str, needs: Sequence[Need]) -> Iterator[Finding]:
    """What IAM's simulation says of a principal; bucket policies and the like are not part of it."""
    kind, *_path, name = principal.rsplit(":", maxsplit=1)[-1].split("/")
    denied, guarded, unsure = _judged(account.client("iam"), principal, needs, account.place)
    if denied:
        text = f"the {kind} {name} may not " + "; nor ".join(f"{', '.join(one.actions)} on {one.resource}" for one in denied)
        statements = [{"Effect": "Allow", "Action": list(one.actions), "Resource": one.grant or one.resource} for one in denied]
        document = shlex.quote(json.dumps(_document(statements)))
        command = f"aws iam put-{kind}-policy --{kind}-name {name} --policy-name sm-tuning-{check} --policy-document {document}"
        yield problem(check, text, command)
    for action, keys in guarded.items():
        text = f"the {kind} {name} may not {action} as it is asked for, by conditions on {', '.join(keys)}"
        yield problem(check, text, f"change the tuning job, or what the policies of {name} say of {', '.join(keys)}")
    if unsure:
        told = "; ".join(f"{action} is up to {', '.join(keys)}" for action, keys in unsure.items())
        yield skip(check, f"what {name} may do depends on what is not known before: {told}")
    elif not denied and not guarded:
        yield ok(check, f"{name} may do what this tuning job needs")


Keys = dict[str, Sequence[str]]  # context keys by the action whose permission depends on them


def _judged(iam: Any, principal: str, needs: Sequence[Need], place: Place) -> tuple[Sequence[Need], Keys, Keys]:  # noqa: ANN401 - a boto3 client
    """What is denied; what is denied by conditions on what the request says; what depends on what is not known."""
    denied: list[Need] = []
    guarded: Keys = {}
    unsure: Keys = {}
    for need in _distinct(needs):
        refused, depending = _simulate(iam, principal, need, place)
        unsure |= depending
        if not refused:
            continue
        # Without what the request says, the simulation names the conditions that would have let it pass.
        _, conditions = _simulate(iam, principal, replace(need, actions=refused, context={}), place)
        told = {key.lower() for key in need.context}
        guards = {action: [key for key in keys if key.lower() in told] for action, keys in conditions.items()}
        guarded |= {action: keys for action, keys in guards.items() if keys}
        if plain := [action for action in refused if not guards.get(action)]:
            denied.append(replace(need, actions=plain))
    return denied, guarded, unsure


def _distinct(needs: Sequence[Need]) -> Sequence[Need]:
    return [one for place, one in enumerate(needs) if one not in needs[:place]]


def _simulate(iam: Any, principal: str, need: Need, place: Place) -> tuple[Sequence[str], Keys]:  # noqa: ANN401 - a boto3 client
    """(actions that are denied, actions that depend on context keys which are not known)."""
    context = {
        "aws:SecureTransport": True,
        "aws:RequestedRegion": place.region,
        "aws:ResourceAccount": place.account,
        "aws:SourceAccount": place.account,
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
    for one in (result for page in pages for result in page["EvaluationResults"]):
        # AWS tells of a resource in a list of its own, but for `*`.
        for told in one.get("ResourceSpecificResults") or [one]:
            decision = told.get("EvalResourceDecision") or one["EvalDecision"]
            if decision == "implicitDeny" and told.get("MissingContextValues"):
                unsure[one["EvalActionName"]] = sorted(told["MissingContextValues"])
            elif decision != "allowed":
                denied.append(one["EvalActionName"])
    return denied, unsure


def _entry(name: str, value: Value) -> Mapping[str, Any]:
    """A condition key as IAM's simulation takes it."""
    if isinstance(value, str):
        return {"ContextKeyName": name, "ContextKeyType": "string", "ContextKeyValues": [value]}
    if isinstance(value, bool | int):
        kind = "boolean" if isinstance(value, bool) else "numeric"
        return {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": [str(value).lower()]}
    return {"ContextKeyName": name, "ContextKeyType": "stringList", "ContextKeyValues": list(value)}
