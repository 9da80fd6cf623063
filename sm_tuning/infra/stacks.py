"""A stack brought to what its template says, by a change set that is shown first."""

import difflib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.errors import Invalid, NotDeployed
from sm_tuning.infra.errors import ALLOWED

_MARKS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "<"}
_EMPTY = ("didn't contain changes", "No updates are to be performed")
_HOLDS_NOTHING = frozenset({"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"})
_READY = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
_REMEDIES = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
    "ROLLBACK_FAILED": "the deploy role deletes neither bucket nor repository: {teardown}",
    "CREATE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "DELETE_FAILED": "what it could not delete still holds something: {teardown}",
}
# What CloudFormation's reasons mean here, and what to do: the first that fits.
_REASONS = {
    "Provider with url": "the account has this OpenID Connect provider; give MakeProvider=false",
    "BucketAlreadyExists": "the bucket's name belongs to another account; give another --project or --environment",
    "TrainingJobs already exists in stack": "another stack sets how long these logs are kept; give ManageLogGroup=false",
    "already exists in stack": "another stack has it; remove it there, or give another --project or --environment",
    "already exists": "somebody has made it by hand; delete it, or give another --project or --environment",
    "is not authorized to perform": ALLOWED,
}


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """What is to be deployed. `outputs_of` names a stack whose outputs are parameters here, where they bear the same names.

    `handed_on` are the parameters that come from there alone: what that stack tells no longer, this one keeps no longer.
    """

    stack: str
    template: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs_of: str | None = None
    handed_on: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class Stacks:
    """The stacks of one account and region.

    `say` is given every line that a user should see; `command` says which command does something (deploy, teardown) to a stack.
    """

    def __init__(self, client: Client, *, say: Callable[[str], object], poll: float, command: Callable[[str, str], str]) -> None:
        self._client = client
        self._say = say
        self._poll = poll
        self._command = command

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
        """A stack's outputs; raises NotDeployed if there is no such stack."""
        stack = self.find(name)
        if stack is None:
            raise NotDeployed(f"there is no stack {name} in {self._region}; {self._maker(name)}")
        return _outputs(stack)

    def resources(self, name: str) -> Iterator[tuple[str, str]]:
        """(type, physical id) of what a stack holds."""
        for resource in self._client.describe_stack_resources(StackName=name)["StackResources"]:
            if resource.get("PhysicalResourceId"):
                yield resource["ResourceType"], resource["PhysicalResourceId"]

    # --- deploying ------------------------------------------------------------------------------------------------------

    def deploy(self, request: DeployRequest, *, only_show: bool = False) -> Mapping[str, str]:
        """Show what would change, change it, wait, and give the outputs; raises NotDeployed."""
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
            raise NotDeployed(f"the stack {name} is {status}: somebody else is at it; wait for them, then try again")
        remedy = _REMEDIES.get(status, "see its events: aws cloudformation describe-stack-events --stack-name {name}")
        raise NotDeployed(f"the stack {name} is {status} and takes no change; {self._filled(remedy, name)}")

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
            raise NotDeployed(f"the change set of {request.stack} failed: {_with_remedy(reason)}; nothing was changed")
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
                raise Invalid(f"{request.template.name} has no parameter {name}; {hint}")
        kept = {name: value for name, value in parameters_of_stack(stack).items() if name not in request.handed_on}
        other = self.outputs(request.outputs_of) if request.outputs_of else {}
        chosen = {**kept, **other, **request.parameters}
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

    def _failed(self, name: str, arn: str, status: str) -> NotDeployed:
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
            left = f"{left}; {self._filled(_REMEDIES[status], name)}"
        done = "deleted" if status == "DELETE_FAILED" else "deployed"
        return NotDeployed(f"{name} was not {done}: {'; '.join(why) or 'no reason given'}. {left[0].upper()}{left[1:]}.")

    # --- deleting -------------------------------------------------------------------------------------------------------

    def delete(self, name: str) -> None:
        """Delete a stack and wait; raises NotDeployed if something of it stays."""
        stack = self.find(name)
        if stack is None:
            return
        self._client.delete_stack(StackName=name)
        status = self.wait(stack["StackId"])
        if status != "DELETE_COMPLETE":
            raise self._failed(name, stack["StackId"], status)

    def drop(self, name: str, *, only_show: bool) -> None:
        """Delete a stack that nothing needs any more and say so, or say that it would be; raises NotDeployed."""
        if not only_show:
            self.delete(name)
        self._say(f"{name}: {'would be deleted' if only_show else 'deleted'}")

    def _maker(self, name: str) -> str:
        """Who makes a stack, and how."""
        command = self._command("deploy", name)
        if name.endswith("-bootstrap"):
            return f"an administrator makes it once for each project, environment and region: {command}"
        return f"this makes it: {command}"

    def _filled(self, remedy: str, name: str) -> str:
        return remedy.format(name=name, teardown=self._command("teardown", name))

    @property
    def _region(self) -> str:
        region: str = self._client.meta.region_name
        return region


def parameters_of_stack(stack: Mapping[str, Any] | None) -> Mapping[str, str]:
    """A stack's parameters, as DescribeStacks gives it; none of one that is not there."""
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in (stack or {}).get("Parameters", ())}


def _outputs(stack: Mapping[str, Any]) -> Mapping[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def _with_remedy(reason: str) -> str:
    return next((f"{reason}: {remedy}" for sign, remedy in _REASONS.items() if sign in reason), reason)
