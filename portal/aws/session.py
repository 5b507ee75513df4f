"""boto3 clients with our timeouts and retries: a short outage is ridden out, a long one is reported within a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload  # Any: clients of services we have no stubs for

import boto3
from botocore.config import Config

from portal.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ATTEMPTS = 3
CONNECT_S = 5
READ_S = 20
CONNECTIONS = 32


@overload
def client(service: Literal["s3"], *, region: str = "", endpoint_url: str = "", profile: str = "") -> S3Client: ...
@overload
def client(service: str, *, region: str = "", endpoint_url: str = "", profile: str = "") -> Any: ...
def client(service: str, *, region: str = "", endpoint_url: str = "", profile: str = "") -> Any:
    """Empty means what boto3 finds itself. Safe between threads. Raises AwsDenied when profile or region is missing."""
    with translated(service):
        session = boto3.session.Session(profile_name=profile or None, region_name=region or None)
        # mypy: boto3-stubs know only literal service names; the overloads above give the type back.
        make: Any = session.client
        return make(service, endpoint_url=endpoint_url or None, config=_config(endpoint_url))


def _config(endpoint_url: str) -> Config:
    # Emulators and other S3 servers answer under one host name; only AWS has a host name per bucket.
    style: Literal["path", "auto"] = "path" if endpoint_url else "auto"
    return Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, connect_timeout=CONNECT_S, read_timeout=READ_S,
        max_pool_connections=CONNECTIONS, s3={"addressing_style": style},
    )  # fmt: skip
