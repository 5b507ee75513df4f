"""Tells the audit log of answers that refuse: 403 to somebody known, 429 to somebody who guessed too often."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from portal.client_address import client_address
from portal.core.access import Actor, Way
from portal.models.audit import Deed
from portal.usecases.identify_actor import user_actor
from portal.usecases.record_refusal import record_refusal


class RefusalsMiddleware:
    """Stands outside of what refuses: permissions, the lockout and the API's throttle of guesses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
            actor, subject = _actor(request), f"{request.method} {request.path}"
            if actor is not None and response.status_code == HTTPStatus.FORBIDDEN:
                record_refusal(actor, Deed.ACCESS_REFUSED, _said(response), subject=subject)
            elif actor is None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                record_refusal(_stranger(request), Deed.LOGIN_LOCKED, _said(response), subject=subject)
        return response


def _actor(request: HttpRequest) -> Actor | None:
    """Who called the API, or who is logged in; None for strangers."""
    actor = getattr(request, "auth", None)
    if isinstance(actor, Actor):
        return actor
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return user_actor(user, ip=client_address(request), agent=request.headers.get("User-Agent", ""))


def _stranger(request: HttpRequest) -> Actor:
    """By the name they claim."""
    name = "".join(sign if sign.isprintable() else "?" for sign in request.POST.get("username", "")[:150])
    way = Way.BROWSER if name else Way.TOKEN
    agent = request.headers.get("User-Agent", "")
    return Actor(name or "unknown", way, frozenset(), ip=client_address(request), agent=agent)


def _said(response: HttpResponse) -> str:
    data = getattr(response, "data", None)
    return str(data.get("detail", "")) if isinstance(data, dict) else response.reason_phrase
