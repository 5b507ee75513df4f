"""Many workers that only exist as what they leave in a store: beats every 3 s, snapshots as their plan asks, in real time."""

from __future__ import annotations

import sys
import time
import zlib
from dataclasses import replace
from functools import cache

import msgspec
import numpy as np

from portal.core.block import Block, Point
from portal.core.protocol import Beat, WorkerPhase
from portal.core.snapshot import IntervalSnapshot
from portal.stores import open_store
from portal.stores.run_store import RunStore
from tests.core.points import counter, gauge, rate, trend

TIMINGS = ("blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving")
BEAT_SECONDS, SHAPES = 3, 8


def seconds_of(start: int, length: int, *, names: int, per_second: int, seed: int, labels: dict[str, str] | None = None) -> Block:
    """What k6 reports for so many requests a second, evenly over the names; latencies are skewed and whole microseconds."""
    random, points = np.random.default_rng(seed), list[Point]()
    for second in range(start, start + length):
        for name in range(names):
            count = (per_second * (name + 1)) // names - (per_second * name) // names
            times = np.round(random.lognormal(3.0 + name / names, 0.6, count), 3)
            mine = {"name": f"GET /resource/{name}", "status": "200", "method": "GET"}
            if count:
                points += [counter(second, "http_reqs", count, **mine), rate(second, "http_req_failed", 0, count, **mine),
                           trend(second, "http_req_duration", times, **mine)]  # fmt: skip
        for timing in TIMINGS:
            points.append(trend(second, f"http_req_{timing}", np.round(random.lognormal(1.0, 0.5, per_second), 3)))
        points += [counter(second, "iterations", per_second), gauge(second, "vus", 10), gauge(second, "vus_max", 10)]
        points += [counter(second, "data_received", 1000.0 * per_second), counter(second, "data_sent", 100.0 * per_second)]
    return Block.of(points)


def at(block: Block, start: int) -> Block:
    """The same seconds from another one on."""
    return replace(block, at=block.at - block.at[0] + start) if len(block) else block


class Form:
    """The snapshot of one worker, from which those of all others differ in one number."""

    def __init__(self, snapshot: IntervalSnapshot) -> None:
        self._plain = msgspec.msgpack.decode(zlib.decompress(snapshot.encode()))

    def of(self, slot: int) -> bytes:
        return zlib.compress(msgspec.msgpack.encode({**self._plain, "slot": slot}), 1)


def live(url: str, run_id: str, workers: int, flush: int, t0: int, seconds: int, names: int, per_second: int) -> None:
    """Until so many seconds after t0, each worker with its own moment for its snapshots and beats."""
    store = RunStore(open_store(url), run_id)
    shapes = [seconds_of(0, flush, names=names, per_second=per_second, seed=seed) for seed in range(SHAPES)]

    @cache
    def form_of(seq: int, shape: int) -> Form:
        begin = t0 + seq * flush
        return Form(IntervalSnapshot(0, 1, seq, begin, begin + flush, at(shapes[shape], begin)))

    for second in range(t0 - BEAT_SECONDS, t0 + seconds):
        if (late := time.time() - second) > 3:
            print(f"The crowd is {late:.0f} s late.", file=sys.stderr)
        time.sleep(max(0.0, -late))
        for slot in range(workers):
            if (second + slot) % BEAT_SECONDS == 0:
                done = max(0, (second - t0 - slot % flush) // flush)
                store.beat(Beat(slot, 1, float(second), WorkerPhase.RUNNING, 0.4, 90_000_000, 20, done))
            # Each worker writes when its own turn in the flush interval comes, as if it had begun a little later.
            turn, rest = divmod(second - t0 - slot % flush, flush)
            if rest == 0 and turn >= 1:
                form = form_of(turn - 1, (slot + turn) % SHAPES)
                store.put_snapshot(slot, 1, turn - 1, form.of(slot))


if __name__ == "__main__":
    where, run, *numbers = sys.argv[1:]
    live(where, run, *map(int, numbers))
