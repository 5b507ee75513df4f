"""What AWS answers when it refuses or is not there, as one class per decision a caller can make.

`translated("s3:PutObject")` wraps a call of boto3; outside `portal.aws` nobody sees a botocore error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as botocore
from botocore.exceptions import BotoCoreError, ClientError

from portal.core.errors import NotFound, PortalError

THROTTLED = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
    "SlowDown", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
})  # fmt: skip
TROUBLED = frozenset({
    "ConditionalRequestConflict", "InternalError", "InternalFailure", "InternalServerError", "OperationAborted",
    "RequestTimeout", "RequestTimeoutException", "ResourceContention", "ScalingActivityInProgress", "ServerException",
    "ServiceUnavailable", "ServiceUnavailableException",
})  # fmt: skip
CAPACITY = frozenset({"InsufficientCapacityException", "InsufficientHostCapacity", "InsufficientInstanceCapacity"})
QUOTA = frozenset({
    "InstanceLimitExceeded", "LimitExceeded", "LimitExceededException", "MaxSpotInstanceCountExceeded",
    "ServiceQuotaExceededException", "VcpuLimitExceeded",
})  # fmt: skip
DENIED = frozenset({
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
    "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnauthorizedOperation",
    "UnrecognizedClientException",
})  # fmt: skip
NO_CREDENTIALS = (
    botocore.NoCredentialsError, botocore.PartialCredentialsError, botocore.ProfileNotFound, botocore.NoAuthTokenError,
    botocore.TokenRetrievalError, botocore.UnauthorizedSSOTokenError, botocore.SSOTokenLoadError, botocore.NoRegionError,
)  # fmt: skip
UNREACHABLE = (
    botocore.ConnectionError, botocore.HTTPClientError, botocore.IncompleteReadError, botocore.CredentialRetrievalError,
    botocore.MetadataRetrievalError,
)  # fmt: skip


class AwsError(PortalError):
    """`operation` is as IAM writes it (`s3:PutObject`), `reason` AWS's own error code or botocore's class."""

    code = "aws"

    def __init__(self, message: str, *, operation: str, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.operation = operation
        self.reason = reason


class AwsUnavailable(AwsError):
    """No connection, no answer in time, or a fault on AWS's side; trying again later may help."""

    code = "aws_unavailable"
    permanent = False


class AwsThrottled(AwsUnavailable):
    """Too many calls; waiting helps."""

    code = "aws_throttled"


class AwsCapacity(AwsUnavailable):
    """AWS has no such machine to give at the moment; another moment, zone or size may help."""

    code = "aws_capacity"


class AwsDenied(AwsError):
    """These credentials may not do this, or there are none."""

    code = "aws_denied"


class AwsMissing(AwsError, NotFound):
    """There is no such bucket, function, cluster or object."""

    code = "aws_missing"


class AwsRefused(AwsError):
    """AWS does not accept the request as it is; sending it again changes nothing."""

    code = "aws_refused"


class AwsQuota(AwsRefused):
    """More than this account may have at once."""

    code = "aws_quota"


@contextmanager
def translated(operation: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise aws_error(error, operation) from error


def aws_error(error: ClientError | BotoCoreError, operation: str) -> AwsError:
    if isinstance(error, ClientError):
        return _from_answer(error, operation)
    reason = type(error).__name__
    if isinstance(error, NO_CREDENTIALS):
        return AwsDenied(f"{operation}: {error}", operation=operation, reason=reason,
                         hint="Check AWS_PROFILE, AWS_REGION and the credentials or role of this process.")  # fmt: skip
    if isinstance(error, UNREACHABLE):
        return AwsUnavailable(f"{operation}: {error}", operation=operation, reason=reason)
    return AwsRefused(f"{operation}: {error}", operation=operation, reason=reason)


def reason_of(error: ClientError) -> str:
    """AWS's error code: `NoSuchKey`; answers without a body have only the HTTP status (`404`)."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def _from_answer(error: ClientError, operation: str) -> AwsError:
    reason, status = reason_of(error), _status(error)
    message = f"{operation}: {error.response.get('Error', {}).get('Message') or reason} ({reason})"
    if reason in THROTTLED or status == 429:
        return AwsThrottled(message, operation=operation, reason=reason)
    if reason in CAPACITY:
        return AwsCapacity(message, operation=operation, reason=reason)
    if reason in QUOTA:
        return AwsQuota(message, operation=operation, reason=reason, hint="Ask for a higher quota under Service Quotas.")
    if reason in DENIED or status in (401, 403):
        return AwsDenied(
            message, operation=operation, reason=reason, hint=f"Allow {operation} in the policy of this role or user."
        )
    if reason in TROUBLED or status >= 500:
        return AwsUnavailable(message, operation=operation, reason=reason)
    if status == 404 or reason == "404" or reason.startswith("NoSuch") or reason.endswith(("NotFound", "NotFoundException")):
        return AwsMissing(message, operation=operation, reason=reason)
    return AwsRefused(message, operation=operation, reason=reason)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
