"""A network of a project's own: a stack beside the bootstrap stack, which is made by `Subnets=new` and handed its subnets."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sm_tuning.errors import Invalid
from sm_tuning.infra.stacks import DeployRequest, Stacks, parameters_of_stack

NEW = "new"
_OWN = ("VpcCidr", "VpcEndpoints")
# What a change set of the bootstrap stack is shown with while its network is not there yet.
_NOT_YET = {"Subnets": "subnet-0,subnet-1", "SecurityGroups": "sg-0"}


@dataclass(frozen=True, kw_only=True)
class Network:
    """The stack `name` of the template `template`; `say` is given every line that a user should see."""

    name: str
    template: Path
    tags: Mapping[str, str]
    stacks: Stacks
    say: Callable[[str], object]

    @contextmanager
    def of(self, bootstrap: str, parameters: Mapping[str, str], *, only_show: bool) -> Iterator[Mapping[str, str]]:
        """Make or change the network if `parameters` ask for it; those that are the stack `bootstrap`'s.

        A network that this stack then does not name (any more) is deleted. Raises Invalid where parameters contradict each other.
        """
        before = parameters_of_stack(self.stacks.find(bootstrap))
        chosen = self._prepared(parameters, before, only_show=only_show)
        try:
            yield chosen
        finally:
            if before.get("Subnets") or chosen.get("Subnets"):
                after = {**before, **chosen} if only_show else parameters_of_stack(self.stacks.find(bootstrap))
                self._drop_unless(after.get("Subnets", ""), only_show=only_show)

    def _prepared(self, parameters: Mapping[str, str], before: Mapping[str, str], *, only_show: bool) -> Mapping[str, str]:
        own = {name: parameters[name] for name in _OWN if name in parameters}
        others = {name: value for name, value in parameters.items() if name not in own}
        if parameters.get("Subnets", before.get("Subnets", "")) == NEW:
            if others.get("SecurityGroups"):
                raise Invalid("SecurityGroups are those of subnets that there are; Subnets=new makes its own")
            if "Subnets" not in parameters:
                self.say(f"the network moves to a stack of its own, {self.name}; run `deploy` next, which hands its subnets on")
                own = {**{name: before[name] for name in _OWN if name in before}, **own}
            return {**others, **self._deploy(own, only_show=only_show)}
        if own:
            if "Subnets" in parameters or self.stacks.find(self.name) is None:
                raise Invalid(
                    f"{' and '.join(own)} {'belongs' if len(own) == 1 else 'belong'} to a new network: give Subnets=new"
                )
            self._deploy(own, only_show=only_show)
        return others

    def _deploy(self, parameters: Mapping[str, str], *, only_show: bool) -> Mapping[str, str]:
        if not self.template.is_file():
            raise Invalid(f"there is no template {self.template}")
        request = DeployRequest(stack=self.name, template=self.template, parameters=parameters, tags=self.tags)
        return self.stacks.deploy(request, only_show=only_show) or _NOT_YET

    def _drop_unless(self, subnets: str, *, only_show: bool) -> None:
        """Delete the network if these are not its subnets."""
        if self.stacks.find(self.name) is not None and self.stacks.outputs(self.name).get("Subnets") != subnets:
            self.stacks.drop(self.name, only_show=only_show)
