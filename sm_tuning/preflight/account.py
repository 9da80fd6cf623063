"""The account that is looked at: its clients, who asks, and whether anybody may."""

import difflib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sm_tuning.preflight.finding import Finding, ok, problem
from sm_tuning.preflight.permissions import Place, split

if TYPE_CHECKING:
    from sm_tuning.spec.job import TuningJobSpec

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "AuthFailure"}


class Account:
    """Clients of an account, each made once and when it is needed; `caller` and `place` are known once it was entered."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
        self._session = session
        self._clients: dict[str, Any] = {}
        self._first_keys: dict[str, str | None] = {}
        self._lock = threading.Lock()
        self.caller = ""
        self.place = Place(account="", region="")

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """A client that soon gives up."""
        from botocore.config import Config  # noqa: PLC0415 - see doctor()

        with self._lock:  # a session makes one client at a time
            if service not in self._clients:
                config = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 3, "mode": "standard"})
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]

    def first_key(self, uri: str) -> str | None:
        """The first object below an s3:// prefix; None if there is none."""
        if uri not in self._first_keys:
            bucket, prefix = split(uri)
            page = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
            self._first_keys[uri] = next((one["Key"] for one in page.get("Contents", ())), None)
        return self._first_keys[uri]

    def example(self, uri: str) -> str:
        """Key of an object below an s3:// prefix: a real one, or a likely one."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see doctor()

        try:
            found = self.first_key(uri)
        except (BotoCoreError, ClientError):
            found = None
        key = split(uri)[1]
        return found or (key if key.endswith(".tar.gz") else f"{key.rstrip('/')}/object".lstrip("/"))


Check = Callable[[Account, "TuningJobSpec"], Iterator[Finding]]


def reason(error: Exception) -> str:
    """What went wrong, on one line."""
    return " ".join(str(error).split())


def code_of(error: Any) -> str:  # noqa: ANN401 - botocore's ClientError
    """The service's code of an error."""
    code: str = error.response["Error"]["Code"]
    return code


def enter(account: Account, job: "TuningJobSpec", expected: str | None) -> Iterator[Finding]:
    """Region and credentials, without which nothing can be asked; and whether it is the account that is meant."""
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError  # noqa: PLC0415 - see doctor()

    try:
        region = account.client("sagemaker").meta.region_name
    except NoRegionError:
        yield problem("region", "none is configured", "aws configure set region us-east-1, or give --region")
        return
    except (BotoCoreError, ValueError) as error:  # botocore says ValueError of a region that is no name
        yield problem("region", reason(error), "give a --region such as us-east-1")
        return
    if not_there := _unknown(region):
        yield not_there
        return
    try:
        identity = account.client("sts").get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        yield _no_credentials(error)
        return
    account.caller = identity["Arn"]
    account.place = Place(account=identity["Account"], region=region, partition=identity["Arn"].split(":")[1])
    yield from _owner(job, identity["Account"], expected)
    yield ok("credentials", f"{account.caller} in {region}")


def _unknown(region: str) -> Finding | None:
    import boto3  # noqa: PLC0415 - see doctor()

    session = boto3.Session()
    partitions = session.get_available_partitions()
    known = [one for name in partitions for one in session.get_available_regions("sagemaker", partition_name=name)]
    if region in known:
        return None
    near = difflib.get_close_matches(region, known, n=1) or ["us-east-1"]
    text = f"{region!r} is no region with SageMaker, as far as this version of boto3 knows"
    return problem("region", text, f"give --region {near[0]}")


def _owner(job: "TuningJobSpec", found: str, expected: str | None) -> Iterator[Finding]:
    profile = "give the --profile of that account; aws configure list-profiles shows which there are"
    if expected is not None and expected != found:
        yield problem("account", f"the credentials are of the account {found}; {expected} is meant", profile)
    for role in sorted({part.role or "" for _, part in job.parts()}):
        owner = (role.split(":") + [""] * 5)[4]
        if owner not in {"", found, expected}:
            yield problem("account", f"the role {role} is of another account than the credentials, {found}", profile)


def _no_credentials(error: Any) -> Finding:  # noqa: ANN401 - any error of botocore's
    from botocore import exceptions  # noqa: PLC0415 - see doctor()

    code = code_of(error) if isinstance(error, exceptions.ClientError) else ""
    lapsed = exceptions.TokenRetrievalError, exceptions.UnauthorizedSSOTokenError, exceptions.SSOTokenLoadError
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return problem("credentials", "there are none", "aws configure sso, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if code in _EXPIRED or isinstance(error, lapsed):
        return problem("credentials", "they have expired", "aws sso login (or your usual way to new credentials)")
    if code in _UNKNOWN:
        return problem("credentials", f"AWS does not take them ({code})", "aws configure list shows where they come from")
    return problem("credentials", f"AWS cannot be asked: {reason(error)}", "aws sts get-caller-identity must work first")
