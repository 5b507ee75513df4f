"""The Actor of a logged-in user, for use cases."""

from __future__ import annotations

from django.http import HttpRequest

from portal.client_address import client_address
from portal.core.access import Actor
from portal.usecases.identify_actor import user_actor


def actor_of(request: HttpRequest) -> Actor:
    return user_actor(request.user, ip=client_address(request), agent=request.headers.get("User-Agent", ""))
