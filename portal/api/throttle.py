"""A token's calls per minute (`KNOPFDRUCK_API_RATE`); for guesses of tokens a tenth of them, by address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portal.core.access import Actor
from portal.usecases.count_call import count_call
from portal.wiring import parts

if TYPE_CHECKING:  # DRF loads its default throttles, this module, while it loads its views.
    from rest_framework.views import APIView


class PerCaller(BaseThrottle):
    """Every token counts for itself; who comes without one counts by name."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor):
            return True
        key = f"token:{actor.token}" if actor.token else f"{actor.way}:{actor.name}"
        self.seconds = count_call(key, most=settings.CONFIG.access.calls_per_minute, now=parts().clock.now())
        return self.seconds is None

    def wait(self) -> float | None:
        return self.seconds


def count_guess(address: str) -> None:
    """Raises Throttled when too many wrong tokens came from this address in the current minute."""
    most = max(1, settings.CONFIG.access.calls_per_minute // 10)
    seconds = count_call(f"guess:{address}", most=most, now=parts().clock.now())
    if seconds is not None:
        raise Throttled(wait=seconds)
