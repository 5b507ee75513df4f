"""Snapshots reach the store in order and once each, however the store behaves; a store that stays away is a failure."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import pytest

from portal.core.errors import StoreUnavailable
from portal.core.snapshot import Block, IntervalSnapshot
from portal.stores.layout import parse_snapshot_key
from portal.stores.run_store import RunStore
from runner_images.agent.reporter import Reporter
from tests.core.points import counter
from tests.fakes import FailingStore, FakeClock, wait_until


def snapshot(seq: int) -> IntervalSnapshot:
    return IntervalSnapshot(3, 1, seq, 100 + seq, 101 + seq, Block.of([counter(100 + seq, "hits", seq + 1.0)]))


class Stopwatch(FakeClock):
    """Stops the world at every pause until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses, self.may_go = 0, threading.Event()

    def sleep(self, seconds: float) -> None:
        self.pauses += 1
        self.may_go.wait(60)
        super().sleep(seconds)


class Broken(RunStore):
    """Has a bug."""

    def put_snapshot(self, slot: int, epoch: int, seq: int, data: bytes) -> None:
        raise ZeroDivisionError


def away() -> None:
    raise StoreUnavailable("away")


def test_everything_lies_in_the_store_in_order_and_the_digests_are_its_own() -> None:
    store = RunStore(FailingStore(), "run1")
    reporter = Reporter(store, FakeClock())
    for seq in range(30):
        reporter.ship(snapshot(seq))
    reporter.finish()
    keys = store.snapshot_keys()
    stored = [store.snapshot_bytes(key) or b"" for key in keys]
    assert [parse_snapshot_key(key) for key in keys] == [(3, 1, seq) for seq in range(30)]
    assert reporter.digests == [hashlib.sha256(data).hexdigest() for data in stored]
    assert [IntervalSnapshot.decode(data).start for data in stored] == list(range(100, 130))
    assert reporter.failure == ""


def test_a_store_that_is_down_for_a_while_loses_nothing() -> None:
    objects, clock = FailingStore(), Stopwatch()
    store = RunStore(objects, "run1")
    reporter = Reporter(store, clock, patience=1e9)
    reporter.ship(snapshot(0))
    wait_until(lambda: reporter.digests, "the first")
    objects.fails = True
    for seq in range(1, 6):
        reporter.ship(snapshot(seq))
    wait_until(lambda: clock.pauses, "a failed write")
    assert len(store._objects.inner.list("")) == 1  # type: ignore[attr-defined]
    objects.fails = False
    clock.may_go.set()
    reporter.finish()
    assert [parse_snapshot_key(key)[2] for key in store.snapshot_keys()] == list(range(6))
    assert (len(reporter.digests), reporter.failure) == (6, "")


@pytest.mark.parametrize("full", [True, False])
def test_a_store_that_stays_away_is_a_failure_after_patience_and_nothing_piles_up(full: bool) -> None:
    objects, clock = FailingStore(full=full), FakeClock()
    objects.fails = True
    reporter = Reporter(RunStore(objects, "run1"), clock, patience=300)
    began = clock.now()
    for seq in range(50):
        reporter.ship(snapshot(seq))
    reporter.finish()
    assert 300 < clock.now() - began < 310
    assert reporter.failure == ("No room left." if full else "The store is away.")
    assert (reporter.digests, reporter._waiting.qsize()) == ([], 0)


def test_patience_is_lost_once_and_for_all_writes() -> None:
    objects, clock = FailingStore(), FakeClock()
    objects.fails = True
    reporter = Reporter(RunStore(objects, "run1"), clock, patience=300)
    reporter.ship(snapshot(0))
    reporter.finish()
    at = clock.now()
    assert not reporter.insist(away)
    assert clock.now() == at
    assert reporter.insist(lambda: None)


def test_a_write_is_repeated_until_it_succeeds() -> None:
    answers: list[Callable[[], None]] = [away, away, lambda: None]
    assert Reporter(RunStore(FailingStore(), "run1"), FakeClock()).insist(lambda: answers.pop(0)())
    assert answers == []


def test_a_bug_of_ours_is_a_failure_and_no_silence() -> None:
    reporter = Reporter(Broken(FailingStore(), "run1"), FakeClock())
    reporter.ship(snapshot(0))
    reporter.ship(snapshot(1))
    reporter.finish()
    assert "ZeroDivisionError" in reporter.failure
    assert reporter.digests == []
