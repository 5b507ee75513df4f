"""A worker that measures for half a day, second by second, holds no more at its end than after some hours."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core.split import Segment, WorkerAssignment
from portal.core.window import MOST_VALUES, Window
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from runner_images.agent.report import Report
from tests.core.plans import plan
from tests.core.points import gauge, request
from tests.fakes import FakeClock, wait_until

T0, HOUR = 1_000_002, 3600
NAMES = 3 * MOST_VALUES
MOST_GROWTH = 300_000
"""Bytes; a kilobyte for each snapshot of the time between would be ten times that."""


class Counting(MemoryStore):
    """Takes everything and keeps nothing but its number."""

    taken = 0

    def put(self, key: str, data: bytes) -> None:
        self.taken += "/snap/" in key


@pytest.mark.long
def test_a_worker_of_half_a_day_holds_no_more_than_one_of_some_hours() -> None:
    objects, clock = Counting(), FakeClock(T0)
    assignment = WorkerAssignment(replace(plan(), flush_every=timedelta(seconds=10)), Segment(1, 3))
    report = Report(RunStore(objects, "run1"), clock, assignment, Window())
    report.begin(T0, T0)
    tracemalloc.start()
    try:
        held = [_measure(report, objects, clock, until) for until in (4 * HOUR, 12 * HOUR)]
    finally:
        tracemalloc.stop()
        report.heart.stop()
    assert objects.taken > 12 * HOUR / 10 - 3
    assert held[1] - held[0] < MOST_GROWTH


def _measure(report: Report, objects: Counting, clock: FakeClock, until: int) -> int:
    """Every fifth second a request, of more names than are told apart; the bytes held afterwards."""
    while clock.now() < T0 + until:
        second = int(clock.now())
        if second % 5 == 0:
            report.add([*request(second, f"GET /users/{second // 5 % NAMES}", times=[5.0]), gauge(second, "vus", 10)])
        clock.advance(1)
        report.flush_if_due()
    wait_until(lambda: objects.taken >= until // 10 - 2, "the last snapshot")
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
