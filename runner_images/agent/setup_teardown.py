"""setup() and teardown() of a script, once per run however many workers it has; what setup() gave reaches every engine.
In Artillery they are the sections before and after.

Slot 0 runs setup() while its engine is paused and leaves the data in the run store; all others take it from there, and
so does whoever replaces slot 0 later. teardown() is run by the lowest slot that still lives when all load is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from portal.core.errors import StoreUnavailable
from portal.core.ports import Clock
from portal.core.protocol import Lease
from portal.core.split import WorkerAssignment
from portal.engines.k6_log import clean
from portal.stores.run_store import RunStore
from runner_images.agent.k6_api import ENDED, INTERRUPTED, ScriptThrew
from runner_images.agent.process import EngineProcess

T = TypeVar("T")
LEADER = 0
NOTHING = b"null"
"""A setup() that returns nothing."""
LOOK_EVERY = 1.0
"""Seconds between two looks into the store."""
STATUS_EVERY = 0.25
SILENT_SECONDS = 20.0
"""A worker that has not beaten for so long does not run load any more, or the controller would not know of it."""
TICK = 0.05
SPARE = 10.0
"""Seconds an answer may come after the time the script's own options allow; k6 itself cuts what takes longer."""


class Ordered(Protocol):
    """An engine that runs setup() and teardown() when it is told to; raises ScriptThrew and GateStuck."""

    is_ready_after_setup: bool
    """Whether it can take a start only once it has what setup() gave; else it must be ready first."""

    def status(self) -> int | None:
        """As k6's own API says it."""

    def run_setup(self, seconds: float) -> bytes: ...

    def give_setup(self, data: bytes) -> None: ...

    def run_teardown(self, seconds: float) -> None: ...

    def let_go(self, process: EngineProcess) -> None:
        """Nothing is asked of it any more: it ends."""


class SetupAndTeardown:
    """For an engine that lingers. Only `tear_down` blocks."""

    def __init__(self, assignment: WorkerAssignment, store: RunStore, rest: Ordered, clock: Clock) -> None:
        self._slot, self._epoch, self._plan = assignment.slot, assignment.epoch, assignment.plan
        self._store, self._rest, self._clock = store, rest, clock
        self._work: _Work | None = None
        self._closed = threading.Event()
        self._looked_at = 0.0
        self._is_over = False

    def is_ready(self) -> bool:
        """Whether the engine has what setup() gave; the first call begins. Raises ScriptThrew, GateStuck."""
        if self._plan.setup_within is None:
            return True
        self._work = self._work or _Work(self._set_up)
        return self._work.is_over()

    @property
    def comes_first(self) -> bool:
        return self._rest.is_ready_after_setup

    def let_go(self, process: EngineProcess) -> None:
        self._rest.let_go(process)

    def close(self) -> None:
        """For a worker that ends: the store is not asked any more."""
        self._closed.set()

    def load_is_over(self) -> bool:
        """Whether the lingering engine has run its last iteration; asked of it a few times a second."""
        now = self._clock.now()
        if not self._is_over and now - self._looked_at >= STATUS_EVERY:
            self._looked_at = now
            self._is_over = self._rest.status() in (ENDED, INTERRUPTED)
        return self._is_over

    def tear_down(self, until: float, go_on: Callable[[], bool]) -> None:
        """Runs teardown() if it is this worker's to run: when the others are over, at the latest at `until`.

        Calls `go_on` all the time, and gives up when that says no. Raises ScriptThrew, GateStuck.
        """
        if self._plan.teardown_within is not None:
            work = _Work(lambda: self._tear_down(until))
            while go_on() and not work.is_over():
                self._clock.sleep(TICK)

    def _set_up(self) -> None:
        data = self._lead() if self._slot == LEADER else self._awaited()
        if data is not None and data != NOTHING:
            self._rest.give_setup(data)

    def _lead(self) -> bytes | None:
        """What the engine does not have yet: data that is in the store already is a predecessor's, whose setup() stands."""
        assert self._plan.setup_within is not None
        if (found := self._insist(self._store.setup)) is not None:
            return found
        own = self._rest.run_setup(self._plan.setup_within.total_seconds() + SPARE)
        is_first = self._insist(lambda: self._store.save_setup(own))
        return None if is_first else self._insist(self._store.setup)

    def _awaited(self) -> bytes | None:
        while (data := self._insist(self._store.setup)) is None and not self._closed.wait(LOOK_EVERY):
            pass
        return data

    def _tear_down(self, until: float) -> None:
        assert self._plan.teardown_within is not None
        if not self._insist(lambda: self._are_over(range(self._slot))):
            return
        others = [slot for slot in range(self._plan.workers) if slot != self._slot]
        while self._clock.now() < until and not self._insist(lambda: self._are_over(others)):
            if self._closed.wait(LOOK_EVERY):
                return
        lease = Lease(self._slot, self._epoch, "teardown", self._clock.now())
        if self._insist(lambda: self._store.take_teardown(lease)):
            self._rest.run_teardown(self._plan.teardown_within.total_seconds() + SPARE)

    def _are_over(self, slots: Iterable[int]) -> bool:
        """Whether none of these slots runs load: said its last word, or has not been heard of. Ends with the first that does."""
        dones = self._store.dones()
        now = self._clock.now()
        for slot in slots:
            beat = self._store.last_beat(slot)
            if beat is not None and now - beat.at < SILENT_SECONDS and (slot, beat.epoch) not in dones:
                return False
        return True

    def _insist(self, call: Callable[[], T]) -> T | None:
        """A store that is away is asked again; how long is for the owner to say, with `close`."""
        while not self._closed.is_set():
            try:
                return call()
            except StoreUnavailable:
                self._closed.wait(LOOK_EVERY)
        return None


class _Work:
    """A call in a thread of its own, because setup() and teardown() may take minutes; its exception comes out of `is_over`."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True

    def _run(self) -> None:
        try:
            self._call()
        except ScriptThrew as error:
            self._error = ScriptThrew(clean(str(error)))
        except Exception as error:  # Whatever it is, the owner must hear of it: nobody looks into this thread.
            self._error = error
