"""One project's environment in one region: its two stacks, deployed, shown and deleted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Session
from sm_tuning.errors import Invalid
from sm_tuning.infra.automation import Automation
from sm_tuning.infra.network import Network
from sm_tuning.infra.running_jobs import RunningJobs
from sm_tuning.infra.stacks import DeployRequest, Stacks
from sm_tuning.infra.teardown import Teardown

TEMPLATES = Path(__file__).parent / "templates"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# What the tuning stack takes from the bootstrap stack, and from nobody else.
HANDED_ON = ("LaunchRoleArn", "ExecutionRoleArn", "ExistingBucket", "KmsKeyArn", "SubnetIds", "SecurityGroupIds", "Triggers")
_HOSTS = {"GitHub": "token.actions.githubusercontent.com", "GitLab": "gitlab.com"}


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project's environment; `say` is given every line that a user should see.

    `command` makes a command line of `sm-tuning` that reaches the same account, `poll` are seconds between two looks at a stack.
    """

    name: str
    environment: str
    session: Session
    say: Callable[[str], object]
    command: Callable[..., str]
    poll: float = 3.0
    account: str | None = None
    templates: Path = TEMPLATES

    @property
    def stack(self) -> str:
        """Name of the tuning stack."""
        return f"{self.name}-{self.environment}"

    @property
    def bootstrap_stack(self) -> str:
        """Name of the stack that gives rights."""
        return f"{self.stack}-bootstrap"

    @property
    def network_stack(self) -> str:
        """Name of the stack of its own network, which there is with `Subnets=new`."""
        return f"{self.stack}-network"

    @property
    def automation_stack(self) -> str:
        """Name of the stack of the roles for what goes on unasked."""
        return f"{self.stack}-automation"

    @property
    def _names(self) -> Mapping[str, str]:
        return {"Project": self.name, "Environment": self.environment}

    @property
    def _stacks(self) -> Stacks:
        self._check_account()
        return Stacks(self.session.client("cloudformation"), say=self.say, poll=self.poll, command=self._command)

    def _command(self, verb: str, stack: str) -> str:
        """The command line that does something to a stack."""
        words = [verb, "--project", self.name, "--environment", self.environment]
        if stack == self.bootstrap_stack:
            words = ["bootstrap", *words[1:]] if verb == "deploy" else [*words, "--bootstrap"]
        return self.command("infra", *words, *(["--yes"] if verb == "teardown" else []))

    def bootstrap(self, parameters: Mapping[str, str], *, only_show: bool = False) -> Mapping[str, str]:
        """Deploy what gives rights, as an administrator; its outputs."""
        stacks = self._stacks
        chosen = dict(parameters)
        if not {"MakeProvider", "ManageLogGroup"} <= chosen.keys() and stacks.find(self.bootstrap_stack) is None:
            chosen = {**self._what_is_there(chosen), **chosen}
        automation = self._automation(stacks)
        own = automation.own(chosen)
        chosen = {name: value for name, value in chosen.items() if name != "PromoteSubjects"}
        request = self._request(self.bootstrap_stack, "bootstrap.yaml", chosen)
        with Network(
            name=self.network_stack, template=self.templates / "network.yaml", tags=self._names, stacks=stacks, say=self.say
        ).of(self.bootstrap_stack, chosen, only_show=only_show) as with_network:
            outputs = stacks.deploy(replace(request, parameters={**self._names, **with_network}), only_show=only_show)
        automation.follow(own, only_show=only_show)
        return outputs

    def deploy(self, parameters: Mapping[str, str], *, only_show: bool = False) -> Mapping[str, str]:
        """Deploy what stores and sends; its outputs. Raises NotDeployed without the bootstrap stack."""
        request = self._request(self.stack, "tuning.yaml", parameters, outputs_of=self.bootstrap_stack, handed_on=HANDED_ON)
        return self._stacks.deploy(request, only_show=only_show)

    def teardown(self, *, yes: bool, bootstrap: bool = False, stop_jobs: bool = False) -> None:
        """Delete one of the two stacks with all that it holds; without `yes` list what would go.

        Raises NotDeployed while tuning jobs run, unless they are stopped.
        """
        stacks = self._stacks
        if bootstrap and stacks.find(self.stack) is not None:
            raise Invalid(f"the stack {self.stack} is there, and needs {self.bootstrap_stack}; delete it first")
        if not bootstrap:
            jobs = RunningJobs(client=self.session.client("sagemaker"), tags=self._names, say=self.say, poll=self.poll)
            jobs.settle(yes=yes, stop=stop_jobs)
        delete = Teardown(stacks=stacks, client=self.session.client, say=self.say)
        if not bootstrap:
            is_there = stacks.find(self.stack) is not None
            delete(self.stack, yes=yes)
            if is_there and yes:  # what commands have made is no stack's, nor may who tears down ask for it
                remedy = f"aws sagemaker delete-pipeline --pipeline-name {self.stack}"
                self.say(f"  left, if it was made: the model package group {self.stack} with its versions")
                self.say(f"  left, if it was made: the pipeline {self.stack} ({remedy})")
            return
        beside = [name for name in (self.automation_stack, self.network_stack) if stacks.find(name) is not None]
        for name in beside:
            self.say(f"  - the stack {name}")
        for name in sorted({self.bootstrap_stack, *beside}):  # automation, bootstrap, network: none goes before what needs it
            delete(name, yes=yes)

    def outputs(self, *, bootstrap: bool = False) -> Mapping[str, str]:
        """What a stack tells; raises NotDeployed if it is not there."""
        return self._stacks.outputs(self.bootstrap_stack if bootstrap else self.stack)

    def _automation(self, stacks: Stacks) -> Automation:
        return Automation(
            name=self.automation_stack,
            bootstrap=self.bootstrap_stack,
            template=self.templates / "automation.yaml",
            names=self._names,
            stacks=stacks,
            say=self.say,
        )

    def _request(self, stack: str, template: str, parameters: Mapping[str, str], **handed: Any) -> DeployRequest:  # noqa: ANN401 - DeployRequest's
        if wrong := sorted(self._names.keys() & parameters.keys()):
            raise Invalid(f"{' and '.join(wrong)} name the stack; give --project and --environment")
        path = self.templates / template
        if not path.is_file():
            raise Invalid(f"there is no template {path}")
        return DeployRequest(stack=stack, template=path, parameters={**self._names, **parameters}, tags=self._names, **handed)

    def _what_is_there(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Parameters by which a new stack leaves alone what an account or region has once, where another stack or somebody made it."""
        chosen = {}
        host = _HOSTS.get(parameters.get("Provider", "GitHub"), "")
        providers = self.session.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
        if "MakeProvider" not in parameters and any(entry["Arn"].endswith(f"/{host}") for entry in providers):
            self.say(f"the account has the OpenID Connect provider {host}, which is used: MakeProvider=false")
            chosen["MakeProvider"] = "false"
        if "ManageLogGroup" not in parameters and (owner := self._owner(LOG_GROUP)):
            self.say(f"the stack {owner} says how long {LOG_GROUP} is kept: ManageLogGroup=false")
            chosen["ManageLogGroup"] = "false"
        return chosen

    def _owner(self, resource: str) -> str | None:
        """Name of the stack that has a resource."""
        try:
            held = self.session.client("cloudformation").describe_stack_resources(PhysicalResourceId=resource)["StackResources"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return None
        return next((entry["StackName"] for entry in held if entry.get("PhysicalResourceId") == resource), None)

    def _check_account(self) -> None:
        """Refuse credentials of another account than the one that is meant."""
        if self.account is None:
            return
        caller = self.session.client("sts").get_caller_identity()
        if caller["Account"] != self.account:
            raise Invalid(
                f"the credentials are those of {caller['Arn']}, not of account {self.account}; choose with --profile or AWS_PROFILE"
            )


def parameters_of(words: Sequence[str]) -> Mapping[str, str]:
    """NAME=VALUE words as a mapping; raises Invalid."""
    pairs = [word.partition("=") for word in words]
    if wrong := [word for word, (name, equals, _) in zip(words, pairs, strict=True) if not equals or not name]:
        raise Invalid(f"{wrong[0]!r} must be NAME=VALUE")
    return {name: value for name, _, value in pairs}
