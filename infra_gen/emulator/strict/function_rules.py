"""AWS Lambda: payloads, the environment, what a function may reserve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra_gen.emulator.strict.request import Refusal, Request

MIB = 1024 * 1024
LARGEST_ASYNC, LARGEST_SYNC, LARGEST_ZIP, LARGEST_ENVIRONMENT = MIB, 6 * MIB, 50 * MIB, 4096
LEAST_UNRESERVED = 100
INVALID = "InvalidParameterValueException"


def payload(request: Request) -> None:
    """1 MB asynchronously, 6 MB synchronously [B]."""
    kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
    most = LARGEST_ASYNC if kind == "Event" else LARGEST_SYNC
    if request.size > most:
        message = f"{request.size} byte payload is too large for the {kind} invocation type (limit {most} bytes)"
        raise Refusal("RequestTooLargeException", message, 413)


def environment(request: Request) -> None:
    """All names and values together are at most 4 KB [D: Lambda quotas]."""
    variables = (request.get("Environment") or {}).get("Variables") or {}
    size = sum(len(str(name).encode()) + len(str(value).encode()) for name, value in variables.items())
    if size > LARGEST_ENVIRONMENT:
        message = (
            "Lambda was unable to configure your environment variables because the environment variables you have provided "
            f"exceeded the 4KB limit. String measured: {size} bytes"
        )
        raise Refusal(INVALID, message)


def direct_upload(request: Request) -> None:
    """A zip in the call itself is at most 50 MB, which is 4/3 of that in Base64 [D: Lambda quotas]."""
    zip_file = (request.get("Code") or {}).get("ZipFile") or request.get("ZipFile") or ""
    if len(zip_file) > LARGEST_ZIP * 4 // 3:
        raise Refusal("RequestEntityTooLargeException", f"Request must be smaller than {LARGEST_ZIP * 4 // 3} bytes", 413)


def code_found(*, is_bucket: bool, is_object: bool) -> None:
    """Code and layers in S3 are read when the function or the layer is made [D: FunctionCode; the sentences K]."""
    if not (is_bucket and is_object):
        code, what = ("NoSuchKey", "key") if is_bucket else ("NoSuchBucket", "bucket")
        message = f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: The specified {what} does not exist."
        raise Refusal(INVALID, message)


def reserved(wanted: int, others: Mapping[str, int], account: int) -> None:
    """PutFunctionConcurrency leaves 100 of the account's concurrency to functions that reserve none [B]."""
    if account - sum(others.values()) - wanted < LEAST_UNRESERVED:
        message = (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{LEAST_UNRESERVED}]."
        )
        raise Refusal(INVALID, message)


def of_template(properties: Mapping[str, Any]) -> None:
    """The same for a function that a template makes."""
    request = Request("lambda", "CreateFunction", properties)
    environment(request)


RULES = {
    "Invoke": (payload,),
    "CreateFunction": (environment, direct_upload),
    "UpdateFunctionConfiguration": (environment,),
    "UpdateFunctionCode": (direct_upload,),
}
