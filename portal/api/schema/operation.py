"""`operation` describes one method of a view; every error is the one problem document, also those not listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar  # Any: DRF's and spectacular's own types

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from portal.api.errors import CONTENT_TYPE

View = TypeVar("View", bound=Callable[..., Any])
HEADER, QUERY = OpenApiParameter.HEADER, OpenApiParameter.QUERY
TEXT = OpenApiResponse(OpenApiTypes.STR)


class Bearer(OpenApiAuthenticationExtension):
    target_class = "portal.api.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer kd_...`"}


class Gateway(OpenApiAuthenticationExtension):
    target_class = "portal.api.gateway.GatewayAuthentication"
    name = "gateway"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        said = "Set by an API gateway in front of the portal, with `X-Caller`, `X-Caller-Time` and `X-Caller-Nonce`; good once."
        return {"type": "apiKey", "in": "header", "name": "X-Caller-Signature", "description": said}


class FieldProblem(serializers.Serializer):
    field = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)


class Problem(serializers.Serializer):
    """RFC 9457. `code` is for programs, `detail` and `hint` for people, `errors` names each wrong field."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    errors = FieldProblem(many=True)  # type: ignore[assignment]


def operation(
    summary: str, answers: Mapping[Any, Any], *, tag: str, errors: Sequence[int] = (), body: Any = None,
    query: Sequence[OpenApiParameter] = (), example: Mapping[str, Any] | None = None, public: bool = False, text: str = "",
    name: str = "", optional: bool = False,
) -> Callable[[View], View]:  # fmt: skip
    """`answers` by status, or by status and media type; `errors` are those a caller has to reckon with.

    `public`: nobody is asked for a token; `optional`: some callers need none.
    """
    usual = (*errors, *(() if public else (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)))
    problems = {(code, CONTENT_TYPE): OpenApiResponse(Problem, _meaning(code)) for code in sorted({int(code) for code in usual})}
    other = {("default", CONTENT_TYPE): OpenApiResponse(Problem, "Any other problem.")}
    return extend_schema(
        operation_id=name or None, summary=summary, description=text or None, tags=[tag], request=body, parameters=list(query),
        responses={**answers, **problems, **other}, auth=[] if public else _OPTIONAL if optional else None,
        examples=[OpenApiExample("example", value=dict(example), request_only=True)] if example is not None else None,
    )  # fmt: skip


def parameter(name: str, text: str, *, choices: Sequence[str] = (), many: bool = False, kind: Any = str, where: Any = QUERY,
              least: int = 0, most: int | None = None) -> OpenApiParameter:  # fmt: skip
    if kind is int:
        kind = {"type": "integer", "minimum": least, **({"maximum": most} if most else {})}
    elif kind is str and most:
        kind = {"type": "string", "maxLength": most}
    return OpenApiParameter(name, kind, where, description=text, enum=list(choices) or None, many=many)


def etag() -> tuple[OpenApiParameter, ...]:
    return (parameter("If-None-Match", "The ETag of an earlier answer; 304 while nothing has changed.", where=HEADER),)


def _meaning(code: int) -> str:
    return _MEANINGS.get(code, HTTPStatus(code).phrase)


_OPTIONAL: list[Any] = [{"token": []}, {"gateway": []}, {}]
_MEANINGS = {
    400: "Something in the request is wrong; every wrong field is named. Nothing was changed.",
    401: "No valid token.",
    403: "The token may not do this.",
    404: "There is no such thing, or the token may not see it.",
    409: "The state of the thing does not allow this now.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "Too many calls; Retry-After says when to go on.",
    503: "Something the portal needs is away; Retry-After says when to try again.",
}
UNCHANGED = {304: OpenApiResponse(description="Nothing has changed.")}
BODY = (400, 413, 415)
