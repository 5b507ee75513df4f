"""What one worker tells: seconds close late, nothing late is lost, ranges join, and `done` is the last word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.health import LAG
from portal.core.merge import merge, select
from portal.core.protocol import Done, DoneReason, WorkerPhase
from portal.core.snapshot import IntervalSnapshot, Kind
from portal.core.split import Segment, WorkerAssignment
from portal.core.window import Window
from portal.stores.run_store import RunStore
from runner_images.agent.orders import End
from runner_images.agent.report import LATE_SECONDS, SETTLED, Report
from tests.core.plans import plan
from tests.core.points import counter, gauge
from tests.fakes import FailingStore, FakeClock

T0 = 1_000_002
COMPLETED = End(DoneReason.COMPLETED, "")


class Worker:
    """A report over a store of its own."""

    def __init__(self, *, patience: float = 300.0, objects: FailingStore | None = None) -> None:
        self.objects, self.clock = objects or FailingStore(), FakeClock(1_000_000)
        self.store = RunStore(self.objects, "run1")
        assignment = WorkerAssignment(replace(plan(), flush_every=timedelta(seconds=2)), Segment(1, 3), epoch=2)
        self.report = Report(self.store, self.clock, assignment, Window(), patience=patience)

    def begin(self, late: float = 0.0) -> None:
        self.clock.advance(T0 + late - self.clock.now())
        self.report.begin(T0, self.clock.now())

    def hit(self, second: float, hits: float = 1.0) -> None:
        self.report.add([counter(int(second), "hits", hits)])

    def snapshots(self) -> list[IntervalSnapshot]:
        return [IntervalSnapshot.decode(self.store.snapshot_bytes(key) or b"") for key in self.store.snapshot_keys()]

    def the_done(self) -> Done:
        ((identity, done),) = self.store.dones().items()
        assert identity == (1, 2)
        return done

    def end(self) -> None:
        self.report._reporter.finish()
        self.report.heart.stop()


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.end()


def hits(worker: Worker) -> float:
    return select(merge(snapshot.block for snapshot in worker.snapshots()), "hits").total


def test_ready_is_said_with_a_beat(worker: Worker) -> None:
    assert worker.report.ready("k6 1.1")
    assert worker.store.ready_slots({1: 2}) == {1}
    assert worker.store.beats()[1].phase is WorkerPhase.READY


def test_nothing_is_shipped_before_the_start(worker: Worker) -> None:
    worker.hit(T0 - 1)
    worker.clock.advance(100)
    worker.report.flush_if_due()
    worker.report.done(End(DoneReason.NOT_STARTED, "no start"), None)
    done = worker.the_done()
    assert worker.snapshots() == []
    assert (done.reason, done.snapshots, done.first_second, done.last_second, done.started_at) == (
        DoneReason.NOT_STARTED, 0, None, None, None,
    )  # fmt: skip


def test_seconds_close_late_so_that_late_samples_find_theirs_open(worker: Worker) -> None:
    worker.begin()
    worker.clock.advance(LATE_SECONDS + 0.5)
    worker.report.flush_if_due()
    worker.hit(T0, 5)
    worker.clock.advance(2)
    worker.report.flush_if_due()
    worker.report._reporter.finish()
    (snapshot,) = worker.snapshots()
    assert (snapshot.start, snapshot.end, snapshot.final) == (T0, T0 + 2, False)
    assert select(snapshot.block, "hits").total == 5


def test_a_second_the_engine_has_reported_is_not_waited_for(worker: Worker) -> None:
    worker.begin()
    worker.clock.advance(2)
    worker.hit(T0 + 0.5, 5)
    worker.report.flush_if_due()
    worker.clock.advance(SETTLED)
    worker.report.flush_if_due()
    worker.report._reporter.finish()
    (snapshot,) = worker.snapshots()
    assert (snapshot.start, snapshot.end, hits(worker)) == (T0, T0 + 1, 5)


def test_a_second_that_goes_on_is_not_shipped_whatever_the_engine_says(worker: Worker) -> None:
    worker.begin(late=2)
    worker.hit(T0 + 9)
    worker.clock.advance(2.5)
    worker.report.flush_if_due()
    worker.report._reporter.finish()
    assert [snapshot.end for snapshot in worker.snapshots()] == [T0 + 4]


def test_a_flush_comes_when_it_is_due_and_not_before(worker: Worker) -> None:
    worker.begin()
    for _ in range(200):
        worker.clock.advance(0.1)
        worker.report.flush_if_due()
    worker.report._reporter.finish()
    # In the first two seconds no second is old enough.
    assert [snapshot.seq for snapshot in worker.snapshots()] == list(range(len(worker.snapshots())))
    assert 8 <= len(worker.snapshots()) <= 9


def test_what_comes_after_its_second_closed_is_kept_under_it_except_gauges(worker: Worker) -> None:
    worker.begin()
    worker.report.add([gauge(T0, "vus", 3)])
    worker.hit(T0)
    worker.clock.advance(10)
    worker.report.flush_if_due()
    worker.hit(T0, 4)
    worker.report.add([gauge(T0, "vus", 3)])
    worker.report.done(COMPLETED, None)
    assert hits(worker) == 5
    late = worker.snapshots()[-1].block
    assert [(point.second, point.key.kind) for point in late.points()] == [(T0, Kind.COUNTER)]


def test_the_final_snapshot_covers_up_to_the_end_also_without_samples(worker: Worker) -> None:
    worker.begin(late=0.004)
    worker.clock.advance(7.2)
    worker.hit(T0 + 6)
    worker.hit(T0 + 8)
    worker.report.done(COMPLETED, None, exit_code=0, broken=3)
    (snapshot,) = worker.snapshots()
    done = worker.the_done()
    assert (snapshot.start, snapshot.end, snapshot.final, snapshot.broken) == (T0, T0 + 8, True, 3)
    assert hits(worker) == 2
    assert (done.first_second, done.last_second, done.broken_batches, done.exit_code) == (T0, T0 + 8, 3, 0)
    assert done.started_at == pytest.approx(T0 + 0.004)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.floats(0.01, 9), st.integers(0, 6)), max_size=30))
def test_ranges_join_without_holes_or_overlap_and_every_hit_counts_once(steps: list[tuple[float, int]]) -> None:
    worker = Worker()
    worker.begin()
    for seconds, age in steps:
        worker.hit(max(T0, worker.clock.now() - age))
        worker.clock.advance(seconds)
        worker.report.flush_if_due()
    worker.report.done(COMPLETED, None)
    found, done = worker.snapshots(), worker.the_done()
    edges = [(snapshot.start, snapshot.end) for snapshot in found]
    assert edges[0][0] == T0
    assert all(first[1] == second[0] for first, second in pairwise(edges))
    assert edges[-1][1] == done.last_second
    assert edges[-1][1] >= worker.clock.now()
    assert [snapshot.final for snapshot in found] == [False] * (len(found) - 1) + [True]
    assert hits(worker) == len(steps)
    assert done.snapshots == len(found)


def test_how_late_the_event_loop_was_is_in_the_last_word(worker: Worker) -> None:
    worker.begin()
    worker.report.add([gauge(T0, LAG, 20.0), gauge(T0 + 1, LAG, 400.0), counter(T0, "hits", 1)])
    worker.report.clock_offset_ms = -30.0
    worker.report.done(COMPLETED, None)
    strain = worker.the_done().strain
    assert (strain.mean_lag_ms, strain.peak_lag_ms, strain.clock_offset_ms) == (210.0, 400.0, -30.0)


def test_done_comes_after_the_last_snapshot_and_names_them_all(worker: Worker) -> None:
    worker.begin()
    for _ in range(6):
        worker.hit(worker.clock.now())
        worker.clock.advance(3)
        worker.report.flush_if_due()
    worker.report.done(COMPLETED, None)
    kinds = [key.split("/")[2] for key in worker.objects.written if "/beat/" not in key]
    assert kinds[-2:] == ["snap", "done"]
    stored = [worker.store.snapshot_bytes(key) or b"" for key in worker.store.snapshot_keys()]
    assert worker.the_done().digests == tuple(hashlib.sha256(data).hexdigest() for data in stored)
    assert worker.report.was_written


def test_a_store_that_comes_back_gets_it_all(worker: Worker) -> None:
    worker.begin()
    worker.objects.fails = True
    worker.hit(T0)
    worker.clock.advance(6)
    worker.report.flush_if_due()
    worker.objects.fails = False
    worker.report.done(COMPLETED, None)
    assert hits(worker) == 1
    assert worker.the_done().reason is DoneReason.COMPLETED


def test_lost_snapshots_make_the_end_a_failure_of_the_store() -> None:
    worker = Worker(patience=5, objects=FailingStore(only="/snap/"))
    worker.begin()
    worker.objects.fails = True
    worker.clock.advance(6)
    worker.report.flush_if_due()
    worker.report.done(COMPLETED, None)
    done = worker.the_done()
    assert (done.reason, done.digests) == (DoneReason.STORE_FAILED, ())
    assert "The store is away." in done.message
    assert worker.report.was_written


def test_a_store_that_takes_nothing_leaves_no_last_word_and_says_so() -> None:
    worker = Worker(patience=5)
    worker.begin()
    worker.objects.fails = True
    worker.report.done(COMPLETED, None)
    assert not worker.report.was_written
    assert worker.clock.now() < T0 + 60
    assert worker.report.store_failure == "The store is away."
