"""The roles for what goes on unasked: a stack that comes and goes with two parameters of `sm-tuning infra bootstrap`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sm_tuning.errors import Invalid
from sm_tuning.infra.stacks import DeployRequest, Stacks, parameters_of_stack

_OFF = {"PromoteSubjects": "", "Triggers": "false"}
_HANDED_ON = ("KmsKeyArn", "ExistingBucket")


@dataclass(frozen=True, kw_only=True)
class Automation:
    """The stack `name` of the template `template`, beside the stack `bootstrap`; `say` is given every line that a user should see."""

    name: str
    bootstrap: str
    template: Path
    names: Mapping[str, str]
    stacks: Stacks
    say: Callable[[str], object]

    def own(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Those of the parameters that are this stack's."""
        return {name: value for name, value in parameters.items() if name in _OFF}

    def follow(self, parameters: Mapping[str, str], *, only_show: bool) -> None:
        """Make, change or delete the stack, once the bootstrap stack is what it should be; `parameters` are its own."""
        before, bootstrap = self.stacks.find(self.name), self.stacks.find(self.bootstrap)
        wanted = {**_OFF, **{name: value for name, value in parameters_of_stack(before).items() if name in _OFF}, **parameters}
        if wanted == _OFF:
            if before is not None:
                self.stacks.drop(self.name, only_show=only_show)
            return
        if bootstrap is None:
            self.say(f"{self.name}: made once {self.bootstrap} is there")
            return
        if not self.template.is_file():
            raise Invalid(f"there is no template {self.template}")
        provider = {name: value for name, value in parameters_of_stack(bootstrap).items() if name == "Provider"}
        request = DeployRequest(
            stack=self.name,
            template=self.template,
            parameters={**self.names, **provider, **wanted},
            outputs_of=self.bootstrap,
            handed_on=_HANDED_ON,
            tags=self.names,
        )
        self.stacks.deploy(request, only_show=only_show)
