"""Who calls: `Authorization: Bearer ...` with a token of ours or the id-token of a GitHub job. No sessions, so no
request forged by a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: request.user, as DRF has it

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.api.throttle import count_guess
from portal.client_address import client_address
from portal.core.access import Actor
from portal.models.access import PREFIX, find_token
from portal.models.trust import TrustedRepository, environments_trusting
from portal.net.id_token import TokenInvalid
from portal.usecases.identify_actor import job_actor, token_actor
from portal.wiring import id_tokens

SCHEMES = (b"bearer", b"token")
HINT = "Send `Authorization: Bearer <token>`; `manage.py loadtest token NAME` makes one."


@dataclass(frozen=True, slots=True)
class Job:
    """request.user where no user of the portal calls."""

    name: str
    is_authenticated: bool = True

    def get_username(self) -> str:
        return self.name


class TokenAuthentication(BaseAuthentication):
    """request.user is the token's user, request.auth the Actor that use cases take."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        scheme, _, secret = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() not in SCHEMES:
            return None
        word, address = secret.strip().decode("latin-1"), client_address(request)
        try:
            return (_by_job if _is_id_token(word) else _by_token)(word, address, request.headers.get("User-Agent", ""))
        except AuthenticationFailed:
            count_guess(address)
            raise

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="load-tests"'


def actor_of(request: Request) -> Actor:
    """Whoever calls. Only for views behind the default permission, which lets nobody unknown in."""
    assert isinstance(request.auth, Actor), "The default permission comes first."
    return request.auth


def _is_id_token(word: str) -> bool:
    return word.count(".") == 2 and not word.startswith(f"{PREFIX}_")


def _by_token(word: str, address: str, agent: str) -> tuple[Any, Actor]:
    row = find_token(word)
    if row is None:
        raise AuthenticationFailed("This token is not known, has expired or was revoked.")
    return row.user, token_actor(row, ip=address, agent=agent)


def _by_job(word: str, address: str, agent: str) -> tuple[Any, Actor]:
    # Where nobody is trusted, strangers cannot make us ask the issuer for its keys.
    if not TrustedRepository.objects.exists():
        raise AuthenticationFailed("No environment trusts a repository yet.")
    try:
        claims = id_tokens().verify(word)
    except TokenInvalid as error:
        raise AuthenticationFailed(str(error)) from error
    names = environments_trusting(claims)
    if not names:
        raise AuthenticationFailed(f"No environment trusts {claims.name}.")
    actor = job_actor(claims, names, ip=address, agent=agent)
    return Job(actor.name), actor
