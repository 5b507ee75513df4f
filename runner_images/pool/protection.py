"""Keeps a working machine from being chosen when capacity shrinks. Work goes on where that fails: the log says so once."""

from __future__ import annotations

import time
from collections.abc import Callable

from portal.core.errors import PortalError
from runner_images.json_log import say
from runner_images.pool.metadata import NoMetadata
from runner_images.pool.places import Place

AGAIN_SECONDS, SOON_SECONDS = 20 * 60.0, 5.0
"""ECS forgets it after two hours. What failed is tried again soon: an instance that has just said it is ready is in service,
and may be protected, a moment later."""


class Protection:
    def __init__(self, place: Place, now: Callable[[], float] = time.monotonic) -> None:
        self._place, self._now = place, now
        self._on = False
        self._asked_at = 0.0
        self._failed = False

    def want(self, on: bool) -> None:
        """To be called often; asks the platform only when there is something to change or to renew."""
        now = self._now()
        if on == self._on and not (on and now - self._asked_at > (SOON_SECONDS if self._failed else AGAIN_SECONDS)):
            return
        self._on, self._asked_at = on, now
        try:
            self._place.protect(on)
            self._failed = False
        except (NoMetadata, PortalError) as error:
            if not self._failed:
                self._failed = True
                say("protection_failed", worker=self._place.worker, wanted=on, message=str(error))
