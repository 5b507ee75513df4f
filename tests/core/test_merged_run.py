"""A run's snapshots in memory: counted once in any order, coverage to the second, and no more held than is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.counted import Counted, Gap
from portal.core.merge import EVER, merge, per_second, rollup, select, split_gauges
from portal.core.merged_run import MINUTE, RECENT_MINUTES, MergedRun
from portal.core.snapshot import Block, IntervalSnapshot
from tests.core.points import any_block, counter, gauge, request, snapshot

quick = settings(max_examples=60, deadline=None)


def snapshots_of(blocks: list[Block]) -> list[IntervalSnapshot]:
    """Three workers take turns."""
    return [snapshot(place % 3, place // 3, start=100, end=112, points=block.points()) for place, block in enumerate(blocks)]


def test_a_snapshot_counts_once_however_often_it_arrives() -> None:
    run = MergedRun()
    piece = snapshot(points=[counter(100, "hits", 5)])
    assert run.add(piece)
    assert not run.add(piece)
    assert select(run.recent(), "hits").total == 5
    assert not run.add(piece)
    assert (select(run.recent(), "hits").total, select(run.totals(), "hits").total) == (5, 5)


@quick
@given(st.lists(any_block(), max_size=9), st.data())
def test_any_order_any_repetition_and_any_batches_give_the_same_run(blocks: list[Block], data: st.DataObject) -> None:
    pieces = snapshots_of(blocks)
    arrived = data.draw(
        st.permutations(pieces + data.draw(st.lists(st.sampled_from(pieces), max_size=5) if pieces else st.just([])))
    )
    run, straight = MergedRun(), MergedRun()
    for piece in arrived:
        run.add(piece)
        if data.draw(st.booleans()):
            run.totals()
    for piece in pieces:
        straight.add(piece)
    assert as_bytes(run.recent()) == as_bytes(straight.recent()) == as_bytes(merge(blocks))
    assert as_bytes(run.totals()) == as_bytes(straight.totals()) == as_bytes(rollup(merge(blocks), EVER))
    assert as_bytes(run.recent(103, 108)) == as_bytes(merge(blocks).between(103, 108))
    assert run.counted == straight.counted


@quick
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30), st.data())
def test_sums_of_nanoseconds_are_exact_in_any_order_and_grouping(nanoseconds: list[int], data: st.DataObject) -> None:
    blocks = [Block.of([counter(100, "hits", value / 1e6)]) for value in data.draw(st.permutations(nanoseconds))]
    cut = data.draw(st.integers(0, len(blocks)))
    found = merge([merge(blocks[:cut]), merge(blocks[cut:])])
    assert found.total.tolist() == [sum(nanoseconds) / 1e6]


def as_bytes(block: Block) -> bytes:
    return IntervalSnapshot(0, 0, 0, 0, 0, block).encode()


@quick
@given(st.lists(any_block(), max_size=6), st.integers(0, 6))
def test_a_run_that_was_kept_and_forgot_nothing_yet_says_the_same(blocks: list[Block], cut: int) -> None:
    run = MergedRun()
    for piece in snapshots_of(blocks)[:cut]:
        run.add(piece)
    kept = merge(run.fresh().values())
    run.settle_kept()
    for piece in snapshots_of(blocks)[cut:]:
        run.add(piece)
    assert run.recent() == merge(blocks)
    assert run.totals() == rollup(merge(blocks), EVER)
    assert merge([kept, *run.fresh().values()]) == merge(blocks)


def test_what_is_older_than_the_recent_minutes_stays_in_the_totals_and_the_outline() -> None:
    run = hours_of(1)
    assert len(run.recent()) == 2 * RECENT_MINUTES
    assert (select(run.totals(), "http_reqs").total, select(run.totals(), "vus").total) == (60, 59)
    outline = per_second(run.outline(), "http_reqs")
    assert (outline.at.tolist(), set(outline.total.tolist())) == ([minute * MINUTE for minute in range(60)], {1.0})
    assert run.users() == 59


def test_late_points_of_forgotten_minutes_count_and_their_gauges_do_not() -> None:
    run = hours_of(1)
    assert run.add(snapshot(5, 0, start=60, end=120, points=[counter(61, "http_reqs", 1), gauge(61, "vus", 7)]))
    assert (select(run.totals(), "http_reqs").total, select(run.totals(), "vus").total) == (61, 59)
    assert per_second(run.outline(), "http_reqs").total.tolist()[:3] == [1, 2, 1]
    assert list(run.fresh()) == [60], "and it is kept with the next keeping"


def test_what_is_held_grows_by_a_point_per_metric_in_ten_minutes() -> None:
    assert held(hours_of(18)) == held(hours_of(8)) + 2 * 10 * 6


def held(run: MergedRun) -> int:
    """Points in memory."""
    return len(run.recent()) + len(run.outline()) + len(run.totals()) + sum(map(len, run.fresh().values()))


def hours_of(hours: int) -> MergedRun:
    """One request and so many users a minute, kept every minute."""
    run = MergedRun()
    for minute in range(60 * hours):
        at = minute * MINUTE
        run.add(snapshot(0, minute, start=at, end=at + MINUTE, points=[counter(at, "http_reqs", 1), gauge(at, "vus", minute)]))
        assert run.fresh()
        run.settle_kept()
    return run


@quick
@given(st.lists(any_block(), min_size=1, max_size=4))
def test_a_run_resumes_from_its_rolled_up_minutes(blocks: list[Block]) -> None:
    whole = merge(blocks)
    run = MergedRun([Counted(0, 1, ((0, 4),), ((100, 112),))])
    run.resume([rollup(whole, MINUTE)], [])
    assert not run.add(snapshot(0, 2, points=whole.points())), "it is counted"
    assert split_gauges(run.totals())[0] == split_gauges(rollup(whole, EVER))[0]
    assert run.next_seq(0, 1) == 4


def test_a_snapshot_that_cannot_be_read_is_passed_over_and_its_seconds_stay_a_hole() -> None:
    run = MergedRun()
    run.add(snapshot(0, 0, start=100, end=105))
    run.pass_over(0, 1, 1)
    run.pass_over(0, 1, 1)
    run.add(snapshot(0, 2, start=110, end=115))
    assert (run.next_seq(0, 1), run.unreadable, run.missing(100, {0: 115})) == (3, 1, (Gap(0, 105, 110),))


def test_coverage_names_the_slots_and_seconds_that_are_missing() -> None:
    run = MergedRun()
    run.add(snapshot(0, 0, start=98, end=105))
    run.add(snapshot(0, 1, start=105, end=110))
    run.add(snapshot(1, 0, start=100, end=103))
    run.add(snapshot(1, 2, start=105, end=107, epoch=2))
    ends = {0: 110, 1: 110, 2: 110}
    assert run.missing(100, ends) == (Gap(1, 103, 105), Gap(1, 107, 110), Gap(2, 100, 110))
    assert run.coverage(100, ends) == pytest.approx(0.5)
    assert (run.covered(), run.newest) == (((98, 110),), 110)


def test_a_run_without_plan_or_snapshots_covers_nothing() -> None:
    assert MergedRun().coverage(100, {}) == 0
    assert MergedRun().coverage(100, {0: 110}) == 0
    assert (len(MergedRun().recent()), len(MergedRun().totals()), MergedRun().users()) == (0, 0, 0)


def test_requests_without_users_in_their_seconds_count_the_prepared_ones() -> None:
    run = MergedRun()
    run.add(snapshot(points=[*request(100), gauge(100, "vus", 0), gauge(100, "vus_max", 20)]))
    assert run.users() == 20
