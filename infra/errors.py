"""What can go wrong in an account, as one sentence with its remedy."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

FAILED, USAGE = 1, 2

_LOG_IN = "take new ones: aws sso login, or aws configure"
_OF_CREDENTIALS = {
    "ExpiredToken": f"the credentials have expired; {_LOG_IN}",
    "ExpiredTokenException": f"the credentials have expired; {_LOG_IN}",
    "RequestExpired": f"the credentials have expired, or this machine's clock is wrong; {_LOG_IN}",
    "InvalidClientTokenId": f"AWS does not know these credentials; {_LOG_IN}",
    "UnrecognizedClientException": f"AWS does not know these credentials in this region; {_LOG_IN}, or enable the region",
    "SignatureDoesNotMatch": f"the secret access key does not belong to the access key; {_LOG_IN}",
}
ALLOWED = "Use an administrator's credentials, or the bootstrap stack's deploy role."
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


class Refused(Exception):  # noqa: N818 - reads as a fact
    """It was not done; `code` is the exit code."""

    def __init__(self, said: str, code: int = FAILED) -> None:
        super().__init__(said)
        self.code = code


def refusal_of(error: BotoCoreError | ClientError) -> Refused:
    """An error of AWS or on the way to it, with its remedy."""
    if isinstance(error, ClientError):
        return _of_aws(error.response["Error"]["Code"], error.response["Error"].get("Message", ""), error)
    for kind, remedy in _BEFORE_AWS.items():
        if isinstance(error, kind):
            return Refused(remedy(error), USAGE)
    if isinstance(error, ConnectionError):
        return Refused(f"{error} Is the region right, and the network there? An emulator: python -m local_emulator serve")
    return Refused(str(error))


def _of_aws(code: str, message: str, error: ClientError) -> Refused:
    if code in _OF_CREDENTIALS:
        return Refused(_OF_CREDENTIALS[code], USAGE)
    if code in _DENIED:
        return Refused(f"{message} {ALLOWED}")
    if code == "ValidationError" and "Parameter" in message:
        return Refused(message, USAGE)
    return Refused(str(error))


_BEFORE_AWS: dict[type[BotoCoreError], Callable[[Any], str]] = {
    NoRegionError: lambda _: "no region is set; give --region or AWS_DEFAULT_REGION",
    NoCredentialsError: lambda _: "there are no credentials; aws sso login or aws configure makes some, AWS_PROFILE chooses",
    PartialCredentialsError: lambda error: f"the credentials are incomplete: {error}",
    ProfileNotFound: lambda error: f"{error}; AWS_PROFILE and ~/.aws/config disagree",
}
