"""Verifies the id-token of a GitHub Actions job: whose job it is, said by GitHub, for this portal, now."""

from __future__ import annotations

from typing import Any  # Any: claims as they came

import jwt

from portal.core.errors import StoreUnavailable
from portal.core.trusted_job import Claims
from portal.net.fetch import FetchFailed
from portal.net.key_set import KeySet

LEEWAY_SECONDS = 30
MOST_LETTERS = 8192


class TokenInvalid(Exception):
    """The token is no valid one; the text says why, for its sender."""


class IssuerUnreachable(StoreUnavailable):
    """The issuer's keys cannot be read now."""

    code = "issuer_unreachable"


class IdTokens:
    def __init__(self, keys: KeySet, *, issuer: str, audience: str) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience

    def verify(self, token: str) -> Claims:
        """Raises TokenInvalid, or IssuerUnreachable."""
        if len(token) > MOST_LETTERS:
            raise TokenInvalid("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.key(str(header.get("kid", "")))
            if key is None:
                raise TokenInvalid("The token is signed with a key its issuer does not have.")
            claims = jwt.decode(
                token, key, algorithms=["RS256"], issuer=self._issuer, audience=self._audience, leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "nbf", "iat", "iss", "aud"]},
            )  # fmt: skip
        except FetchFailed as error:
            raise IssuerUnreachable(
                "The issuer of id-tokens cannot be reached.", hint="Try again, or use an API token."
            ) from error
        except jwt.PyJWTError as error:
            raise TokenInvalid(f"The id-token is not valid: {error}.") from error
        return Claims(_text(claims, "repository"), _text(claims, "ref"), _text(claims, "environment"))


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    return value if isinstance(value, str) else ""
