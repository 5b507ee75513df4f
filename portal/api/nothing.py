"""Whatever else is asked for: a problem JSON instead of Django's pages, also where no resource was reached at all."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.errors import CONTENT_TYPE, problem_body
from portal.api.resource import Resource
from portal.core.errors import NotFound

NOTHING = "There is nothing at this address."
HINT = "Paths have no slash at the end; /docs describes them all."


class Nothing(Resource):
    """Behind the last path of the API, for everybody who is known."""

    schema = None

    permission_classes = (IsAuthenticated,)

    def _missing(self, request: Request, *args: object, **kwargs: object) -> Response:
        raise NotFound(NOTHING, hint=HINT)

    get = post = put = patch = delete = head = _missing


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(HTTPStatus.BAD_REQUEST, "bad_request", "This request cannot be read.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(HTTPStatus.FORBIDDEN, "permission_denied", "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(HTTPStatus.NOT_FOUND, "not_found", NOTHING, HINT)


def server_error(request: HttpRequest) -> HttpResponse:
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong in the portal.", "Its log says what.")


def _problem(status: HTTPStatus, code: str, detail: str, hint: str = "") -> JsonResponse:
    return JsonResponse(problem_body(status, code, detail, hint=hint), status=int(status), content_type=CONTENT_TYPE)
