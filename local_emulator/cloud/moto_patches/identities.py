"""Roles and managed policies of a stack: what they hold when they are created and changed."""

from local_emulator.cloud.moto_modules import MotoObject, Original, backend, moto, wrap
from local_emulator.cloud.moto_patches.resource_types import policy_text
from local_emulator.domain.names import AwsScope

_MOST_VERSIONS = 5


def apply() -> None:
    """Patch moto; called once."""
    models = moto("iam.models")
    for method in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        wrap(models.Role, method, _with_policies)
    wrap(models.Role, "delete_from_cloudformation_json", _without_policies)
    models.ManagedPolicy.update_from_cloudformation_json = staticmethod(_new_version)
    models.ManagedPolicy.delete_from_cloudformation_json = staticmethod(_delete_policy)


def _with_policies(original: Original, *args: MotoObject, **kwargs: MotoObject) -> MotoObject:
    """A role with its inline and managed policies."""
    properties = (kwargs.get("cloudformation_json") or args[1])["Properties"]
    policies = {policy["PolicyName"]: policy_text(policy["PolicyDocument"]) for policy in properties.get("Policies", ())}
    for document in policies.values():
        moto("iam.policy_validation").IAMPolicyDocumentValidator(document).validate()
    role = original(*args, **kwargs)
    role.assume_role_policy_document = policy_text(properties["AssumeRolePolicyDocument"])
    role.policies |= policies
    role.max_session_duration = int(properties.get("MaxSessionDuration", 3600))
    role.permissions_boundary_arn = properties.get("PermissionsBoundary") or None
    for arn in set(properties.get("ManagedPolicyArns", ())) - set(role.managed_policies):
        _iam(role).attach_role_policy(policy_arn=arn, role_name=role.name)
    return role


def _without_policies(original: Original, name: str, declaration: MotoObject, account: str, region: str) -> None:
    """Delete a role; its managed policies are detached first."""
    iam = _backend(account, region)
    for arn in [arn for role in iam.roles.values() if role.name == name for arn in role.managed_policies]:
        iam.detach_role_policy(policy_arn=arn, role_name=name)
    original(name, declaration, account, region)


def _delete_policy(name: str, _declaration: MotoObject, account: str, region: str) -> None:
    """Delete a managed policy: moto leaves it, and the next creation fails."""
    iam = _backend(account, region)
    if name not in iam.managed_policies:
        return
    if any(name in role.managed_policies for role in iam.roles.values()):  # moto's stack tries again after the role
        raise moto("iam.exceptions").DeleteConflictException("Cannot delete a policy attached to entities.")
    iam.delete_policy(name)


def _backend(account: str, region: str) -> MotoObject:
    return backend("iam", AwsScope(account=account, region=region))


def _new_version(*, original_resource: MotoObject, cloudformation_json: MotoObject, **_others: object) -> MotoObject:
    """A managed policy with a changed document: a new version, which is the default."""
    document = policy_text(cloudformation_json["Properties"]["PolicyDocument"])
    if len(original_resource.versions) >= _MOST_VERSIONS:
        original_resource.versions = [version for version in original_resource.versions if version.is_default]
    _iam(original_resource).create_policy_version(original_resource.arn, document, set_as_default=True)
    return original_resource


def _iam(resource: MotoObject) -> MotoObject:
    return moto("iam.models").iam_backends[resource.account_id][resource.partition]
