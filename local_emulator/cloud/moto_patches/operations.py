"""Operations that moto lacks or answers in part: methods of its own response classes, which it finds by their names."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from local_emulator.cloud.moto_modules import MotoObject, Original, moto, patched
from local_emulator.cloud.moto_patches.policies import decide
from local_emulator.settings import Quotas

SERVICES = frozenset({"iam", "logs", "monitoring", "servicequotas"})  # whose requests need the patches

Policy = Mapping[str, Any]


@contextmanager
def applied(quotas: Quotas) -> Iterator[None]:
    """Patch moto until the context ends: IAM's simulation and AWS's own policies, quotas, log streams by prefix, labels of metrics."""
    logs, iam, roles = moto("logs.responses").LogsResponse, moto("iam.responses").IamResponse, moto("iam.models").IAMBackend
    metrics = moto("cloudwatch.models").CloudWatchBackend
    members = [
        (iam, "simulate_principal_policy", _simulate_principal_policy),
        *((roles, name, _with_policies_of_aws(getattr(roles, name))) for name in _OF_POLICIES),
        (moto("servicequotas.responses").ServiceQuotasResponse, "list_service_quotas", _list_service_quotas(quotas)),
        (logs, "filter_log_events", _filter_log_events(logs.filter_log_events)),
        (metrics, "get_metric_data", _get_metric_data(metrics.get_metric_data)),
    ]
    with patched(members):
        yield


# --- policies of AWS's own ------------------------------------------------------------------------------------------------

_OF_POLICIES = ("attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy", "get_policy_version")


def _with_policies_of_aws(original: Original) -> Callable[..., object]:
    """What reads or attaches a policy, for a request or a stack: the first of AWS's makes moto load those, which takes 15 MB."""

    def method(backend: MotoObject, *args: object, **kwargs: object) -> object:
        named = any(":iam::aws:policy/" in str(value) for value in (*args, *kwargs.values()))
        if named and not backend.aws_managed_policies:
            kept = json.loads(moto("iam.aws_managed_policies").aws_managed_policies_data)
            make = moto("iam.models").AWSManagedPolicy.from_data
            policies = [make(name, backend.account_id, backend.region_name, content) for name, content in kept.items()]
            backend.aws_managed_policies = policies
            backend.managed_policies |= {policy.arn: policy for policy in policies}
        return original(backend, *args, **kwargs)

    return method


# --- SimulatePrincipalPolicy ----------------------------------------------------------------------------------------------


def _simulate_principal_policy(response: MotoObject) -> MotoObject:
    """Evaluate the policies of a role or a user; SageMaker SDK v3 asks before it trusts a role."""
    read = response._get_param  # noqa: SLF001 - how moto's responses read
    documents, boundary = _policies(response.backend, read("PolicySourceArn"))
    context = {entry["ContextKeyName"]: entry.get("ContextKeyValues", []) for entry in read("ContextEntries", [])}
    results = []
    for action in read("ActionNames", []):
        for resource in read("ResourceArns", []) or ["*"]:
            decision = decide(documents, boundary, action, resource, context)
            result = {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision.verdict}
            missing = {"MissingContextValues": decision.missing}
            specific = {"EvalResourceName": resource, "EvalResourceDecision": decision.verdict, **missing}
            # As in AWS, the decision on a resource is in a list of its own.
            results.append(result | (missing if resource == "*" else {"ResourceSpecificResults": [specific]}))
    return moto("core.responses").ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _policies(backend: MotoObject, arn: str) -> tuple[Sequence[Policy], Policy | None]:
    """(policy documents, permissions boundary) of a role, or of a user with its groups; raises moto's NoSuchEntity."""
    if ":user/" in arn:
        user = backend.get_user(arn.rsplit("/", 1)[-1])
        holders, boundary = [user, *backend.get_groups_for_user(user.name)], None
    else:
        role = backend.get_role_by_arn(arn)
        holders, boundary = [role], role.permissions_boundary_arn
    documents = [document for holder in holders for document in _documents(holder)]
    return documents, None if not boundary else _default_version(backend.get_policy(boundary))


def _documents(holder: MotoObject) -> Iterator[Policy]:
    yield from (json.loads(document) if isinstance(document, str) else document for document in holder.policies.values())
    yield from map(_default_version, holder.managed_policies.values())


def _default_version(policy: MotoObject) -> Policy:
    document: Policy = json.loads(next(version for version in policy.versions if version.is_default).document)
    return document


# --- ListServiceQuotas ----------------------------------------------------------------------------------------------------


def _list_service_quotas(quotas: Quotas) -> Callable[[MotoObject], str]:
    """SageMaker's quotas by AWS's names; the codes are made up. Instance types without a quota are not listed."""
    values = {
        "Number of concurrent hyperparameter tuning jobs": quotas.tuning_jobs,
        "Maximum number of parallel training jobs per hyperparameter tuning job": quotas.parallel_training_jobs,
        "Maximum number of training jobs per hyperparameter tuning job": quotas.training_jobs,
        **{
            f"{instance_type} for {use} usage": count
            for instance_type, count in quotas.instances.items()
            for use in ("training job", "spot training job")
        },
    }
    listed = [
        {
            "ServiceCode": "sagemaker",
            "ServiceName": "Amazon SageMaker",
            "QuotaCode": f"L-{sha256(name.encode()).hexdigest()[:8].upper()}",
            "QuotaName": name,
            "Value": float(value),
            "Adjustable": True,
        }
        for name, value in values.items()
    ]

    def operation(response: MotoObject) -> str:
        return json.dumps({"Quotas": listed if json.loads(response.body).get("ServiceCode") == "sagemaker" else []})

    return operation


# --- FilterLogEvents ------------------------------------------------------------------------------------------------------


def _filter_log_events(original: Callable[[MotoObject], str]) -> Callable[[MotoObject], str]:
    """Apply `logStreamNamePrefix`: without it `aws logs tail` would show every job's log."""

    def operation(response: MotoObject) -> str:
        read = response._get_param  # noqa: SLF001 - how moto's responses read
        prefix, group = read("logStreamNamePrefix"), response.logs_backend.groups.get(read("logGroupName"))
        if prefix and group is not None:
            names = [name for name in group.streams if name.startswith(prefix)]
            if not names:
                return json.dumps({"events": [], "searchedLogStreams": []})
            response._get_param = lambda name, default=None: names if name == "logStreamNames" else read(name, default)  # noqa: SLF001 - see above
        return original(response)

    return operation


# --- CloudWatch -----------------------------------------------------------------------------------------------------------


def _get_metric_data(original: Original) -> Callable[..., object]:
    """GetMetricData, where the label of a metric that nobody has given one is its name; moto adds the statistic."""

    def get_metric_data(backend: MotoObject, queries: Sequence[Mapping[str, Any]], *args: object, **kwargs: object) -> object:
        names = [query["MetricStat"]["Metric"]["MetricName"] for query in queries if "MetricStat" in query]
        labelled = [
            {"Label": query["MetricStat"]["Metric"]["MetricName"], **query}
            if "MetricStat" in query and names.count(query["MetricStat"]["Metric"]["MetricName"]) == 1
            else query
            for query in queries
        ]
        return original(backend, labelled, *args, **kwargs)

    return get_metric_data
