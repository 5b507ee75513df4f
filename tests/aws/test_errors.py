"""AWS's many answers become few decisions."""

from __future__ import annotations

import pytest
from botocore import exceptions as botocore
from botocore.exceptions import BotoCoreError, ClientError

from portal.aws.errors import (
    AwsCapacity,
    AwsDenied,
    AwsError,
    AwsMissing,
    AwsQuota,
    AwsRefused,
    AwsThrottled,
    AwsUnavailable,
    aws_error,
    translated,
)
from portal.core.errors import NotFound, PortalError


def an_answer(code: str, status: int, message: str = "No.") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "RunTask")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, AwsThrottled), ("ThrottlingException", 400, AwsThrottled), ("RequestLimitExceeded", 503, AwsThrottled),
        ("TooManyRequestsException", 429, AwsThrottled), ("Unheard", 429, AwsThrottled),
        ("InternalError", 500, AwsUnavailable), ("Unheard", 502, AwsUnavailable), ("RequestTimeout", 400, AwsUnavailable),
        ("OperationAborted", 409, AwsUnavailable),
        ("AccessDenied", 403, AwsDenied), ("AccessDeniedException", 400, AwsDenied), ("ExpiredToken", 400, AwsDenied),
        ("UnrecognizedClientException", 400, AwsDenied), ("403", 403, AwsDenied),
        ("NoSuchBucket", 404, AwsMissing), ("404", 404, AwsMissing), ("ResourceNotFoundException", 400, AwsMissing),
        ("ClusterNotFoundException", 400, AwsMissing), ("InvalidInstanceID.NotFound", 400, AwsMissing),
        ("InvalidParameterException", 400, AwsRefused), ("LimitExceededException", 400, AwsQuota),
        ("InsufficientInstanceCapacity", 400, AwsCapacity), ("VcpuLimitExceeded", 400, AwsQuota),
    ],
)  # fmt: skip
def test_answers_by_code_and_status(code: str, status: int, kind: type[AwsError]) -> None:
    error = aws_error(an_answer(code, status), "ecs:RunTask")
    assert type(error) is kind
    assert (error.operation, error.reason) == ("ecs:RunTask", code)
    assert error.message == f"ecs:RunTask: No. ({code})"
    assert error.permanent is (kind not in (AwsThrottled, AwsUnavailable, AwsCapacity))


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (botocore.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), AwsUnavailable),
        (botocore.ConnectTimeoutError(endpoint_url="http://127.0.0.1:1"), AwsUnavailable),
        (botocore.ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), AwsUnavailable),
        (botocore.ConnectionClosedError(endpoint_url="http://127.0.0.1:1"), AwsUnavailable),
        (botocore.ResponseStreamingError(error="cut"), AwsUnavailable),
        (botocore.IncompleteReadError(actual_bytes=1, expected_bytes=2), AwsUnavailable),
        (botocore.CredentialRetrievalError(provider="ecs", error_msg="down"), AwsUnavailable),
        (botocore.NoCredentialsError(), AwsDenied),
        (botocore.ProfileNotFound(profile="none"), AwsDenied),
        (botocore.NoRegionError(), AwsDenied),
        (botocore.ParamValidationError(report="bad"), AwsRefused),
    ],
)
def test_failures_without_an_answer(raised: BotoCoreError, kind: type[AwsError]) -> None:
    error = aws_error(raised, "s3:GetObject")
    assert type(error) is kind
    assert error.reason == type(raised).__name__


def test_an_answer_without_a_body_is_understood() -> None:
    assert type(aws_error(ClientError({}, "HeadObject"), "s3:GetObject")) is AwsRefused


def test_missing_things_are_not_found_for_callers_that_know_no_aws() -> None:
    with pytest.raises(NotFound) as raised, translated("s3:ListBucket"):
        raise an_answer("NoSuchBucket", 404)
    assert isinstance(raised.value, PortalError)
    assert isinstance(raised.value.__cause__, ClientError)


def test_a_refusal_names_the_permission() -> None:
    assert (
        aws_error(an_answer("AccessDenied", 403), "s3:PutObject").hint == "Allow s3:PutObject in the policy of this role or user."
    )


def test_other_errors_pass_untouched() -> None:
    with pytest.raises(KeyError), translated("s3:GetObject"):
        raise KeyError("ours")
