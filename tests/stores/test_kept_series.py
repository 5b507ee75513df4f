"""Merged series in the store: equal to all snapshots merged at once, wherever a process died and however late they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import StoreUnavailable
from portal.core.merge import EVER, merge, rollup, split_gauges
from portal.core.merged_run import MergedRun
from portal.core.snapshot import Block, IntervalSnapshot, Point
from portal.stores.kept_series import KEPT_SECONDS, KeptElsewhere, KeptSeries
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from tests.core.points import any_block, counter, gauge, snapshot

quick = settings(max_examples=60, deadline=None)
T0 = 1_700_000_000 // 3600 * 3600


class DyingStore(MemoryStore):
    """Takes so many writes; with the next one the process that makes it dies."""

    writes_left = 10**9
    takes_lists = True
    """Without: it dies in the moment in which everything but the list is written."""

    def put(self, key: str, data: bytes) -> None:
        self._write()
        super().put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        if not self.takes_lists:
            self.writes_left = 0
        self._write()
        return super().put_new(key, data)

    def delete(self, prefix: str) -> None:
        self._write()
        super().delete(prefix)

    def _write(self) -> None:
        if not self.writes_left:
            raise StoreUnavailable("The process died.")
        self.writes_left -= 1


def spread(block: Block, minutes: int) -> Iterator[Point]:
    """The same points so far apart that they fall into several chunks."""
    for point in block.points():
        yield replace(point, second=T0 + (point.second - 100) * 60 * minutes + point.second % 60)


def stored(store: RunStore) -> dict[int, Block]:
    kept = KeptSeries(store)
    return {resolution: merge(kept.blocks(resolution)) for resolution in (1, 10, 60)}


def series_bytes(store: RunStore) -> dict[tuple[int, int], bytes | None]:
    return {(chunk.resolution, chunk.number): store.series_bytes(chunk.key) for chunk in KeptSeries(store).kept.chunks}


@quick
@given(
    blocks=st.lists(any_block(), min_size=1, max_size=6),
    minutes=st.integers(0, 4),
    lives=st.lists(st.tuples(st.integers(1, 3), st.none() | st.integers(0, 40), st.booleans()), max_size=5),
    seed=st.randoms(use_true_random=False),
)
def test_a_watcher_that_dies_at_any_write_leaves_the_same_bytes(
    blocks: list[Block], minutes: int, lives: list[tuple[int, int | None, bool]], seed: Random
) -> None:
    """`lives`: so many more snapshots; so many writes until it dies (None: all but the list); does somebody else go on then?"""
    pieces = [snapshot(seq % 2, seq // 2, start=T0, end=T0 + 1, points=spread(block, minutes))
              for seq, block in enumerate(blocks)]  # fmt: skip
    objects, arrived = DyingStore(), 0
    store = RunStore(objects, "r")
    kept, run = KeptSeries(store), MergedRun()
    for more, writes, goes_on in [*lives, (len(pieces), 10**9, True)]:
        arrived += more
        for piece in seed.sample(pieces[:arrived], len(pieces[:arrived])):
            run.add(piece)
        objects.writes_left, objects.takes_lists = writes or 0, True
        if writes is None:
            objects.writes_left, objects.takes_lists = 10**9, False
        with suppress(StoreUnavailable):
            kept.keep(run)
        objects.writes_left, objects.takes_lists = 10**9, True
        if goes_on:
            kept = KeptSeries(store)
            run = kept.restore()
    whole = merge(piece.block for piece in pieces)
    assert stored(store) == {1: whole, 10: rollup(whole, 10), 60: rollup(whole, 60)}
    assert series_bytes(store) == series_bytes(at_once(pieces))
    assert run.totals() == rollup(whole, EVER)
    assert run.counted == kept.kept.counted


def at_once(pieces: list[IntervalSnapshot]) -> RunStore:
    store, run = RunStore(MemoryStore(), "r"), MergedRun()
    for piece in pieces:
        run.add(piece)
    KeptSeries(store).keep(run)
    return store


def an_hourly(hour: int, seq: int, slot: int = 0) -> IntervalSnapshot:
    at = T0 + hour * 3600
    return snapshot(slot, seq, start=at, end=at + 60, points=[counter(at, "hits", 1), gauge(at, "vus", hour)])


def of_hours(hours: int) -> tuple[RunStore, KeptSeries, MergedRun]:
    store, run = RunStore(MemoryStore(), "r"), MergedRun()
    kept = KeptSeries(store)
    for hour in range(hours):
        run.add(an_hourly(hour, hour))
        kept.keep(run)
    return store, kept, run


def test_fine_steps_of_long_runs_go_and_the_minutes_stay() -> None:
    store, kept, _ = of_hours(20)
    found = stored(store)
    newest = T0 + 19 * 3600
    assert found[60].at.tolist()[::2] == [T0 + hour * 3600 for hour in range(20)]
    assert {resolution: newest - int(found[resolution].at[0]) for resolution in (1, 10)} == dict(KEPT_SECONDS)
    assert len(store.series_keys(1)) <= len(kept.chunks(1)) + 1, "what is no longer valid goes one keeping later"
    assert len(store.series_keys(60)) <= len(kept.chunks(60)) + 2


def test_a_tidied_run_holds_nothing_but_what_is_valid() -> None:
    store, kept, _ = of_hours(20)
    before = stored(store)
    kept.tidy()
    found = {key for resolution in (1, 10, 60) for key in store.series_keys(resolution)}
    assert found == {chunk.key for chunk in kept.kept.chunks}
    assert stored(store) == before


def test_a_snapshot_that_comes_after_its_seconds_went_still_counts() -> None:
    store, kept, run = of_hours(20)
    run.add(an_hourly(3, 0, slot=1))
    kept.keep(run)
    sums, gauges = split_gauges(stored(store)[60])
    assert dict(zip(sums.at.tolist(), sums.total.tolist(), strict=True))[T0 + 3 * 3600] == 2
    assert gauges.total.tolist() == list(range(20)), "its gauge is unknown by now which of the minute's last it was"
    assert KeptSeries(store).restore().totals() == run.totals()


def test_of_two_processes_one_keeps_and_the_other_begins_anew() -> None:
    store, first, run = of_hours(2)
    second = KeptSeries(store)
    other = second.restore()
    run.add(an_hourly(2, 2))
    first.keep(run)
    other.add(an_hourly(2, 2))
    other.add(an_hourly(3, 3))
    with pytest.raises(KeptElsewhere):
        second.keep(other)
    second.load()
    again = second.restore()
    again.add(an_hourly(3, 3))
    second.keep(again)
    assert stored(store)[60].total.sum() == 4 + 0 + 1 + 2 + 3


def test_keeping_without_news_writes_nothing() -> None:
    _, kept, run = of_hours(2)
    number = kept.kept.number
    kept.keep(run)
    assert kept.kept.number == number


def test_users_of_every_second_are_remembered_when_the_seconds_are_gone() -> None:
    store, run = RunStore(MemoryStore(), "r"), MergedRun()
    kept = KeptSeries(store)
    for slot, users in ((0, 40), (1, 2)):
        run.add(snapshot(slot, 0, start=T0, end=T0 + 60, points=[gauge(T0, "vus", users), gauge(T0 + 1, "vus", 1)]))
        kept.keep(run)
    run.add(snapshot(0, 1, start=T0 + 60, end=T0 + 120, points=[gauge(T0 + 5 * 3600, "vus", 3)]))
    kept.keep(run)
    assert (KeptSeries(store).restore().users(), run.users()) == (42, 42)
