"""The account that is examined: clients for its services, the caller, and whether the credentials are valid."""

import difflib
import threading
from collections.abc import Callable, Iterator

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from sm_tuning.boto import Client, Session
from sm_tuning.client.errors import code_of
from sm_tuning.preflight.finding import Finding, ok, problem
from sm_tuning.preflight.permissions import AwsScope
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.s3 import split_uri

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "AuthFailure"}


class Account:
    """Clients of an account, each made once and when it is needed; `caller` and `scope` are known after `enter`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._clients: dict[str, Client] = {}
        self._first_keys: dict[str, str | None] = {}
        self._lock = threading.Lock()
        self.caller = ""
        self.scope = AwsScope(account="", region="")

    def client(self, service: str) -> Client:
        """A client with short timeouts."""
        with self._lock:  # a session makes one client at a time
            if service not in self._clients:
                config = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 3, "mode": "standard"})
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]

    def first_key(self, uri: str) -> str | None:
        """The first object below an s3:// prefix; None if there is none."""
        if uri not in self._first_keys:
            bucket, prefix = split_uri(uri)
            page = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
            self._first_keys[uri] = next((item["Key"] for item in page.get("Contents", ())), None)
        return self._first_keys[uri]

    def example(self, uri: str) -> str:
        """Key of an object below an s3:// prefix: a real one, or a likely one."""
        try:
            first = self.first_key(uri)
        except (BotoCoreError, ClientError):
            first = None
        key = split_uri(uri)[1]
        return first or (key if key.endswith(".tar.gz") else f"{key.rstrip('/')}/object".lstrip("/"))


Check = Callable[[Account, TuningJobSpec], Iterator[Finding]]


def reason(error: Exception) -> str:
    """The text of an error on one line."""
    return " ".join(str(error).split())


def enter(account: Account, job: TuningJobSpec, expected: str | None) -> Iterator[Finding]:
    """Region and credentials, without which nothing can be asked; and whether it is the account that is meant."""
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
    account.scope = AwsScope(account=identity["Account"], region=region, partition=identity["Arn"].split(":")[1])
    yield from _owner(job, identity["Account"], expected)
    yield ok("credentials", f"{account.caller} in {region}")


def _unknown(region: str) -> Finding | None:
    session = boto3.Session()
    partitions = session.get_available_partitions()
    regions = [
        region_name for name in partitions for region_name in session.get_available_regions("sagemaker", partition_name=name)
    ]
    if region in regions:
        return None
    near = difflib.get_close_matches(region, regions, n=1) or ["us-east-1"]
    text = f"{region!r} is no region with SageMaker, as far as this version of boto3 knows"
    return problem("region", text, f"give --region {near[0]}")


def _owner(job: TuningJobSpec, actual: str, expected: str | None) -> Iterator[Finding]:
    profile = "give the --profile of that account; aws configure list-profiles shows which there are"
    if expected is not None and expected != actual:
        yield problem("account", f"the credentials are of the account {actual}; {expected} is meant", profile)
    for role in sorted({part.role or "" for _, part in job.parts()}):
        owner = (role.split(":") + [""] * 5)[4]
        if owner not in {"", actual, expected}:
            yield problem("account", f"the role {role} is of another account than the credentials, {actual}", profile)


def _no_credentials(error: ClientError | BotoCoreError) -> Finding:
    code = code_of(error) if isinstance(error, ClientError) else ""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return problem("credentials", "there are none", "aws configure sso, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if code in _EXPIRED or isinstance(error, TokenRetrievalError | UnauthorizedSSOTokenError | SSOTokenLoadError):
        return problem("credentials", "they have expired", "aws sso login (or your usual way to new credentials)")
    if code in _UNKNOWN:
        return problem("credentials", f"AWS does not take them ({code})", "aws configure list shows where they come from")
    return problem("credentials", f"AWS cannot be asked: {reason(error)}", "aws sts get-caller-identity must work first")
