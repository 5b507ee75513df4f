"""Who calls: `Authorization: Bearer kd_...` (or `Token kd_...`). No sessions, so no request forged by a browser."""

from __future__ import annotations

from typing import Any  # Any: request.user and request.auth, as DRF has them

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.models.access import find_token

SCHEMES = (b"bearer", b"token")
HINT = "Send `Authorization: Bearer <token>`; `manage.py loadtest token NAME` makes one."


class TokenAuthentication(BaseAuthentication):
    """request.user is the token's user, request.auth the token's row."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        scheme, _, secret = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() not in SCHEMES:
            return None
        token = find_token(secret.strip().decode("latin-1"))
        if token is None:
            raise AuthenticationFailed("This token is not known, has expired or was revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="load-tests"'
