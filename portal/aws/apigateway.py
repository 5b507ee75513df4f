"""The door to API Gateway: the value of a key, where a stage answers, and calls signed by IAM. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any  # Any: boto3's client, for which we have no stubs

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from portal.aws.errors import AwsDenied, translated

SERVICE = "execute-api"


class ApiGatewayDoor:
    def __init__(self, client: Any) -> None:
        self._client = client

    def key_value(self, key_id: str) -> str:
        with translated("apigateway:GET"):
            return str(self._client.get_api_key(apiKey=key_id, includeValue=True)["value"])


def stage_url(outputs: Mapping[str, str], endpoint_url: str) -> str:
    """Where the API of a stack answers: AWS has a host name for it, an emulator a path."""
    if not endpoint_url:
        return outputs["ApiUrl"].rstrip("/")
    return f"{endpoint_url.rstrip('/')}/restapis/{outputs['ApiId']}/{outputs['ApiStage']}/_user_request_"


def signed_headers(
    method: str,
    url: str,
    body: bytes,
    *,
    region: str,
    credentials: Credentials | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a call by IAM. Raises AwsDenied where there are no credentials."""
    keys = credentials or boto3.session.Session().get_credentials()
    if keys is None:
        raise AwsDenied("There are no credentials to sign a call with.", operation="execute-api:Invoke", reason="NoCredentials",
                        hint="Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")  # fmt: skip
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
    SigV4Auth(keys, SERVICE, region).add_auth(request)
    return dict(request.headers.items())
