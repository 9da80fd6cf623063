"""Every way in which this package fails, as a tree.

SmTuningError
├── Invalid        a value that cannot be right, refused where it is given (also a ValueError)
├── BadAnswer      a server answered what AWS's API cannot answer
├── MissingExtra   an optional package is not installed
├── NotDeployed    a CloudFormation stack is not there, not whole, or without an output that is needed
├── NotFound       no tuning job of that name
├── NotLaunched    the tuning job breaks rules, or its data or code cannot be uploaded; nothing was created
│   ├── NameTaken    there is a tuning job of that name already
│   └── RulesBroken  the tuning job breaks rules (also Invalid)
├── NotServed      a model cannot be put behind an endpoint or into the registry; what was created for it is deleted
├── Unreachable    there is no emulator, and none can be started; or the service does not answer
└── WaitTimeout    the time given to `wait` is over; the tuning job goes on (also a TimeoutError)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

UNSET: Mapping[str, str] = {
    "NoRegionError": "no region is set; --region, boto3.Session(region_name=…) or AWS_DEFAULT_REGION names one",
    "NoCredentialsError": "there are no credentials; aws configure sso makes some, --profile, boto3.Session(profile_name=…) or "
    "AWS_PROFILE chooses",
}
"""How to give what the environment lacks, by botocore's exceptions, which say only that it does."""


class SmTuningError(Exception):
    """Anything this package raises on purpose."""


class Invalid(SmTuningError, ValueError):  # noqa: N818 - reads as a fact
    """A value that cannot be right; the text names the field, the value and the rule."""


class BadAnswer(SmTuningError):  # noqa: N818 - reads as a fact
    """A server answered what AWS's API cannot answer; the text says with what."""


class MissingExtra(SmTuningError):  # noqa: N818 - reads as a fact
    """An optional package is not installed; the text names the extra."""


class NotLaunched(SmTuningError):  # noqa: N818 - reads as a fact
    """Nothing was created; the text says why."""


class NameTaken(NotLaunched):
    """There is a tuning job of that name already, of which nothing was changed.

    Attributes:
        fact: What the text says, without its advice on names in Python.
    """

    def __init__(self, fact: str, name: str) -> None:
        super().__init__(f"{fact}; unique_name({name!r}) makes a name that is free")
        self.fact = fact


class RulesBroken(NotLaunched, Invalid):
    """The tuning job breaks rules, all of which the text says."""


class NotServed(SmTuningError):  # noqa: N818 - reads as a fact
    """A model cannot be served or registered; the text says why. What was created for it is deleted."""


class NotDeployed(SmTuningError):  # noqa: N818 - reads as a fact
    """A CloudFormation stack cannot be used; the text says why, and what to do."""


class NotFound(SmTuningError):  # noqa: N818 - reads as a fact
    """No tuning job of that name."""


class Unreachable(SmTuningError):  # noqa: N818 - reads as a fact
    """There is no emulator, and none can be started; or the service does not answer."""


class WaitTimeout(SmTuningError, TimeoutError):  # noqa: N818 - reads as a fact
    """The time given is over; the tuning job goes on."""


@contextmanager
def optional_package(extra: str, need: str) -> Iterator[None]:
    """Around imports of an optional package: raise MissingExtra if it cannot be imported.

    Args:
        extra: The extra of this package that installs it.
        need: What needs which package, as the beginning of the message.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtra(f"{need}: pip install 'sm-tuning[{extra}]' ({error})") from error
