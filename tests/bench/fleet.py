"""Many waiting machines in one process, with synthetic workers: presence, calls and claims as those of an EC2 group.

`python -m tests.bench.fleet file:///store FIRST COUNT SECONDS`: prints a line of JSON for every worker that ended.
One look for calls serves all idle machines of a process; real ones look for themselves.
"""

from __future__ import annotations

import heapq
import itertools
import json
import signal
import sys
import time
from collections.abc import Iterator

from portal.backends.ec2 import POOL
from portal.core.ports import ObjectStore
from portal.stores import open_store
from portal.stores.pool import Call, Claim, PoolStore, Presence, PresenceState
from portal.stores.run_store import RunStore
from runner_images.pool.worker import LOOK_SECONDS, PRESENCE_SECONDS, wanted
from tests.bench.synthetic import Synthetic

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")


class Fleet:
    def __init__(self, objects: ObjectStore, first: int, count: int) -> None:
        self._objects, self._pool = objects, PoolStore(objects, POOL)
        self._stores: dict[str, RunStore] = {}
        self._work: dict[str, Call | None] = {f"i-{number:05d}": None for number in range(first, first + count)}
        self._queue: list[tuple[float, int, Iterator[float]]] = []
        self._numbers = itertools.count()
        self.latest = 0.0
        """Seconds somebody came too late to its turn: large when this process has too much to do."""

    def live(self, seconds: float) -> None:
        until = time.time() + seconds
        self._plan(0.0, self._looks())
        for number, worker in enumerate(self._work):
            self._plan(time.time() + PRESENCE_SECONDS * number / len(self._work), self._speaks(worker))
        while (now := time.time()) < until:
            due, _, life = self._queue[0]
            if due > now:
                time.sleep(min(due - now, 0.05))
                continue
            heapq.heappop(self._queue)
            self.latest = max(self.latest, now - due if due else 0.0)
            if (again := next(life, None)) is not None:
                self._plan(again, life)

    def _plan(self, due: float, life: Iterator[float]) -> None:
        heapq.heappush(self._queue, (due, next(self._numbers), life))

    def _speaks(self, worker: str) -> Iterator[float]:
        while True:
            self._say(worker)
            yield time.time() + PRESENCE_SECONDS

    def _looks(self) -> Iterator[float]:
        while True:
            idle = iter([worker for worker, call in self._work.items() if call is None])
            for call in wanted(self._pool.open_calls(), time.time()):
                if (worker := next(idle, None)) is None:
                    break
                if self._pool.claim(call, Claim(worker, self._zone(worker), time.time())):
                    self._begin(worker, call)
            yield time.time() + LOOK_SECONDS

    def _begin(self, worker: str, call: Call) -> None:
        self._work[worker] = call
        self._say(worker)
        self._plan(time.time(), self._works(worker, call))

    def _works(self, worker: str, call: Call) -> Iterator[float]:
        store = self._stores.setdefault(call.run, RunStore(self._objects, call.run))
        yield from Synthetic(store, call, worker).live()
        self._work[worker] = None
        self._say(worker)

    def _say(self, worker: str) -> None:
        call = self._work[worker]
        state = PresenceState.WORKING if call else PresenceState.IDLE
        what = (call.run, call.slot, call.epoch) if call else ("", None, None)
        self._pool.say(Presence(worker, self._zone(worker), time.time(), state, *what))

    @staticmethod
    def _zone(worker: str) -> str:
        return ZONES[int(worker.removeprefix("i-")) % len(ZONES)]


if __name__ == "__main__":
    url, *numbers = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    fleet = Fleet(open_store(url), *map(int, numbers[:2]))
    try:
        fleet.live(float(numbers[2]))
    finally:
        print(json.dumps({"late_s": round(fleet.latest, 2), "cpu_s": round(time.process_time(), 1)}), flush=True)
