"""Every error as one problem JSON (RFC 9457): title, status, detail, code, hint, and each wrong field with a hint."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any  # Any: the context DRF hands over

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from portal.api.auth import HINT
from portal.core.errors import (
    Conflict,
    EngineMissing,
    Forbidden,
    NotFound,
    PortalError,
    Problem,
    RequestRejected,
    StoreUnavailable,
)

log = logging.getLogger("portal.api")
CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = "5"

# First match wins; more special classes stand first.
_STATUS: tuple[tuple[type[PortalError], HTTPStatus], ...] = (
    (RequestRejected, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Conflict, HTTPStatus.CONFLICT),
    (StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (EngineMissing, HTTPStatus.SERVICE_UNAVAILABLE),
)


class BodyTooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"The body is larger than {most_bytes >> 20} MiB.")


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler. What nobody expected is logged with its trace and answered without it."""
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, PortalError):
        return _of_portal(error)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    log.error("unexpected_error", exc_info=error, extra={"view": type(context.get("view")).__name__})
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong in the portal.", hint="Its log says what.")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    errors: Iterable[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = problem_body(status, code, detail, hint=hint, errors=errors)
    return Response(body, status=int(status), headers=dict(headers or {}), content_type=CONTENT_TYPE)


def problem_body(status: int, code: str, detail: str, *, hint: str = "", errors: Iterable[Problem] = ()) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "hint": hint,
        "errors": [{"field": item.field, "message": item.message, "hint": item.hint} for item in errors],
    }


def _of_portal(error: PortalError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("portal_error", exc_info=error)
    headers = {} if error.permanent else {"Retry-After": RETRY_SECONDS}
    problems = error.problems if isinstance(error, RequestRejected) else ()
    return problem(status, error.code, error.message, hint=error.hint, errors=problems, headers=headers)


def _of_framework(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    hint = HINT if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)) else ""
    if isinstance(error, exceptions.UnsupportedMediaType):
        hint = "Send `Content-Type: application/json`."
    code = error.get_codes()
    return problem(error.status_code, code if isinstance(code, str) else "invalid", str(error.detail), hint=hint, headers=headers)
