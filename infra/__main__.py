"""The command line: deploy, teardown, output. Exit codes: 0 done, 1 it failed, 2 wrong usage or no way to the account."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import USAGE, Refused, refusal_of
from infra.stacks import DeployRequest, Stacks
from infra.teardown import Teardown

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description="Deploy this project's stacks, and take them down.")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--endpoint-url", help="an emulator's address; AWS_ENDPOINT_URL counts too")
    where.add_argument("--region", help="AWS_DEFAULT_REGION counts too")
    where.add_argument("--profile", help="AWS_PROFILE counts too")
    where.add_argument("--account", help="refuse to touch any other account than this one")
    commands = parser.add_subparsers(dest="command", required=True)
    deploy = commands.add_parser("deploy", parents=[where], help="bring a stack to what its template says")
    deploy.add_argument("template", type=Path)
    deploy.add_argument("--stack", required=True, help="its name")
    deploy.add_argument(
        "--parameter", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="may be repeated; the others stay"
    )
    deploy.add_argument(
        "--outputs-of", metavar="STACK", help="take parameters from outputs of the same names, if that stack exists"
    )
    deploy.add_argument(
        "--tag", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="a tag of all that the stack holds"
    )
    deploy.add_argument("--only-show", action="store_true", help="show what would change, and change nothing")
    teardown = commands.add_parser("teardown", parents=[where], help="delete a stack with all that it holds")
    teardown.add_argument("stack")
    teardown.add_argument("--yes", action="store_true", help="without it, nothing is deleted, only listed")
    output = commands.add_parser("output", parents=[where], help="print one output of a stack")
    output.add_argument("stack")
    output.add_argument("name")
    return parser


class _Account:
    """The account and region that the environment and the options choose."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._session = boto3.Session(region_name=chosen.region, profile_name=chosen.profile)
        self._endpoint = chosen.endpoint_url
        cloudformation = self.client("cloudformation")
        local = urlsplit(cloudformation.meta.endpoint_url).hostname in _LOOPBACK
        self.stacks = Stacks(cloudformation, _say, 0.1 if local else 3.0)
        if chosen.account is not None:
            self._expect(chosen.account)

    def client(self, service: Any) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        return self._session.client(service, endpoint_url=self._endpoint)

    def _expect(self, account: str) -> None:
        caller = self.client("sts").get_caller_identity()
        if caller["Account"] != account:
            raise Refused(
                f"the credentials are those of {caller['Arn']}, not of account {account}; choose with AWS_PROFILE", USAGE
            )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _carry_out(chosen: argparse.Namespace) -> None:
    if chosen.command == "deploy" and not chosen.template.is_file():
        raise Refused(f"there is no template {chosen.template}", USAGE)
    account = _Account(chosen)
    if chosen.command == "teardown":
        Teardown(stacks=account.stacks, client=account.client, say=_say)(chosen.stack, yes=chosen.yes)
    elif chosen.command == "output":
        outputs = account.stacks.outputs(chosen.stack)
        if chosen.name not in outputs:
            raise Refused(f"the stack {chosen.stack} has no output {chosen.name}; it has {', '.join(outputs)}", USAGE)
        sys.stdout.write(f"{outputs[chosen.name]}\n")
    else:
        request = DeployRequest(
            stack=chosen.stack,
            template=chosen.template,
            parameters=dict(chosen.parameter),
            outputs_of=chosen.outputs_of,
            tags=dict(chosen.tag),
        )
        for name, value in account.stacks.deploy(request, only_show=chosen.only_show).items():
            sys.stdout.write(f"{name}={value}\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        _carry_out(_parser().parse_args(words))
    except Refused as refused:
        _say(f"infra: {refused}")
        return refused.code
    except (BotoCoreError, ClientError) as error:
        said = refusal_of(error)
        _say(f"infra: {said}")
        return said.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
