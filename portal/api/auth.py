"""Who calls: `Authorization: Bearer kd_...` (or `Token kd_...`). No sessions, so no request forged by a browser."""

from __future__ import annotations

from typing import Any  # Any: request.user, as DRF has it

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.api.throttle import count_guess
from portal.client_address import client_address
from portal.core.access import Actor
from portal.models.access import find_token
from portal.usecases.identify_actor import token_actor

SCHEMES = (b"bearer", b"token")
HINT = "Send `Authorization: Bearer <token>`; `manage.py loadtest token NAME` makes one."


class TokenAuthentication(BaseAuthentication):
    """request.user is the token's user, request.auth the Actor that use cases take."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        scheme, _, secret = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() not in SCHEMES:
            return None
        token = find_token(secret.strip().decode("latin-1"))
        address = client_address(request)
        if token is None:
            count_guess(address)
            raise AuthenticationFailed("This token is not known, has expired or was revoked.")
        actor = token_actor(token, ip=address, agent=request.headers.get("User-Agent", ""))
        return token.user, actor

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="load-tests"'


def actor_of(request: Request) -> Actor:
    """Whoever calls. Only for views behind the default permission, which lets nobody unknown in."""
    assert isinstance(request.auth, Actor), "The default permission comes first."
    return request.auth
