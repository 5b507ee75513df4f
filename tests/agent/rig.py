"""One worker's life inside the test process: a stub engine, a store in memory, and a test that plays the controller."""

from __future__ import annotations

import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any  # Any: the fields of a plan, passed through by name.

import psutil

from portal.core.merge import select
from portal.core.merged_run import MergedRun
from portal.core.ports import Engine, EngineTools
from portal.core.protocol import Done, Lease, Start, Stop
from portal.core.run_state import EndReason
from portal.core.snapshot import IntervalSnapshot
from portal.core.split import Segment, WorkerAssignment
from portal.stores.bundle import pack
from portal.stores.run_store import RunStore
from runner_images.agent.clock import SystemClock
from runner_images.agent.orders import Orders
from runner_images.agent.settings import AgentSettings
from runner_images.agent.work import Work
from tests.core.plans import plan
from tests.fakes import FailingStore, StubEngine, wait_until


class ShiftedClock(SystemClock):
    """Real time, and what a test adds to it."""

    shift = 0.0

    def now(self) -> float:
        return super().now() + self.shift


class Rig:
    """`does` is what the stub engine does (see `tests.fakes.StubEngine`)."""

    def __init__(self, folder: Path, does: dict[str, object] | None = None, *, patience: float = 5.0, **changes: Any) -> None:
        self.folder, self.objects, self.clock = folder, FailingStore(), ShiftedClock()
        self.store = RunStore(self.objects, "run1")
        self.engine: Engine = StubEngine(does or {})
        self.orders = Orders(self.store, self.clock)
        bundle = pack({"script.js": b"// nothing"})
        self.store.save_bundle(bundle)
        usual = {"duration": timedelta(seconds=60), "drain": timedelta(seconds=20), "flush_every": timedelta(seconds=0.2)}
        made = plan(**{"bundle_digest": hashlib.sha256(bundle).hexdigest(), **usual, **changes})
        self.store.assign(WorkerAssignment(made, Segment(0, 1)))
        self.settings = AgentSettings("memory:", "run1", 0, 1, folder, 1, EngineTools(), patience)

    def live(self, controller: Callable[[Rig], object] = lambda rig: None) -> int:
        """The worker's exit code; the controller acts meanwhile, and what it finds wrong fails the test."""
        wrong: list[BaseException] = []

        def act() -> None:
            try:
                controller(self)
            except BaseException as error:
                wrong.append(error)
                self.store.ask_stop(Stop(EndReason.LAUNCH_FAILED, 0, hard=True))

        acting = threading.Thread(target=act, daemon=True)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        acting.start()
        try:
            return self.work().live()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            acting.join(60)
            assert not wrong, wrong

    def work(self) -> Work:
        return Work(self.settings, self.store, self.clock, self.orders, lambda name: self.engine)

    def wait_ready(self) -> None:
        wait_until(lambda: self.store.ready_slots({0: 1}), "ready")

    def start(self, ago: float = 0.0) -> int:
        """Begins in the current second: a start that has just passed is still taken."""
        self.wait_ready()
        return self.store.start(Start(math.floor(self.clock.now() - ago))).t0

    def stop(self, *, hard: bool = False) -> None:
        self.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, time.time(), hard=hard, message="ada stopped it."))

    def wait_hits(self, hits: float) -> None:
        """Until so many are in the store."""
        wait_until(lambda: self.hits() >= hits, f"{hits} hits")

    def wait_running(self) -> None:
        wait_until(lambda: self.store.beats()[0].phase == "running", "the phase running")

    def hold_lease(self) -> None:
        assert self.store.take_lease(Lease(0, 1, "another", 0.0))

    def hits(self) -> float:
        run = MergedRun()
        for key in self.store.snapshot_keys():
            run.add(IntervalSnapshot.decode(self.store.snapshot_bytes(key) or b""))
        return select(run.recent(), "http_reqs").total

    def done(self) -> Done:
        ((_, done),) = self.store.dones().items()
        return done

    def engines(self) -> list[int]:
        """Living stub engines of this test process."""
        return [child.pid for child in psutil.Process().children(recursive=True) if _is_stub(child)]


def _is_stub(process: psutil.Process) -> bool:
    try:
        return "stub.py" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
