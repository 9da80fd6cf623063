"""What can go wrong in an account, as one sentence with its remedy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from sm_tuning.errors import Invalid, NotDeployed, SmTuningError

_LOG_IN = "take new ones: aws sso login, or aws configure"
_OF_CREDENTIALS = {
    "ExpiredToken": f"the credentials have expired; {_LOG_IN}",
    "ExpiredTokenException": f"the credentials have expired; {_LOG_IN}",
    "RequestExpired": f"the credentials have expired, or this machine's clock is wrong; {_LOG_IN}",
    "InvalidClientTokenId": f"AWS does not know these credentials; {_LOG_IN}",
    "UnrecognizedClientException": f"AWS does not know these credentials in this region; {_LOG_IN}, or enable the region",
    "SignatureDoesNotMatch": f"the secret access key does not belong to the access key; {_LOG_IN}",
}
ALLOWED = "Use an administrator's credentials, or the bootstrap stack's role for it: deploy, launch, or teardown."
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@contextmanager
def remedied() -> Iterator[None]:
    """Turn what AWS refuses, or what is wrong on the way to it, into one sentence with its remedy: NotDeployed or Invalid."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ConnectionError | HTTPClientError):
            raise  # the command line says how to reach an emulator
        raise refusal_of(error) from error


def refusal_of(error: BotoCoreError | ClientError) -> SmTuningError:
    """An error of AWS or on the way to it, with its remedy."""
    if isinstance(error, ClientError):
        return _of_aws(error.response["Error"]["Code"], error.response["Error"].get("Message", ""), error)
    for kind, remedy in _BEFORE_AWS.items():
        if isinstance(error, kind):
            return Invalid(remedy(error))
    return NotDeployed(str(error))


def _of_aws(code: str, message: str, error: ClientError) -> SmTuningError:
    if code in _OF_CREDENTIALS:
        return Invalid(_OF_CREDENTIALS[code])
    if code in _DENIED:
        return NotDeployed(f"{message} {ALLOWED}")
    if code == "ValidationError" and "Parameter" in message:
        return Invalid(message)
    return NotDeployed(str(error))


_BEFORE_AWS: dict[type[BotoCoreError], Callable[[Any], str]] = {
    NoRegionError: lambda _: "no region is set; give --region or AWS_DEFAULT_REGION",
    NoCredentialsError: lambda _: "there are no credentials; aws sso login or aws configure makes some, AWS_PROFILE chooses",
    PartialCredentialsError: lambda error: f"the credentials are incomplete: {error}",
    ProfileNotFound: lambda error: f"{error}; AWS_PROFILE and ~/.aws/config disagree",
}
