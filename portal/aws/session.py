"""boto3 clients with our timeouts and retries: a short outage is ridden out, a long one is reported within a minute.

Credentials are what boto3 finds, those of a profile, or those of a role that is assumed and renewed before they run out.
An emulator of this machine does without.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload  # Any: clients of services we have no stubs for
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.session import Session as BotocoreSession

from portal.aws.errors import translated
from portal.core.aws_place import AwsPlace

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ATTEMPTS = 3
ONCE = 1
"""For calls that a lost answer must not double."""
CONNECT_S = 5
READ_S = 20
CONNECTIONS = 32
SESSION_NAME = "knopfdruck"
EMULATOR_KEY = "test"


@overload
def client(
    service: Literal["s3"], *, region: str = "", endpoint_url: str = "", profile: str = "", role_arn: str = "",
    external_id: str = "",
) -> S3Client: ...  # fmt: skip
@overload
def client(
    service: str, *, region: str = "", endpoint_url: str = "", profile: str = "", role_arn: str = "", external_id: str = ""
) -> Any: ...
def client(
    service: str, *, region: str = "", endpoint_url: str = "", profile: str = "", role_arn: str = "", external_id: str = ""
) -> Any:
    """Empty means what boto3 finds itself. Safe between threads. Raises AwsDenied when profile or region is missing."""
    return _client(service, _session(service, region, endpoint_url, profile, role_arn, external_id), endpoint_url)


def place_client(place: AwsPlace, service: str, *, attempts: int = ATTEMPTS, connections: int = CONNECTIONS) -> Any:
    """For an environment's account, region and credentials."""
    url = place.endpoint_url
    session = _session(service, place.region, url, place.profile, place.role_arn, place.external_id)
    return _client(service, session, url, attempts, connections)


def _client(
    service: str, session: boto3.session.Session, endpoint_url: str, attempts: int = ATTEMPTS, connections: int = CONNECTIONS
) -> Any:
    with translated(service):
        # mypy: boto3-stubs know only literal service names; the overloads above give the type back.
        make: Any = session.client
        return make(service, endpoint_url=endpoint_url or None, config=_config(endpoint_url, attempts, connections))


def _session(
    service: str, region: str, endpoint_url: str, profile: str, role_arn: str, external_id: str
) -> boto3.session.Session:
    with translated(service):
        # What an emulator of this machine is told where nobody gave us credentials: its root.
        key = EMULATOR_KEY if is_loopback(endpoint_url) and not profile and not have_credentials() else None
        session = boto3.session.Session(
            profile_name=profile or None, region_name=region or None, aws_access_key_id=key, aws_secret_access_key=key
        )
        return _assumed(session, role_arn, external_id, endpoint_url) if role_arn else session


@cache
def have_credentials() -> bool:
    """Looked for once a process: where there are none, the search waits for a metadata service that is not there."""
    return boto3.session.Session().get_credentials() is not None


def is_loopback(endpoint_url: str) -> bool:
    return urlsplit(endpoint_url).hostname in ("127.0.0.1", "localhost", "::1")


def _assumed(session: boto3.session.Session, role_arn: str, external_id: str, endpoint_url: str) -> boto3.session.Session:
    """A session by the role's credentials; nothing is asked for before the first call."""

    def make(service: str, **settings: Any) -> Any:
        return _client(service, session, endpoint_url)

    extra = {"RoleSessionName": SESSION_NAME, **({"ExternalId": external_id} if external_id else {})}
    fetcher = AssumeRoleCredentialFetcher(make, session.get_credentials(), role_arn, extra_args=extra)
    inner = BotocoreSession()
    # mypy: botocore-stubs leave out where a session keeps its credentials, and there is no other way to give it these.
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # type: ignore[attr-defined]
    return boto3.session.Session(botocore_session=inner, region_name=session.region_name)


def _config(endpoint_url: str, attempts: int, connections: int) -> Config:
    # Emulators and other S3 servers answer under one host name; only AWS has a host name per bucket.
    style: Literal["path", "auto"] = "path" if endpoint_url else "auto"
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts}, connect_timeout=CONNECT_S, read_timeout=READ_S,
        max_pool_connections=connections, s3={"addressing_style": style},
    )  # fmt: skip
