"""Behind API Gateway: its authorizer says who calls, in headers it signs. Plain headers say nothing.

`X-Caller` is a user of the portal, `X-Caller-Time` unix seconds, `X-Caller-Nonce` (optional) any new word, and
`X-Caller-Signature` what `core.signature` makes of them. Each signature is taken once.
"""

from __future__ import annotations

from typing import Any  # Any: request.user, as DRF has it

from django.conf import settings
from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.api.throttle import count_guess
from portal.client_address import client_address
from portal.core.access import Actor, Way
from portal.core.signature import is_genuine
from portal.usecases.identify_actor import user_actor
from portal.usecases.take_signature import is_new
from portal.wiring import parts


class GatewayAuthentication(BaseAuthentication):
    """Does not look at the headers unless KNOPFDRUCK_GATEWAY_SECRET is set."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        secret, caller = settings.CONFIG.access.gateway_secret, request.headers.get("X-Caller", "")
        if not secret or not caller:
            return None
        address = client_address(request)
        genuine = _is_signed(request, secret)
        if genuine and not is_new(request.headers["X-Caller-Signature"], int(request.headers["X-Caller-Time"])):
            count_guess(address)
            raise AuthenticationFailed("This signature was used before: each is good for one call. Sign a new nonce with each.")
        user = get_user_model().objects.filter(username=caller, is_active=True).first() if genuine else None
        if user is None:
            count_guess(address)
            raise AuthenticationFailed("The gateway's signature is wrong or old, or it names nobody this portal knows.")
        return user, user_actor(user, ip=address, agent=request.headers.get("User-Agent", ""), way=Way.GATEWAY)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="load-tests"'


def _is_signed(request: Request, secret: str) -> bool:
    headers = request.headers
    return is_genuine(
        secret, headers.get("X-Caller-Signature", ""), now=parts().clock.now(), at=headers.get("X-Caller-Time", ""),
        method=request.method or "", path=request.get_full_path(), caller=headers["X-Caller"],
        nonce=headers.get("X-Caller-Nonce", ""),
    )  # fmt: skip
