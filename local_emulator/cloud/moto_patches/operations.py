"""Operations that moto lacks, or answers in part: each is put into moto's own classes, which find it by its name."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from typing import Any
from unittest.mock import patch

from local_emulator.cloud.moto_patches.policies import decide
from local_emulator.settings import Quotas

SERVICES = frozenset({"iam", "logs", "servicequotas"})  # whose requests want them


@contextmanager
def extended(quotas: Quotas) -> Iterator[None]:
    """Teach moto IAM's simulation, SageMaker's quotas and log streams by prefix; afterwards it is as it was."""
    from moto.iam.responses import IamResponse  # noqa: PLC0415 - heavy
    from moto.logs.responses import LogsResponse  # noqa: PLC0415 - heavy
    from moto.servicequotas.responses import ServiceQuotasResponse  # noqa: PLC0415 - heavy

    with ExitStack() as patches:
        for owner, method, addition in (
            (IamResponse, "simulate_principal_policy", _simulate),
            (ServiceQuotasResponse, "list_service_quotas", _lister(quotas)),
            (LogsResponse, "filter_log_events", _filter(LogsResponse.filter_log_events)),
        ):
            patches.enter_context(patch.object(owner, method, addition, create=True))
        yield


# --- SimulatePrincipalPolicy ----------------------------------------------------------------------------------------------


def _simulate(response: Any) -> Any:  # noqa: ANN401 - moto's own types
    """What a role's or a user's own policies say; SageMaker SDK v3 asks before it trusts a role."""
    from moto.core.responses import ActionResult  # noqa: PLC0415 - heavy

    read = response._get_param  # noqa: SLF001 - how moto's responses read
    documents, boundary = _policies(response.backend, read("PolicySourceArn"))
    context = {one["ContextKeyName"]: one.get("ContextKeyValues", []) for one in read("ContextEntries", [])}
    results = []
    for action in read("ActionNames", []):
        for resource in read("ResourceArns", []) or ["*"]:
            decision = decide(documents, boundary, action, resource, context)
            result = {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision.verdict}
            missing = {"MissingContextValues": decision.missing}
            one = {"EvalResourceName": resource, "EvalResourceDecision": decision.verdict, **missing}
            # As AWS does: what is about a resource stands in a list of its own.
            results.append(result | (missing if resource == "*" else {"ResourceSpecificResults": [one]}))
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _policies(backend: Any, arn: str) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Any] | None]:  # noqa: ANN401 - moto's own types
    """(policy documents, permissions boundary) of a role, or of a user with its groups; raises moto's NoSuchEntity."""
    if ":user/" in arn:
        user = backend.get_user(arn.rsplit("/", 1)[-1])
        holders, boundary = [user, *backend.get_groups_for_user(user.name)], None
    else:
        role = backend.get_role_by_arn(arn)
        holders, boundary = [role], role.permissions_boundary_arn
    documents = [document for holder in holders for document in _documents(holder)]
    return documents, None if not boundary else _default(backend.get_policy(boundary))


def _documents(holder: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - moto's own types
    yield from (json.loads(one) if isinstance(one, str) else one for one in holder.policies.values())
    yield from (_default(one) for one in holder.managed_policies.values())


def _default(policy: Any) -> Mapping[str, Any]:  # noqa: ANN401 - moto's own types
    document: Mapping[str, Any] = json.loads(next(one for one in policy.versions if one.is_default).document)
    return document


# --- ListServiceQuotas ----------------------------------------------------------------------------------------------------


def _lister(quotas: Quotas) -> Any:  # noqa: ANN401 - a method of moto's
    """ListServiceQuotas for SageMaker, by AWS's names; the codes are made up. Instance types without a quota are not told."""
    named = {
        "Number of concurrent hyperparameter tuning jobs": quotas.tuning_jobs,
        "Maximum number of parallel training jobs per hyperparameter tuning job": quotas.parallel_training_jobs,
        "Maximum number of training jobs per hyperparameter tuning job": quotas.training_jobs,
        **{
            f"{kind} for {use} usage": count
            for kind, count in quotas.instances.items()
            for use in ("training job", "spot training job")
        },
    }
    told = [
        {
            "ServiceCode": "sagemaker",
            "ServiceName": "Amazon SageMaker",
            "QuotaCode": f"L-{sha256(name.encode()).hexdigest()[:8].upper()}",
            "QuotaName": name,
            "Value": float(value),
            "Adjustable": True,
        }
        for name, value in named.items()
    ]

    def answer(response: Any) -> str:  # noqa: ANN401 - moto's own types
        return json.dumps({"Quotas": told if json.loads(response.body).get("ServiceCode") == "sagemaker" else []})

    return answer


# --- FilterLogEvents ------------------------------------------------------------------------------------------------------


def _filter(whole: Callable[[Any], str]) -> Callable[[Any], str]:
    """FilterLogEvents with its `logStreamNamePrefix`, which moto takes no notice of: `aws logs tail` would show every job's log."""

    def answer(response: Any) -> str:  # noqa: ANN401 - moto's own types
        read = response._get_param  # noqa: SLF001 - how moto's responses read
        prefix, group = read("logStreamNamePrefix"), response.logs_backend.groups.get(read("logGroupName"))
        if prefix and group is not None:
            names = [name for name in group.streams if name.startswith(prefix)]
            if not names:
                return json.dumps({"events": [], "searchedLogStreams": []})
            response._get_param = lambda name, otherwise=None: names if name == "logStreamNames" else read(name, otherwise)  # noqa: SLF001
        return whole(response)

    return answer
