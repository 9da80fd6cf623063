"""A stack brought to what its template says, by a change set that is shown first."""

import difflib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.errors import ALLOWED, USAGE, Refused

_MARKS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "<"}
_EMPTY = ("didn't contain changes", "No updates are to be performed")
_HOLDS_NOTHING = frozenset({"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"})
_READY = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
_REMEDIES = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "CREATE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "DELETE_FAILED": "what it could not delete still holds something: make teardown PROJECT={name} YES=1",
}
# What CloudFormation's reasons mean here, and what to do: the first that fits.
_REASONS = {
    "Provider with url": "the account has this OpenID Connect provider; give --parameter MakeProvider=false",
    "BucketAlreadyExists": "the bucket's name belongs to another account; give another --parameter Project=… and stack name",
    "already exists in stack": "another stack has it; remove it there, or give another --parameter Project=… and stack name",
    "already exists": "somebody has made it by hand; delete it, or give another --parameter Project=… and stack name",
    "permissions boundary": "the deploy role makes roles with its boundary only; deploy with --outputs-of PROJECT-bootstrap",
    "is not authorized to perform": ALLOWED,
}


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """What is to be deployed. `outputs_of` names a stack whose outputs are parameters here, where they bear the same names."""

    stack: str
    template: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs_of: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Stacks:
    """The stacks of one account and region; `say` is given every line that a user should see."""

    def __init__(self, client: Any, say: Callable[[str], object], poll: float) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
        self._client = client
        self._say = say
        self._poll = poll

    def find(self, name: str) -> Mapping[str, Any] | None:
        """A stack as AWS describes it; None if there is none."""
        try:
            stack: Mapping[str, Any] = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack

    def outputs(self, name: str) -> Mapping[str, str]:
        """A stack's outputs; raises Refused if there is no such stack."""
        stack = self.find(name)
        if stack is None:
            raise Refused(f"there is no stack {name} in {self._region}; make deploy makes it")
        return _outputs(stack)

    def resources(self, name: str) -> Iterator[tuple[str, str]]:
        """(type, physical id) of what a stack holds."""
        for resource in self._client.describe_stack_resources(StackName=name)["StackResources"]:
            if resource.get("PhysicalResourceId"):
                yield resource["ResourceType"], resource["PhysicalResourceId"]

    # --- deploying ------------------------------------------------------------------------------------------------------

    def deploy(self, request: DeployRequest, *, only_show: bool = False) -> Mapping[str, str]:
        """Show what would change, change it, wait, and give the outputs; raises Refused."""
        stack = self._settled(request.stack)
        change_set = self._propose(request, stack)
        if change_set is None:
            self._say(f"{request.stack}: nothing to change")
            return _outputs(stack or {})
        if only_show:
            self._withdraw(change_set, new=stack is None)
            return _outputs(stack or {})
        self._client.execute_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=request.stack)
        status = self.wait(change_set["StackId"])
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
            raise self._failed(request.stack, change_set["StackId"], status)
        self._say(f"{request.stack}: {status}")
        return self.outputs(request.stack)

    def _settled(self, name: str) -> Mapping[str, Any] | None:
        """A stack that can be updated, or None: what an unsuccessful creation has left is removed first."""
        stack = self.find(name)
        if stack is None or stack["StackStatus"] in _READY:
            return stack
        status = stack["StackStatus"]
        if status in _HOLDS_NOTHING:
            self._say(f"{name}: {status}, it was never created and holds nothing; deleting it first")
            self.delete(name)
            return None
        if status.endswith("_IN_PROGRESS"):
            raise Refused(f"the stack {name} is {status}: somebody else is at it; wait for them, then try again")
        remedy = _REMEDIES.get(status, "see its events: aws cloudformation describe-stack-events --stack-name {name}")
        raise Refused(f"the stack {name} is {status} and takes no change; {remedy.format(name=name)}")

    def _propose(self, request: DeployRequest, stack: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """A change set that is ready, shown; None if it would change nothing."""
        body = request.template.read_text(encoding="utf-8")
        parameters = self._parameters(request, body, stack)
        made = self._client.create_change_set(
            StackName=request.stack,
            ChangeSetName=f"deploy-{time.time_ns()}",
            ChangeSetType="CREATE" if stack is None else "UPDATE",
            TemplateBody=body,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Tags=[{"Key": name, "Value": value} for name, value in request.tags.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            ImportExistingResources=True,  # the log group of all training jobs is adopted
        )
        described = self._change_set(made["Id"], request.stack)
        if described["Status"] == "FAILED":
            self._withdraw(described, new=stack is None)
            reason = described.get("StatusReason", "no reason given")
            if any(phrase in reason for phrase in _EMPTY):
                return None
            raise Refused(f"the change set of {request.stack} failed: {_with_remedy(reason)}; nothing was changed")
        self._show(request.stack, described["Changes"])
        return described

    def _parameters(self, request: DeployRequest, body: str, stack: Mapping[str, Any] | None) -> Mapping[str, str]:
        """Those given, then the other stack's outputs, then what the stack has; the template has defaults for the rest."""
        summary = self._client.get_template_summary(TemplateBody=body)
        known = [parameter["ParameterKey"] for parameter in summary["Parameters"]]
        for name in request.parameters:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
                raise Refused(f"{request.template} has no parameter {name}; {hint}", USAGE)
        kept = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in (stack or {}).get("Parameters", ())}
        other = self.find(request.outputs_of) if request.outputs_of else None
        chosen = {**kept, **_outputs(other or {}), **request.parameters}
        return {name: chosen[name] for name in known if name in chosen}

    def _change_set(self, arn: str, stack: str) -> Mapping[str, Any]:
        """A change set that has been worked out, with all its changes."""
        while True:
            described: dict[str, Any] = self._client.describe_change_set(ChangeSetName=arn, StackName=stack)
            if described["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                break
            time.sleep(self._poll)
        page: Mapping[str, Any] = described
        while page.get("NextToken"):
            page = self._client.describe_change_set(ChangeSetName=arn, StackName=stack, NextToken=page["NextToken"])
            described["Changes"] += page["Changes"]
        return described

    def _show(self, stack: str, changes: list[Mapping[str, Any]]) -> None:
        self._say(f"{stack}: {len(changes)} changes")
        for resource in (change["ResourceChange"] for change in changes):
            replaced = "  (REPLACED: what it holds is not taken along)" if resource.get("Replacement") == "True" else ""
            self._say(
                f"  {_MARKS.get(resource['Action'], '?')} {resource['ResourceType']:<32} {resource['LogicalResourceId']}{replaced}"
            )

    def _withdraw(self, change_set: Mapping[str, Any], *, new: bool) -> None:
        """Leave nothing behind of a change set that is not executed."""
        self._client.delete_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=change_set["StackName"])
        if new:
            self.delete(change_set["StackName"])

    def wait(self, name: str) -> str:
        """The status of a stack once nothing moves any more; DELETE_COMPLETE if it is gone."""
        while True:
            try:
                status: str = self._client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                return "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status
            time.sleep(self._poll)

    def _failed(self, name: str, arn: str, status: str) -> Refused:
        """Why, and what is left; a creation that failed leaves nothing."""
        events = self._client.describe_stack_events(StackName=arn)["StackEvents"]
        why = [
            f"{event['LogicalResourceId']}: {_with_remedy(event['ResourceStatusReason'])}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", "cancelled")
        ]
        left = f"the stack is {status}"
        if status in _HOLDS_NOTHING:
            self.delete(name)
            left = "nothing is left of it"
        elif status == "UPDATE_ROLLBACK_COMPLETE":
            left = "it is again what it was before"
        elif status in _REMEDIES:
            left = f"{left}; {_REMEDIES[status].format(name=name)}"
        done = "deleted" if status == "DELETE_FAILED" else "deployed"
        return Refused(f"{name} was not {done}: {'; '.join(why) or 'no reason given'}. {left[0].upper()}{left[1:]}.")

    # --- deleting -------------------------------------------------------------------------------------------------------

    def delete(self, name: str) -> None:
        """Delete a stack and wait; raises Refused if something of it stays."""
        stack = self.find(name)
        if stack is None:
            return
        self._client.delete_stack(StackName=name)
        status = self.wait(stack["StackId"])
        if status != "DELETE_COMPLETE":
            raise self._failed(name, stack["StackId"], status)

    @property
    def _region(self) -> str:
        region: str = self._client.meta.region_name
        return region


def _outputs(stack: Mapping[str, Any]) -> Mapping[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def _with_remedy(reason: str) -> str:
    return next((f"{reason}: {remedy}" for sign, remedy in _REASONS.items() if sign in reason), reason)
