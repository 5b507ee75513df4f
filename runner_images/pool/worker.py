"""The waiting worker: presence, calls, one agent at a time, and an orderly end when its machine is taken away."""

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
from runner_images.json_log import forwarded, say
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


class PoolWorker:
    """`live` is for the main thread, and gives the exit code."""

    def __init__(
        self, settings: PoolSettings, pool: PoolStore, place: Place, start: Callable[[Assignment], Agent] = Agent
    ) -> None:
        self._settings, self._pool, self._place, self._start = settings, pool, place, start
        self._protection = Protection(place)
        self._agent: Agent | None = None
        self._call: Call | None = None
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
            if self._agent is not None:
                self._agent.kill()
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
        if self._agent is not None:
            self._follow(self._agent)
        elif self._is_due(self._looked_at, LOOK_SECONDS):
            self._looked_at = time.monotonic()
            self._protection.want(False)
            self._take_a_call()

    def _follow(self, agent: Agent) -> None:
        self._protection.want(True)
        code = agent.exit_code()
        self._forward(agent)
        if code is not None:
            say("agent_ended", **self._about(), exit_code=code)
            self._agent = self._call = None
            self._idle_since, self._looked_at = time.monotonic(), float("-inf")
            self._be(PresenceState.IDLE)

    def _take_a_call(self) -> None:
        with self._store_may_fail():
            for call in wanted(self._pool.open_calls(MOST_CALLS), time.time()):
                if self._terminated:
                    return
                if self._pool.claim(call, Claim(self._place.worker, self._place.az, time.time())):
                    self._begin(call)
                    return

    def _begin(self, call: Call) -> None:
        self._call = call
        say("call_claimed", **self._about(), worker=self._place.worker)
        self._agent = self._start(Assignment(self._settings.store_url, call.run, call.slot, call.epoch, call.cores, call.memory))
        self._be(PresenceState.WORKING)
        self._protection.want(True)

    def _drain(self, reason: str) -> None:
        """Never claims again. What it measures until the end is shipped; who replaces it is told by its presence."""
        say("draining", worker=self._place.worker, message=reason, **self._about())
        self._be(PresenceState.DRAINING)
        if self._agent is not None:
            self._agent.drain()
            until = time.monotonic() + DRAIN_SECONDS
            while self._agent.wait(TICK) is None and time.monotonic() < until:
                self._forward(self._agent)
                if self._is_due(self._spoke_at, PRESENCE_SECONDS):
                    self._speak()
            self._agent.kill()
            self._forward(self._agent)
            self._agent = None
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
        if not minutes or self._agent is not None or time.monotonic() - self._idle_since < minutes * 60:
            return ""
        if self._place.leave():
            return f"Nothing to do for {minutes:g} minutes."
        self._idle_since = time.monotonic()  # The group wants no fewer: idle on.
        return ""

    def _be(self, state: PresenceState) -> None:
        self._state = state
        self._speak()

    def _speak(self) -> None:
        self._spoke_at, call = time.monotonic(), self._call
        said = Presence(
            self._place.worker, self._place.az, time.time(), self._state, call.run if call else "",
            call.slot if call else None, call.epoch if call else None,
        )  # fmt: skip
        with self._store_may_fail():
            self._pool.say(said)

    def _forward(self, agent: Agent) -> None:
        for line in agent.new_lines():
            print(forwarded(line, **self._about()), flush=True)

    def _about(self) -> dict[str, object]:
        call = self._call
        return {"run": call.run, "slot": call.slot, "epoch": call.epoch} if call else {}

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


def wanted(calls: Iterable[Call], now: float) -> list[Call]:
    """Those to try, each waiting worker in an order of its own: not all shall reach for the same one.

    Replacements come first, and a slot that has a newer call is not begun by an older one.
    """
    newest: dict[tuple[str, int], Call] = {}
    for call in calls:
        known = newest.get((call.run, call.slot))
        if call.expires > now and (known is None or known.epoch < call.epoch):
            newest[call.run, call.slot] = call
    found = list(newest.values())
    random.shuffle(found)
    return sorted(found, key=lambda call: call.epoch == 1)
