"""The waiting worker: presence, calls, an agent for each slot it holds, and an orderly end when its machine is taken away."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

from portal.core.errors import PortalError, StoreUnavailable
from portal.stores.pool import Call, Claim, PoolStore, Presence, PresenceState
from runner_images.child import Agent, Assignment
from runner_images.json_log import say
from runner_images.pool.hands import Hands
from runner_images.pool.metadata import NoMetadata
from runner_images.pool.places import Place
from runner_images.pool.protection import Protection
from runner_images.pool.settings import PoolSettings

PRESENCE_SECONDS, LOOK_SECONDS, TICK = 5.0, 1.0, 0.2
"""A spare has to take a lost worker's slot over within 5 s, its agent's own start included."""
MOST_CALLS = 10
"""Looked at in one look: others look too."""
DRAIN_SECONDS = 110.0
"""Spot and ECS leave two minutes."""
HOLD_BACK = 1.0
"""For each slot it holds a worker leaves a call so many seconds to those that hold fewer."""


class PoolWorker:
    """`live` is for the main thread, and gives the exit code."""

    def __init__(
        self, settings: PoolSettings, pool: PoolStore, place: Place, start: Callable[[Assignment], Agent] = Agent
    ) -> None:
        self._settings, self._pool, self._place = settings, pool, place
        self._protection = Protection(place)
        self._hands = Hands(settings.store_url, settings.slots, start)
        self._state = PresenceState.IDLE
        self._terminated = ""
        self._spoke_at = self._looked_at = float("-inf")
        self._idle_since = time.monotonic()
        self._store_failed = False

    def live(self) -> int:
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        say("pool_worker_begins", worker=self._place.worker, az=self._place.az, group=self._settings.group)
        self._tell("greeting", self._place.greet)
        try:
            while not (reason := self._end()):
                self._step()
                time.sleep(TICK)
            self._drain(reason)
        finally:
            self._hands.kill()
        return 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._terminated = "The worker was told to terminate by its platform."

    def _end(self) -> str:
        """Why it waits no longer; looks at the platform when presence is due."""
        if self._terminated:
            return self._terminated
        if self._is_due(self._spoke_at, PRESENCE_SECONDS):
            if warning := self._place.warning():
                return warning
            self._speak()
        return self._idled_out()

    def _step(self) -> None:
        if self._hands.let_go():
            self._looked_at = float("-inf")
            if not self._hands:
                self._idle_since = time.monotonic()
            self._be_as_busy_as_it_is()
        self._protection.want(bool(self._hands))
        if self._hands.has_room and self._is_due(self._looked_at, LOOK_SECONDS):
            self._looked_at = time.monotonic()
            self._take_a_call()

    def _be_as_busy_as_it_is(self) -> None:
        self._be(PresenceState.WORKING if self._hands else PresenceState.IDLE)

    def _take_a_call(self) -> None:
        """One, so that others get the next."""
        with self._store_may_fail():
            calls = self._pool.open_calls(MOST_CALLS)
            for call in wanted(calls, time.time(), worker=self._place.worker, held=len(self._hands)):
                if self._terminated:
                    return
                if self._pool.claim(call, Claim(self._place.worker, self._place.az, time.time())):
                    self._begin(call)
                    return

    def _begin(self, call: Call) -> None:
        say("call_claimed", run=call.run, slot=call.slot, epoch=call.epoch, worker=self._place.worker)
        self._hands.take(call)
        self._be_as_busy_as_it_is()
        self._protection.want(True)

    def _drain(self, reason: str) -> None:
        """Never claims again. What it measures until the end is shipped; who replaces it is told by its presence."""
        say("draining", worker=self._place.worker, message=reason, **self._hands.about())
        self._be(PresenceState.DRAINING)
        self._hands.drain(DRAIN_SECONDS, TICK, self._speak_if_due)
        self._protection.want(False)
        self._tell("parting", self._place.part)
        with contextlib.suppress(PortalError):  # A role without s3:DeleteObject leaves it behind; its age tells.
            self._pool.leave(self._place.worker)

    def _tell(self, what: str, tell: Callable[[], None]) -> None:
        """The platform, which waits for it for some minutes at most."""
        try:
            tell()
        except (NoMetadata, PortalError) as error:
            say(f"{what}_failed", worker=self._place.worker, message=str(error))

    def _idled_out(self) -> str:
        minutes = self._settings.idle_minutes
        if not minutes or self._hands or time.monotonic() - self._idle_since < minutes * 60:
            return ""
        if self._place.leave():
            return f"Nothing to do for {minutes:g} minutes."
        self._idle_since = time.monotonic()  # The group wants no fewer: idle on.
        return ""

    def _be(self, state: PresenceState) -> None:
        self._state = state
        self._speak()

    def _speak_if_due(self) -> None:
        if self._is_due(self._spoke_at, PRESENCE_SECONDS):
            self._speak()

    def _speak(self) -> None:
        self._spoke_at, place = time.monotonic(), self._place
        said = Presence.of(place.worker, place.az, time.time(), self._state, self._hands.holds, self._hands.most)
        with self._store_may_fail():
            self._pool.say(said)

    @contextlib.contextmanager
    def _store_may_fail(self) -> Iterator[None]:
        """An agent at work has its own patience; a waiting worker waits for the store too."""
        try:
            yield
        except StoreUnavailable as error:
            if not self._store_failed:
                say("store_failed", worker=self._place.worker, message=error.message)
            self._store_failed = True
        else:
            self._store_failed = False

    @staticmethod
    def _is_due(since: float, seconds: float) -> bool:
        return time.monotonic() - since >= seconds


def wanted(calls: Iterable[Call], now: float, *, worker: str = "", held: int = 0) -> list[Call]:
    """Those to try for a worker that holds so many, each waiting worker in an order of its own: not all shall reach for the
    same one.

    Replacements come first, and a slot that has a newer call is not begun by an older one. A call for this very worker is
    taken at once.
    """
    newest: dict[tuple[str, int], Call] = {}
    for call in calls:
        known = newest.get((call.run, call.slot))
        if call.expires > now and (known is None or known.epoch < call.epoch):
            newest[call.run, call.slot] = call
    found = [
        call for call in newest.values()
        if (call.worker == worker if call.worker else now - call.at >= held * HOLD_BACK)
    ]  # fmt: skip
    random.shuffle(found)
    return sorted(found, key=lambda call: call.epoch == 1)
